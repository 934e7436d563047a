//! A submission as it is now, to name it after a decision.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wayin_entity::SubmissionState;

use crate::pages::error::PageError;
use crate::pages::operation::PageOperation;
use crate::pages::record::data::NamedOrganisation;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

#[derive(Debug, Deserialize, Serialize)]
pub struct ReviewedSubmissionOperation {
    submission: Option<ReviewedSubmission>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct ReviewedSubmission {
    pub id: String,
    pub state: SubmissionState,
    pub record: Value,
    pub organisation: NamedOrganisation,
}

impl PageOperation for ReviewedSubmissionOperation {
    const DOCUMENT: &'static str = include_str!("reviewed.graphql");
}

/// Finds a submission. None if it does not exist.
pub async fn find_reviewed(
    service: &PageService,
    visitor: &Visitor,
    id: &str,
) -> Result<Option<ReviewedSubmission>, PageError> {
    let found: ReviewedSubmissionOperation = service.execute(visitor, json!({ "id": id })).await?;
    Ok(found.submission)
}

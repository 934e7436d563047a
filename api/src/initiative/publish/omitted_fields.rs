//! Completes records of files with missing columns from the published records.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;
use wayin_entity::initiative;

use super::Proposal;
use crate::database::is_in;
use crate::error::{Error, Result};
use crate::organisation::OrganisationLookup;
use crate::store::revisions::load_newest_documents;

/// Takes the fields that a proposal's file has no column for from the published record with the same
/// reference.
pub(super) async fn fill_omitted_fields(db: &impl ConnectionTrait, proposals: &mut [Proposal]) -> Result<()> {
    let is_partial = |one: &&mut Proposal| {
        let unstated = one.omitted.as_ref();
        unstated.is_some_and(|unstated| !unstated.is_empty()) && one.record.external_ref.is_some()
    };
    let partial: Vec<&mut Proposal> = proposals.iter_mut().filter(is_partial).collect();
    if partial.is_empty() {
        return Ok(());
    }
    let leads = OrganisationLookup::load(db, partial.iter().map(|one| &one.record.lead_organisation)).await?;
    let references = partial.iter().filter_map(|one| one.record.external_ref.clone());
    let found = initiative::Entity::find()
        .filter(is_in(db, initiative::Column::ExternalRef.into_expr(), references))
        .filter(initiative::Column::WithdrawnAt.is_null())
        .all(db)
        .await?;
    let documents = load_newest_documents(db, found.iter().map(|one| one.id)).await?;
    let published: HashMap<(Uuid, String), Uuid> = found
        .into_iter()
        .filter_map(|one| Some(((one.lead_organisation_id, one.external_ref?), one.id)))
        .collect();
    for proposal in partial {
        let lead = leads.find_id(&proposal.record.lead_organisation);
        let key = lead.zip(proposal.record.external_ref.clone());
        let document = key
            .and_then(|key| published.get(&key))
            .and_then(|id| documents.get(id));
        let (Some(document), Some(unstated)) = (document, &proposal.omitted) else {
            continue;
        };
        let unreadable = |cause: serde_json::Error| Error::Internal(cause.to_string());
        let mut record = serde_json::to_value(&proposal.record).map_err(unreadable)?;
        unstated.fill_from_published(&mut record, document);
        proposal.record = serde_json::from_value(record).map_err(unreadable)?;
    }
    Ok(())
}

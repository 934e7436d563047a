//! A workbook of the records with requested changes: each as it was typed, with the steward's note and all
//! other problems. The corrected workbook can be imported.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Seek as _};

use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value;
use tokio::sync::mpsc;
use uuid::Uuid;
use wayin_entity::{SubmissionState, organisation, submission};

use super::select_visible;
use super::validate::{self, UnvalidatedRecord};
use crate::auth::requester::AuthenticatedMember;
use crate::change_log::ActionContext;
use crate::error::{Error, Result};
use crate::place::Gazetteer;
use wayin_records::formats::file_record::{CellPosition, UnreadCell};
use wayin_records::problem::{Problem, ProblemCode};
use wayin_records::workbook::RecordWorkbook;
use wayin_records::workbook::columns::SHEETS;
use wayin_records::workbook::{WriteError, format_cell};

/// A typed record with its problems.
type RecordWithProblems = (Value, Vec<Problem>);

const SUBMISSIONS_PER_PAGE: u64 = 200;

/// Writes the workbook to a temporary file: all records that the member can see, or those of one
/// organisation. None if there are none.
pub async fn write_corrections(
    db: &DatabaseConnection,
    act: &ActionContext<'_>,
    member: &AuthenticatedMember,
    organisation: Option<Uuid>,
) -> Result<Option<File>> {
    let mut returned = select_visible(member)
        .filter(submission::Column::State.eq(SubmissionState::ChangesRequested))
        .order_by_asc(submission::Column::Id)
        .limit(SUBMISSIONS_PER_PAGE);
    if let Some(id) = organisation {
        returned = returned.filter(submission::Column::OrganisationId.eq(id));
    }
    let mut page = returned.clone().all(db).await?;
    if page.is_empty() {
        return Ok(None);
    }
    let places = Gazetteer::load(db).await?;
    let (sender, receiver) = mpsc::channel(100);
    let writing = tokio::task::spawn_blocking(|| write_workbook(receiver));
    while let Some(last) = page.last() {
        let after = last.id;
        for record in list_problems(db, act, &places, page).await? {
            // The writer stops if it cannot write the workbook. Its error is returned below.
            if sender.send(record).await.is_err() {
                break;
            }
        }
        page = returned
            .clone()
            .filter(submission::Column::Id.gt(after))
            .all(db)
            .await?;
    }
    drop(sender);
    let written = writing.await.map_err(|cause| export_error(&cause))?;
    Ok(Some(written?))
}

/// Each record with the steward's note and its problems, in the order of the submissions.
async fn list_problems(
    db: &DatabaseConnection,
    act: &ActionContext<'_>,
    places: &Gazetteer,
    submissions: Vec<submission::Model>,
) -> Result<Vec<RecordWithProblems>> {
    let mut of_organisations: BTreeMap<Uuid, Vec<submission::Model>> = BTreeMap::new();
    for submission in submissions {
        let of = of_organisations.entry(submission.organisation_id);
        of.or_default().push(submission);
    }
    let mut found = BTreeMap::new();
    for (id, submissions) in of_organisations {
        let organisation = organisation::Entity::find_by_id(id).one(db).await?;
        let organisation =
            organisation.ok_or_else(|| Error::Internal(format!("there is no organisation {id}")))?;
        let proposed = submissions.iter().map(|submission| UnvalidatedRecord {
            parsed: validate::parse_submission(&submission.document, &organisation),
            corrects: submission.initiative_id,
            base_version: None,
        });
        let validated = validate::validate_all(db, act, places, &organisation, proposed.collect()).await?;
        for (submission, validated) in submissions.into_iter().zip(validated) {
            let note = submission.review_note.unwrap_or_default();
            let note = Problem::new(ProblemCode::NotAllowed, "", format!("The steward's note: {note}"));
            let problems = std::iter::once(note).chain(validated.errors).collect();
            found.insert(submission.id, (submission.document, problems));
        }
    }
    Ok(found.into_values().collect())
}

fn write_workbook(records: mpsc::Receiver<RecordWithProblems>) -> Result<File> {
    let mut written = tempfile::tempfile().map_err(|cause| export_error(&cause))?;
    write_records(records, &mut written).map_err(|cause| export_error(&cause))?;
    written.rewind().map_err(|cause| export_error(&cause))?;
    Ok(written)
}

fn write_records(
    mut records: mpsc::Receiver<RecordWithProblems>,
    written: &mut File,
) -> Result<(), WriteError> {
    let mut book = RecordWorkbook::for_requested_changes()?;
    // The first row of a sheet contains the column titles.
    let mut row = 1;
    while let Some((document, problems)) = records.blocking_recv() {
        row += 1;
        book.add_record(&document, &problems)?;
        for (path, text) in format_cell::list_unrepresented(&document) {
            book.add_unread(&UnreadCell {
                position: CellPosition {
                    sheet: Some(SHEETS[0].name.to_owned()),
                    row,
                    column: Some(path),
                },
                text,
                reason: "has no column in this workbook".into(),
            })?;
        }
    }
    book.finish(BufWriter::new(written))
}

fn export_error(cause: &dyn std::fmt::Display) -> Error {
    Error::Internal(format!(
        "the workbook of records with requested changes was not written: {cause}"
    ))
}

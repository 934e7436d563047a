//! Rows that tests insert into tables directly.

use serde_json::Value;
use uuid::Uuid;
use wayin::clock::{Clock, SystemClock};
use wayin_entity::{FileFormat, ImportKind, ImportMode, ImportState, SubmissionState, import, submission};

/// A row of an import that has ended.
pub fn build_finished_import(
    member: Uuid,
    organisation: Option<Uuid>,
    kind: ImportKind,
    file_name: &str,
) -> import::Model {
    let now = SystemClock.now();
    import::Model {
        id: SystemClock.new_id(),
        member_id: Some(member),
        organisation_id: organisation,
        kind,
        mode: ImportMode::Draft,
        file_name: file_name.into(),
        format: FileFormat::JsonLines,
        bytes: 1,
        licence: None,
        state: ImportState::Completed,
        failure_reason: None,
        notes: None,
        rows_processed: 0,
        draft_count: 0,
        submitted_count: 0,
        published_count: 0,
        added_count: Some(0),
        unchanged_count: 0,
        invalid_count: 0,
        rejected_count: 0,
        warning_count: 0,
        runner: None,
        runner_until: None,
        attempts: 1,
        ended_at: Some(now),
        expired_at: None,
        created_at: now,
        updated_at: now,
    }
}

/// A row of a submission that was returned with a note.
pub fn build_returned_submission(
    author: Uuid,
    organisation: Uuid,
    document: Value,
    note: &str,
) -> submission::Model {
    let now = SystemClock.now();
    submission::Model {
        id: SystemClock.new_id(),
        organisation_id: organisation,
        author_id: author,
        state: SubmissionState::ChangesRequested,
        external_ref: document["externalRef"].as_str().map(ToOwned::to_owned),
        document,
        import_id: None,
        initiative_id: None,
        initiative_version: None,
        review_note: Some(note.into()),
        version: 1,
        submitted_at: Some(now),
        decided_at: Some(now),
        created_at: now,
        updated_at: now,
    }
}

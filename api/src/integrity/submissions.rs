//! Compares the contents of submissions with their state.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;
use wayin_entity::{SubmissionState, initiative, submission};

use super::{IntegrityChecker, Invariant};
use crate::error::Result;
use crate::paging::KeysetScan;

const SUBMISSIONS_PER_BATCH: u64 = 500;

pub(super) async fn check_submissions(
    db: &impl ConnectionTrait,
    checking: &mut IntegrityChecker<'_>,
) -> Result<()> {
    let mut walk = KeysetScan::new(
        submission::Entity::find(),
        submission::Column::Id,
        SUBMISSIONS_PER_BATCH,
    );
    while let Some(page) = walk.next_rows(db).await? {
        let versions: Vec<(Uuid, i32)> = initiative::Entity::find()
            .select_only()
            .columns([initiative::Column::Id, initiative::Column::Version])
            .filter(initiative::Column::Id.is_in(page.iter().filter_map(|one| one.initiative_id)))
            .into_tuple()
            .all(db)
            .await?;
        let versions: HashMap<Uuid, i32> = versions.into_iter().collect();
        for row in &page {
            let version = row.initiative_id.and_then(|id| versions.get(&id).copied());
            for wrong in find_problems(row, version) {
                let (id, state) = (row.id, row.state.code());
                let sentence = format!("Submission {id}, which is {state}, {wrong}.");
                checking.report(Invariant::Submissions, sentence);
            }
        }
        checking.summary.submissions += page.len() as u64;
    }
    Ok(())
}

/// Finds the problems of a submission. `version` is that of the initiative that it names.
fn find_problems(row: &submission::Model, version: Option<i32>) -> Vec<String> {
    use SubmissionState::{ChangesRequested, Discarded, Draft, Published, Submitted};
    let mut wrong = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            wrong.push(what.to_owned());
        }
    };
    must(row.document.is_object(), "has a document that is not a record");
    must(row.version >= 1, "has no version");
    let was_sent = matches!(row.state, Submitted | ChangesRequested | Published);
    must(
        !was_sent || row.submitted_at.is_some(),
        "does not say when it was submitted",
    );
    let was_decided = matches!(row.state, ChangesRequested | Published | Discarded);
    must(
        !was_decided || row.decided_at.is_some(),
        "does not say when it was decided",
    );
    match row.state {
        Draft => {
            must(row.submitted_at.is_none(), "was sent");
            must(row.decided_at.is_none(), "was decided");
            must(row.review_note.is_none(), "has a review note");
        }
        ChangesRequested => must(row.review_note.is_some(), "has no review note"),
        Published => must(row.initiative_id.is_some(), "has no initiative"),
        Submitted | Discarded => {}
    }
    if let (Some(_), None) = (row.initiative_version, row.initiative_id) {
        must(false, "has the version of an initiative but no initiative");
    }
    if row.state != Published {
        must(
            row.initiative_id.is_none() || row.initiative_version.is_some(),
            "does not say which version of its initiative it corrects",
        );
    }
    if let Some(initiative) = row.initiative_id {
        match (row.initiative_version, version) {
            (_, None) => wrong.push(format!("names the initiative {initiative}, which does not exist")),
            (Some(corrects), Some(version)) if !(1..=version).contains(&corrects) => wrong.push(format!(
                "corrects version {corrects} of initiative {initiative}, which is at {version}"
            )),
            _ => {}
        }
    }
    wrong
}

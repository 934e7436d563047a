//! What a submission changes in the published record.

use sea_orm::ConnectionTrait;
use serde::Deserialize as _;
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::{organisation, submission};

use super::validate::parse_submission;
use crate::error::{Error, Result};
use crate::initiative::publish;
use crate::organisation::OrganisationLookup;
use crate::place::Gazetteer;
use crate::store::revisions;
use wayin_records::diff::{Difference, find_differences};
use wayin_records::record::{InitiativeRecord, OrganisationReference};
use wayin_records::record_diff::find_record_differences;
use wayin_records::validate::normalise_record;

/// Finds the fields that a submission changes in the version that it is based on. Both are compared as publication writes them,
/// so that another way to write the same value is no change. Empty if the submission corrects no published record.
pub async fn find_changes(
    db: &impl ConnectionTrait,
    places: &Gazetteer,
    organisation: &organisation::Model,
    submission: &submission::Model,
) -> Result<Vec<Difference>> {
    let Some((initiative, version)) = submission.initiative_id.zip(submission.initiative_version) else {
        return Ok(Vec::new());
    };
    let document = revisions::find_document(db, initiative, version).await?;
    let document = document.unwrap_or_default();
    let published = InitiativeRecord::deserialize(&document);
    let sent = parse_submission(&submission.document, organisation).into_record();
    let (Ok(mut before), Some(sent)) = (published, sent) else {
        // What cannot be read is shown as it was typed.
        return Ok(find_differences(&document, &submission.document));
    };
    normalise_record(&mut before);
    let mut after = publish::keep_own_grant_terms(db, initiative, sent).await?;
    unify_places(places, &before, &mut after);
    unify_organisations(db, &before, &mut after).await?;
    Ok(find_record_differences(
        &to_document(&before)?,
        &to_document(&after)?,
    ))
}

/// Names the place as the published record does, if it is the same place.
fn unify_places(places: &Gazetteer, before: &InitiativeRecord, after: &mut InitiativeRecord) {
    let find_id = |record: &InitiativeRecord| {
        let reference = record.place.as_ref()?;
        places.resolve(reference).ok().map(|place| place.id)
    };
    let id = find_id(before);
    if id.is_some() && id == find_id(after) {
        after.place.clone_from(&before.place);
    }
}

/// Names each organisation as the published record does, if that record names it. Others stay as they were sent: the partner may
/// not be allowed to read more about them.
async fn unify_organisations(
    db: &impl ConnectionTrait,
    before: &InitiativeRecord,
    after: &mut InitiativeRecord,
) -> Result<()> {
    let earlier = publish::list_organisation_references(before);
    let named = earlier.chain(publish::list_organisation_references(after));
    let organisations = OrganisationLookup::load(db, named).await?;
    let known: Vec<(Uuid, &OrganisationReference)> = publish::list_organisation_references(before)
        .filter_map(|reference| Some((organisations.find_id(reference)?, reference)))
        .collect();
    for reference in publish::organisation_references_mut(after) {
        let id = organisations.find_id(reference);
        if let Some((_, same)) = known.iter().find(|(known, _)| id == Some(*known)) {
            reference.clone_from(same);
        }
    }
    Ok(())
}

fn to_document(record: &InitiativeRecord) -> Result<Value> {
    serde_json::to_value(record).map_err(|cause| Error::Internal(cause.to_string()))
}

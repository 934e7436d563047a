//! Loads the illustrative evidence of [`wayin_sample`] with the same functions as imports and mutations.

use sea_orm::{ActiveModelTrait, DatabaseConnection, EntityTrait, IntoActiveModel};
use wayin_entity::{
    ChangeKind, ChangeSubject, Dimension, claim, crisis, crisis_place, meeting, reflection, term,
};

use crate::change_log::{self, ActionContext, ChangeEntry};
use crate::database;
use crate::error::{Error, Result};
use crate::import;
use crate::initiative::publish::{Proposal, PublicationOutcome, publish_records};
use crate::instance::DisclosureKeys;
use crate::place::Gazetteer;
use crate::vocabulary::term::fold_term;
use wayin_sample::{Evidence, ExampleClaim, ExampleCrisis, ExampleMeeting, ExampleTerm, PLACES_CSV};

const RECORDS_PER_TRANSACTION: usize = 500;

/// Loads the evidence into a migrated and empty database.
pub async fn load_sample(db: &DatabaseConnection, act: &ActionContext<'_>, evidence: Evidence) -> Result<()> {
    let refused = |what: &str, why: String| Error::Internal(format!("example evidence, {what}: {why}"));
    let tally = import::places::import(db, act, PLACES_CSV.as_bytes(), &mut |_| {})
        .await
        .map_err(|cause| refused("places", cause.to_string()))?;
    if tally.refused > 0 {
        return Err(refused("places", format!("{} were refused", tally.refused)));
    }
    let places = Gazetteer::load(db).await?;
    let keys = DisclosureKeys::load(db).await?;
    for records in evidence.records.chunks(RECORDS_PER_TRANSACTION) {
        let proposals = records.iter().map(|record| Proposal {
            record: record.clone(),
            grant: None,
            corrects: None,
            base_version: None,
            omitted: None,
        });
        let transaction = database::begin_write(db).await?;
        for outcome in publish_records(&transaction, act, &places, &keys, proposals.collect()).await? {
            if let PublicationOutcome::Rejected(problems) = outcome {
                return Err(refused("a record", format!("{problems:?}")));
            }
        }
        database::commit(transaction).await?;
    }
    let transaction = database::begin_write(db).await?;
    for crisis in evidence.crises {
        create_crisis(&transaction, act, &places, &crisis).await?;
    }
    let mut reflections = Vec::new();
    for meeting in evidence.meetings {
        reflections.extend(create_meeting(&transaction, act, &places, meeting).await?);
    }
    for (position, claim) in (1..).zip(evidence.claims) {
        let reflection = claim.reflection.and_then(|index| reflections.get(index).copied());
        create_claim(&transaction, act, position, claim, reflection).await?;
    }
    for term in evidence.terms {
        create_term(&transaction, act, term).await?;
    }
    database::commit(transaction).await?;
    Ok(())
}

fn find_place_id(places: &Gazetteer, code: &str) -> Result<uuid::Uuid> {
    let missing = || Error::Internal(format!("example evidence: no place has the code {code}"));
    Ok(places.find_by_code(code).ok_or_else(missing)?.id)
}

async fn create_crisis(
    db: &impl sea_orm::ConnectionTrait,
    act: &ActionContext<'_>,
    places: &Gazetteer,
    crisis: &ExampleCrisis,
) -> Result<()> {
    let (id, now) = (act.clock.new_id(), act.now());
    let row = crisis::Model {
        id,
        slug: crisis.slug.into(),
        name: crisis.name.into(),
        from_on: crisis.from_on,
        to_on: crisis.to_on,
        created_at: now,
        updated_at: now,
    };
    row.into_active_model().insert(db).await?;
    for code in crisis.place_codes {
        let place_id = find_place_id(places, code)?;
        let row = crisis_place::Model {
            crisis_id: id,
            place_id,
            created_at: now,
            updated_at: now,
        };
        row.into_active_model().insert(db).await?;
    }
    change_log::append_changes(
        db,
        act,
        &[ChangeEntry::new(ChangeKind::Published, ChangeSubject::Crisis, id)],
    )
    .await?;
    Ok(())
}

/// Adds a meeting. Returns the ids of its reflections in order.
async fn create_meeting(
    db: &impl sea_orm::ConnectionTrait,
    act: &ActionContext<'_>,
    places: &Gazetteer,
    meeting: ExampleMeeting,
) -> Result<Vec<uuid::Uuid>> {
    let (meeting_id, now) = (act.clock.new_id(), act.now());
    let row = meeting::Model {
        id: meeting_id,
        title: meeting.title.into(),
        theme: Some(meeting.theme.into()),
        held_on: meeting.held_on,
        registration_url: meeting.registration_url.map(Into::into),
        created_at: now,
        updated_at: now,
    };
    row.into_active_model().insert(db).await?;
    let mut ids = Vec::with_capacity(meeting.reflections.len());
    let mut rows = Vec::with_capacity(meeting.reflections.len());
    for (position, said) in (1..).zip(meeting.reflections) {
        let row = reflection::Model {
            id: act.clock.new_id(),
            meeting_id,
            position,
            perspective: said.perspective,
            entry_point: said.entry_point,
            challenge: said.challenge,
            place_id: said
                .place_code
                .map(|code| find_place_id(places, &code))
                .transpose()?,
            text: said.text,
            created_at: now,
            updated_at: now,
        };
        ids.push(row.id);
        rows.push(row.into_active_model());
    }
    reflection::Entity::insert_many(rows)
        .exec_without_returning(db)
        .await?;
    Ok(ids)
}

async fn create_claim(
    db: &impl sea_orm::ConnectionTrait,
    act: &ActionContext<'_>,
    position: i32,
    claim: ExampleClaim,
    reflection_id: Option<uuid::Uuid>,
) -> Result<()> {
    let dimension = |code: &str| {
        Dimension::ALL
            .iter()
            .copied()
            .find(|dimension| dimension.code() == code)
    };
    let row = claim::Model {
        id: act.clock.new_id(),
        slug: claim.slug,
        statement: claim.statement,
        position,
        reflection_id,
        pattern_when: claim.when,
        pattern_then: claim.then,
        pattern_among: claim.among,
        pattern_by: claim.by.as_deref().and_then(dimension),
        created_at: act.now(),
        updated_at: act.now(),
    };
    row.into_active_model().insert(db).await?;
    Ok(())
}

async fn create_term(
    db: &impl sea_orm::ConnectionTrait,
    act: &ActionContext<'_>,
    word: ExampleTerm,
) -> Result<()> {
    let synonyms = serde_json::json!(word.synonyms);
    let row = term::Model {
        id: act.clock.new_id(),
        slug: word.slug,
        name_folded: fold_term(&word.name, &synonyms),
        name: word.name,
        definition: word.definition,
        synonyms,
        usage_note: word.usage_note,
        code: word.code,
        created_at: act.now(),
        updated_at: act.now(),
    };
    row.into_active_model().insert(db).await?;
    Ok(())
}

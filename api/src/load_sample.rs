//! Loads the illustrative evidence of [`wayin_sample`] into a base, as imports and mutations write any other evidence.

use sea_orm::{ActiveModelTrait, DatabaseConnection, EntityTrait, IntoActiveModel};
use wayin_entity::{
    ChangeKind, ChangeSubject, Dimension, claim, crisis, crisis_place, meeting, reflection, term,
};

use crate::base::DisclosureKeys;
use crate::change::{self, Act, Entry};
use crate::database;
use crate::error::{Error, Result};
use crate::import;
use crate::initiative::publish::{Outcome, Proposal, publish_all};
use crate::place::Gazetteer;
use crate::vocabulary::term::folded;
use wayin_sample::{Evidence, ExampleClaim, ExampleCrisis, ExampleMeeting, ExampleTerm, PLACES};

/// How many records are published in one transaction.
const AT_ONCE: usize = 500;

/// Fills a base that is migrated and empty.
pub async fn load(db: &DatabaseConnection, act: &Act<'_>, evidence: Evidence) -> Result<()> {
    let refused = |what: &str, why: String| Error::Internal(format!("example evidence, {what}: {why}"));
    let tally = import::places::import(db, act, PLACES.as_bytes(), &mut |_| {})
        .await
        .map_err(|cause| refused("places", cause.to_string()))?;
    if tally.refused > 0 {
        return Err(refused("places", format!("{} were refused", tally.refused)));
    }
    let places = Gazetteer::read(db).await?;
    let keys = DisclosureKeys::of(db).await?;
    for records in evidence.records.chunks(AT_ONCE) {
        let proposals = records.iter().map(|record| Proposal {
            record: record.clone(),
            grant: None,
            corrects: None,
            written_from: None,
            unstated: None,
        });
        let transaction = database::begin_writing(db).await?;
        for outcome in publish_all(&transaction, act, &places, &keys, proposals.collect()).await? {
            if let Outcome::Refused(findings) = outcome {
                return Err(refused("a record", format!("{findings:?}")));
            }
        }
        database::commit(transaction).await?;
    }
    let transaction = database::begin_writing(db).await?;
    for crisis in evidence.crises {
        add_crisis(&transaction, act, &places, &crisis).await?;
    }
    let mut reflections = Vec::new();
    for meeting in evidence.meetings {
        reflections.push(add_meeting(&transaction, act, &places, meeting).await?);
    }
    for (position, claim) in (1..).zip(evidence.claims) {
        let reflection = claim
            .reflection
            .and_then(|(meeting, one)| reflections.get(meeting)?.get(one).copied());
        add_claim(&transaction, act, position, claim, reflection).await?;
    }
    for term in evidence.terms {
        add_term(&transaction, act, term).await?;
    }
    database::commit(transaction).await?;
    Ok(())
}

fn place_id(places: &Gazetteer, code: &str) -> Result<uuid::Uuid> {
    let missing = || Error::Internal(format!("example evidence: no place has the code {code}"));
    Ok(places.by_code(code).ok_or_else(missing)?.id)
}

async fn add_crisis(
    db: &impl sea_orm::ConnectionTrait,
    act: &Act<'_>,
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
        let place_id = place_id(places, code)?;
        let row = crisis_place::Model {
            crisis_id: id,
            place_id,
            created_at: now,
            updated_at: now,
        };
        row.into_active_model().insert(db).await?;
    }
    change::append(
        db,
        act,
        &[Entry::new(ChangeKind::Published, ChangeSubject::Crisis, id)],
    )
    .await?;
    Ok(())
}

/// Adds a meeting; answers the ids of its reflections, in order.
async fn add_meeting(
    db: &impl sea_orm::ConnectionTrait,
    act: &Act<'_>,
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
            place_id: said.place_code.map(|code| place_id(places, code)).transpose()?,
            text: said.text.into(),
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

async fn add_claim(
    db: &impl sea_orm::ConnectionTrait,
    act: &Act<'_>,
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
        slug: claim.slug.into(),
        statement: claim.statement.into(),
        position,
        reflection_id,
        pattern_when: claim.when,
        pattern_then: claim.then,
        pattern_among: claim.among,
        pattern_by: claim.by.and_then(dimension),
        created_at: act.now(),
        updated_at: act.now(),
    };
    row.into_active_model().insert(db).await?;
    Ok(())
}

async fn add_term(db: &impl sea_orm::ConnectionTrait, act: &Act<'_>, word: ExampleTerm) -> Result<()> {
    let synonyms = serde_json::json!(word.synonyms);
    let row = term::Model {
        id: act.clock.new_id(),
        slug: word.slug.into(),
        name: word.word.into(),
        name_folded: folded(word.word, &synonyms),
        definition: word.definition.into(),
        synonyms,
        usage_note: word.caution.map(Into::into),
        code: word.code.map(Into::into),
        created_at: act.now(),
        updated_at: act.now(),
    };
    row.into_active_model().insert(db).await?;
    Ok(())
}

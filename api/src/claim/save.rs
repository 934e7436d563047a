//! Putting claims into the base.

use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder, QuerySelect};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::{Dimension, KeptSubject, claim, reflection};

use crate::change::Act;
use crate::error::Result;
use crate::keeping::{self, Save, Standing, Target, document};
use crate::mutation::Refusal;
use wayin_records::finding::{FindingCode, Findings};
use wayin_records::spelling;

/// The most bytes of a filter document, written as JSON.
pub const LONGEST_FILTER: usize = 20_000;

/// A claim as a steward writes it, with a pattern that was run already.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The claim that is there, and the version that it was written from.
    pub target: Target,
    /// The short name in addresses.
    pub slug: String,
    /// The claim in plain words.
    pub statement: String,
    /// Where it stands in the list of claims, from 1; for a new one after all others where nothing is said.
    pub position: Option<i32>,
    /// The reflection that it comes from.
    pub reflection: Option<Uuid>,
    /// The condition.
    pub when: Value,
    /// What it is crossed with.
    pub then: Value,
    /// Among which initiatives.
    pub among: Option<Value>,
    /// What they are told apart by.
    pub by: Option<Dimension>,
}

/// Adds a claim, or writes one that is there anew.
pub async fn save(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    draft: Draft,
) -> Result<Result<claim::Model, Refusal>> {
    let before = match draft.target.id {
        Some(id) => claim::Entity::find_by_id(id).lock_exclusive().one(db).await?,
        None => None,
    };
    let mut found = Findings::default();
    let stood = before.as_ref().map(|before| before.position);
    let position = if let Some(position) = draft.position.or(stood) {
        position
    } else {
        let last = claim::Entity::find()
            .order_by_desc(claim::Column::Position)
            .one(db)
            .await?;
        last.map_or(1, |last| last.position.saturating_add(1))
    };
    let row = claim::Model {
        id: before
            .as_ref()
            .map_or_else(|| act.clock.new_id(), |before| before.id),
        slug: draft.slug.trim().to_owned(),
        statement: spelling::prose(&draft.statement).into_owned(),
        position,
        reflection_id: draft.reflection,
        pattern_when: draft.when,
        pattern_then: draft.then,
        pattern_among: draft.among,
        pattern_by: draft.by,
        created_at: before
            .as_ref()
            .map_or_else(|| act.now(), |before| before.created_at),
        updated_at: act.now(),
    };
    keeping::check_slug(&mut found, &row.slug);
    let slug = (claim::Column::Slug, row.slug.as_str());
    let own = (claim::Column::Id, draft.target.id);
    keeping::check_unique::<claim::Entity>(db, &mut found, "slug", slug, own).await?;
    keeping::check_text(&mut found, "statement", &row.statement, 500);
    if row.position < 1 {
        found.error(FindingCode::OutOfRange, "position", "counts from 1");
    }
    if let Some(id) = row.reflection_id
        && reflection::Entity::find_by_id(id).one(db).await?.is_none()
    {
        found.error(FindingCode::NotFound, "reflection", "there is no such reflection");
    }
    let standing = before.as_ref().map(document::of_claim);
    if let Some(refusal) = keeping::refusal(db, draft.target, standing.as_ref(), "claim", found).await? {
        return Ok(Err(refusal));
    }
    keeping::store(db, before.is_some(), row.clone()).await?;
    let save = Save {
        subject: KeptSubject::Claim,
        id: row.id,
        before: Standing::of(standing, before.map(|before| before.updated_at)),
        after: document::of_claim(&row),
    };
    keeping::write(db, act, vec![save]).await?;
    Ok(Ok(row))
}

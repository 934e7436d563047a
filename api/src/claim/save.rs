//! Saves claims.

use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder, QuerySelect};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::{Dimension, ReferenceKind, claim, reflection};

use crate::change_log::ActionContext;
use crate::error::Result;
use crate::idempotency::Rejection;
use crate::reference_data::{self, CurrentDocument, SaveTarget, SavedChange, document};
use wayin_records::normalisation;
use wayin_records::problem::{ProblemCode, Problems};

/// The maximum length of a filter document as JSON.
pub const MAX_FILTER_BYTES: usize = 20_000;

/// A claim to save, whose pattern has been run.
#[derive(Clone, Debug)]
pub struct ClaimDraft {
    pub target: SaveTarget,
    pub slug: String,
    pub statement: String,
    /// The position in the list of claims, from 1. The default for a new claim is the end of the list.
    pub position: Option<i32>,
    pub reflection: Option<Uuid>,
    pub when: Value,
    pub then: Value,
    pub among: Option<Value>,
    pub by: Option<Dimension>,
}

pub async fn save_claim(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    draft: ClaimDraft,
) -> Result<Result<claim::Model, Rejection>> {
    let before = match draft.target.id {
        Some(id) => claim::Entity::find_by_id(id).lock_exclusive().one(db).await?,
        None => None,
    };
    let mut found = Problems::default();
    let current_position = before.as_ref().map(|before| before.position);
    let position = if let Some(position) = draft.position.or(current_position) {
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
        statement: normalisation::normalise_prose(&draft.statement).into_owned(),
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
    reference_data::check_slug(&mut found, &row.slug);
    let slug = (claim::Column::Slug, row.slug.as_str());
    let own = (claim::Column::Id, draft.target.id);
    reference_data::check_unique::<claim::Entity>(db, &mut found, "slug", slug, own).await?;
    reference_data::check_text(&mut found, "statement", &row.statement, 500);
    if row.position < 1 {
        found.add_error(ProblemCode::OutOfRange, "position", "counts from 1");
    }
    if let Some(id) = row.reflection_id
        && reflection::Entity::find_by_id(id).one(db).await?.is_none()
    {
        found.add_error(ProblemCode::NotFound, "reflection", "there is no such reflection");
    }
    let current = before.as_ref().map(document::claim_document);
    if let Some(refusal) =
        reference_data::find_save_error(db, draft.target, current.as_ref(), "claim", found).await?
    {
        return Ok(Err(refusal));
    }
    reference_data::upsert_row(db, before.is_some(), row.clone()).await?;
    let save = SavedChange {
        subject: ReferenceKind::Claim,
        id: row.id,
        before: CurrentDocument::from_parts(current, before.map(|before| before.updated_at)),
        after: document::claim_document(&row),
    };
    reference_data::write_revisions(db, act, vec![save]).await?;
    Ok(Ok(row))
}

//! Saves meetings and reflections.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;
use wayin_entity::{Challenge, EntryPoint, Perspective, ReferenceKind, meeting, reflection};

use crate::change_log::ActionContext;
use crate::error::Result;
use crate::idempotency::Rejection;
use crate::place::{self, PlaceKey};
use crate::reference_data::{self, CurrentDocument, SaveTarget, SavedChange, document};
use wayin_records::normalisation;
use wayin_records::personal_data;
use wayin_records::problem::{ProblemCode, Problems};

#[derive(Clone, Debug)]
pub struct MeetingDraft {
    pub target: SaveTarget,
    pub title: String,
    pub theme: Option<String>,
    pub held_on: chrono::NaiveDate,
    pub registration_url: Option<String>,
}

pub async fn save_meeting(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    draft: MeetingDraft,
) -> Result<Result<meeting::Model, Rejection>> {
    let before = match draft.target.id {
        Some(id) => meeting::Entity::find_by_id(id).lock_exclusive().one(db).await?,
        None => None,
    };
    let row = meeting::Model {
        id: before
            .as_ref()
            .map_or_else(|| act.clock.new_id(), |before| before.id),
        title: normalisation::normalise_prose(&draft.title).into_owned(),
        theme: reference_data::trim_text(draft.theme),
        held_on: draft.held_on,
        registration_url: reference_data::trim_text(draft.registration_url),
        created_at: before
            .as_ref()
            .map_or_else(|| act.now(), |before| before.created_at),
        updated_at: act.now(),
    };
    let mut found = Problems::default();
    reference_data::check_text(&mut found, "title", &row.title, 300);
    found.check_length("theme", row.theme.as_deref(), 1_000);
    let theme = row.theme.as_deref().unwrap_or_default();
    found.errors.extend(personal_data::check_text("theme", theme));
    found.check_date("heldOn", Some(row.held_on));
    reference_data::check_url(&mut found, "registrationUrl", row.registration_url.as_deref());
    let title = (meeting::Column::Title, row.title.as_str());
    let own = (meeting::Column::Id, draft.target.id);
    reference_data::check_unique::<meeting::Entity>(db, &mut found, "title", title, own).await?;
    let current = before.as_ref().map(document::meeting_document);
    if let Some(refusal) =
        reference_data::find_save_error(db, draft.target, current.as_ref(), "meeting", found).await?
    {
        return Ok(Err(refusal));
    }
    reference_data::upsert_row(db, before.is_some(), row.clone()).await?;
    let save = SavedChange {
        subject: ReferenceKind::Meeting,
        id: row.id,
        before: CurrentDocument::from_parts(current, before.map(|before| before.updated_at)),
        after: document::meeting_document(&row),
    };
    reference_data::write_revisions(db, act, vec![save]).await?;
    Ok(Ok(row))
}

#[derive(Clone, Debug)]
pub struct ReflectionDraft {
    pub target: SaveTarget,
    pub meeting: Uuid,
    /// The position in the meeting, from 1. The default for a new reflection is the end.
    pub position: Option<i32>,
    pub perspective: Perspective,
    pub entry_point: Option<EntryPoint>,
    pub challenge: Option<Challenge>,
    pub place: Option<PlaceKey>,
    pub text: String,
}

pub async fn save_reflection(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    draft: ReflectionDraft,
) -> Result<Result<reflection::Model, Rejection>> {
    let before = match draft.target.id {
        Some(id) => {
            reflection::Entity::find_by_id(id)
                .lock_exclusive()
                .one(db)
                .await?
        }
        None => None,
    };
    let mut found = Problems::default();
    // Locks the meeting, so that two new reflections do not get the same position.
    let meeting = meeting::Entity::find_by_id(draft.meeting)
        .lock_exclusive()
        .one(db)
        .await?;
    if meeting.is_none() {
        found.add_error(ProblemCode::NotFound, "meeting", "there is no such meeting");
    }
    let place_id = match &draft.place {
        Some(key) => place::find_id_at_path(db, &mut found, "place", key).await?,
        None => None,
    };
    let about = [
        draft.entry_point.is_some(),
        draft.challenge.is_some(),
        draft.place.is_some(),
    ];
    if about.into_iter().filter(|about| *about).count() > 1 {
        let reason = "can be about an entry point, a challenge or a place, but only one of them";
        found.add_error(ProblemCode::Contradictory, "", reason);
    }
    let text = normalisation::normalise_prose(&draft.text);
    reference_data::check_text(&mut found, "text", &text, 4_000);
    let position = resolve_position(db, &mut found, &draft, before.as_ref()).await?;
    let current = before.as_ref().map(document::reflection_document);
    if let Some(refusal) =
        reference_data::find_save_error(db, draft.target, current.as_ref(), "reflection", found).await?
    {
        return Ok(Err(refusal));
    }
    let row = reflection::Model {
        id: before
            .as_ref()
            .map_or_else(|| act.clock.new_id(), |before| before.id),
        meeting_id: draft.meeting,
        position,
        perspective: draft.perspective,
        entry_point: draft.entry_point,
        challenge: draft.challenge,
        place_id,
        text: text.into_owned(),
        created_at: before
            .as_ref()
            .map_or_else(|| act.now(), |before| before.created_at),
        updated_at: act.now(),
    };
    reference_data::upsert_row(db, before.is_some(), row.clone()).await?;
    let save = SavedChange {
        subject: ReferenceKind::Reflection,
        id: row.id,
        before: CurrentDocument::from_parts(current, before.map(|before| before.updated_at)),
        after: document::reflection_document(&row),
    };
    reference_data::write_revisions(db, act, vec![save]).await?;
    Ok(Ok(row))
}

/// Returns the given position, or the current one, or the end.
async fn resolve_position(
    db: &impl ConnectionTrait,
    found: &mut Problems,
    draft: &ReflectionDraft,
    before: Option<&reflection::Model>,
) -> Result<i32> {
    let of_meeting = || reflection::Entity::find().filter(reflection::Column::MeetingId.eq(draft.meeting));
    let current_position = before
        .filter(|before| before.meeting_id == draft.meeting)
        .map(|before| before.position);
    let Some(position) = draft.position.or(current_position) else {
        let last = of_meeting()
            .order_by_desc(reflection::Column::Position)
            .one(db)
            .await?;
        return Ok(last.map_or(1, |last| last.position.saturating_add(1)));
    };
    if position < 1 {
        found.add_error(ProblemCode::OutOfRange, "position", "counts from 1");
        return Ok(position);
    }
    let there = of_meeting()
        .filter(reflection::Column::Position.eq(position))
        .one(db)
        .await?;
    if there.is_some_and(|there| Some(there.id) != draft.target.id) {
        let reason = format!("another reflection of the meeting has the position {position}");
        found.add_error(ProblemCode::Conflict, "position", reason);
    }
    Ok(position)
}

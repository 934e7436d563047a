//! Mutations of meetings and reflections, for stewards.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use serde_json::json;
use wayin_entity::{Challenge, EntryPoint, Perspective, meeting, reflection};

use super::graphql::{Meeting, Reflection};
use super::save::{MeetingDraft, ReflectionDraft, save_meeting, save_reflection};
use crate::graphql::comparison::Date;
use crate::graphql::{decode_argument, mutation};
use crate::id::NodeKind;
use crate::place::filter_input::PlaceRef;
use crate::reference_data::graphql::{
    ChangeLogging, begin_save, finish_save, parse_reason, reference_payload, reject_save,
};
use crate::reference_data::partial::PartialUpdate;

/// Input to add or change a meeting. If you change a meeting, a field that you leave out stays the same,
/// and null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct SaveMeetingInput {
    /// The meeting to change. Leave it out to add a meeting.
    id: Option<ID>,
    /// The version that your edit is based on. If the object has been saved since, the input is rejected
    /// and `conflicts` lists the differences. If you leave the version out, your edit replaces whatever is
    /// stored.
    version: Option<i32>,
    /// The title. Unique, at most 300 characters.
    title: MaybeUndefined<String>,
    /// The theme, at most 1,000 characters.
    theme: MaybeUndefined<String>,
    /// The day of the meeting. It can be in the future.
    held_on: MaybeUndefined<Date>,
    /// The URL to register at. It must start with https:// or http://.
    registration_url: MaybeUndefined<String>,
    /// The reason, stored with the new version.
    reason: Option<String>,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

/// Input to add or change a reflection. If you change a reflection, a field that you leave out stays the
/// same, and null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct SaveReflectionInput {
    /// The reflection to change. Leave it out to add a reflection.
    id: Option<ID>,
    /// The version that your edit is based on. If the object has been saved since, the input is rejected
    /// and `conflicts` lists the differences. If you leave the version out, your edit replaces whatever is
    /// stored.
    version: Option<i32>,
    /// The meeting at which it was said.
    meeting: MaybeUndefined<ID>,
    /// The position in the meeting, from 1. By default, a new reflection comes last, and an existing one
    /// keeps its position.
    position: Option<i32>,
    /// Whose view this is.
    perspective: MaybeUndefined<Perspective>,
    /// The entry point that the reflection is about. Not allowed with a challenge or a place.
    entry_point: MaybeUndefined<EntryPoint>,
    /// The challenge that the reflection is about. Not allowed with an entry point or a place.
    challenge: MaybeUndefined<Challenge>,
    /// The place that the reflection is about. Not allowed with an entry point or a challenge.
    place: MaybeUndefined<PlaceRef>,
    /// What was said, without naming anyone, at most 4,000 characters.
    text: MaybeUndefined<String>,
    /// The reason, stored with the new version.
    reason: Option<String>,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

reference_payload! {
    /// The result of saving a meeting.
    SaveMeetingPayload { meeting: Meeting of meeting::Model }
}

reference_payload! {
    /// The result of saving a reflection.
    SaveReflectionPayload { reflection: Reflection of reflection::Model }
}

#[derive(Default)]
pub struct MeetingMutation;

#[Object]
impl MeetingMutation {
    /// Adds or changes a meeting. A field that you leave out stays the same. Null clears it. For stewards.
    async fn save_meeting(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The values to save.")] mut input: SaveMeetingInput,
    ) -> Result<SaveMeetingPayload> {
        let key = input.idempotency_key.take();
        let running = match begin_save::<meeting::Model>(ctx, "saveMeeting", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let (reason, wrong) = parse_reason(input.reason.as_deref());
        let target = mutation::decode_target(NodeKind::Meeting, input.id.as_ref(), input.version)?;
        let mut partial = PartialUpdate::load(running.db(), NodeKind::Meeting, target.id).await?;
        let title = partial.required_field("title", input.title)?;
        let theme = partial.optional_field("theme", input.theme)?;
        let held_on = partial.required_field("heldOn", input.held_on)?;
        let registration_url = partial.optional_field("registrationUrl", input.registration_url)?;
        let (Some(title), Some(held_on)) = (title, held_on) else {
            return Ok(reject_save(partial.into_problems("meeting"), wrong).into());
        };
        let draft = MeetingDraft {
            target,
            title,
            theme,
            held_on: held_on.0,
            registration_url,
        };
        let saved = save_meeting(running.db(), &running.action(&reason), draft).await?;
        let detail = json!({"reason": reason});
        Ok(
            finish_save(*running, saved, wrong, ChangeLogging::NotLogged, detail)
                .await?
                .into(),
        )
    }

    /// Adds a reflection to a meeting, or changes one. A field that you leave out stays the same. Null
    /// clears it. For stewards.
    async fn save_reflection(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The values to save.")] mut input: SaveReflectionInput,
    ) -> Result<SaveReflectionPayload> {
        let key = input.idempotency_key.take();
        let running =
            match begin_save::<reflection::Model>(ctx, "saveReflection", key.as_deref(), &input).await? {
                Ok(running) => running,
                Err(done) => return Ok(done.into()),
            };
        let (reason, wrong) = parse_reason(input.reason.as_deref());
        let target = mutation::decode_target(NodeKind::Reflection, input.id.as_ref(), input.version)?;
        let mut partial = PartialUpdate::load(running.db(), NodeKind::Reflection, target.id).await?;
        let meeting = partial.required_field("meeting", input.meeting)?;
        let perspective = partial.required_field("perspective", input.perspective)?;
        let entry_point = partial.optional_field("entryPoint", input.entry_point)?;
        let challenge = partial.optional_field("challenge", input.challenge)?;
        let place = partial.optional_field("place", input.place)?;
        let text = partial.required_field("text", input.text)?;
        let (Some(meeting), Some(perspective), Some(text)) = (meeting, perspective, text) else {
            return Ok(reject_save(partial.into_problems("reflection"), wrong).into());
        };
        let draft = ReflectionDraft {
            target,
            meeting: decode_argument(NodeKind::Meeting, "input.meeting", &meeting)?,
            position: input.position,
            perspective,
            entry_point,
            challenge,
            place: place.map(|place| place.into_key("input.place")).transpose()?,
            text,
        };
        let saved = save_reflection(running.db(), &running.action(&reason), draft).await?;
        let detail = json!({"reason": reason});
        Ok(
            finish_save(*running, saved, wrong, ChangeLogging::NotLogged, detail)
                .await?
                .into(),
        )
    }
}

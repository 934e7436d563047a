//! Keeping meetings and reflections over GraphQL, for stewards.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use serde_json::json;
use wayin_entity::{Challenge, EntryPoint, Perspective, meeting, reflection};

use super::graphql::{Meeting, Reflection};
use super::save::{MeetingDraft, ReflectionDraft, save_meeting, save_reflection};
use crate::graphql::comparison::Date;
use crate::graphql::{decode, mutating};
use crate::id::NodeKind;
use crate::keeping::graphql::{Log, begin, finish, kept_payload, refuse, why};
use crate::keeping::partial::Partial;
use crate::place::filter_input::PlaceRef;

/// A meeting that is to be added or changed. Of one that is there, a field that is left out stays as it is, and null
/// clears it.
#[derive(Clone, Debug, InputObject)]
pub struct SaveMeetingInput {
    /// The meeting that is there; a new one where nothing is said.
    id: Option<ID>,
    /// The version that you wrote from; where it was saved meanwhile you are told, and nothing is lost.
    version: Option<i32>,
    /// What it is called; unique, at most 300 characters.
    title: MaybeUndefined<String>,
    /// What it is about, at most 1,000 characters.
    theme: MaybeUndefined<String>,
    /// The day it is held; it may lie ahead.
    held_on: MaybeUndefined<Date>,
    /// Where one registers: an address that begins with https:// or http://.
    registration_url: MaybeUndefined<String>,
    /// Why, in a few words, for its history.
    reason: Option<String>,
    /// A key of your choice, by which the same mutation is known again for 24 hours.
    idempotency_key: Option<String>,
}

/// A reflection that is to be added or changed. Of one that is there, a field that is left out stays as it is, and null
/// clears it.
#[derive(Clone, Debug, InputObject)]
pub struct SaveReflectionInput {
    /// The reflection that is there; a new one where nothing is said.
    id: Option<ID>,
    /// The version that you wrote from; where it was saved meanwhile you are told, and nothing is lost.
    version: Option<i32>,
    /// The meeting at which it was said.
    meeting: MaybeUndefined<ID>,
    /// Where it stands in the meeting, from 1; after all others, or where it stood, where nothing is said.
    position: Option<i32>,
    /// Whose view it is.
    perspective: MaybeUndefined<Perspective>,
    /// The entry point that it is about; then it is about no challenge and no place.
    entry_point: MaybeUndefined<EntryPoint>,
    /// The challenge that it is about; then it is about no entry point and no place.
    challenge: MaybeUndefined<Challenge>,
    /// The place that it is about; then it is about no entry point and no challenge.
    place: MaybeUndefined<PlaceRef>,
    /// What was said, with nobody named, at most 4,000 characters.
    text: MaybeUndefined<String>,
    /// Why, in a few words, for its history.
    reason: Option<String>,
    /// A key of your choice, by which the same mutation is known again for 24 hours.
    idempotency_key: Option<String>,
}

kept_payload! {
    /// What came of saving a meeting.
    SaveMeetingPayload { meeting: Meeting of meeting::Model }
}

kept_payload! {
    /// What came of saving a reflection.
    SaveReflectionPayload { reflection: Reflection of reflection::Model }
}

/// The mutations of meetings and reflections.
#[derive(Default)]
pub struct MeetingMutation;

#[Object]
impl MeetingMutation {
    /// Adds a meeting, or changes one that is there: a field that is left out stays as it is, null clears it. For stewards.
    async fn save_meeting(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to keep.")] mut input: SaveMeetingInput,
    ) -> Result<SaveMeetingPayload> {
        let key = input.idempotency_key.take();
        let running = match begin::<meeting::Model>(ctx, "saveMeeting", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let (reason, wrong) = why(input.reason.as_deref());
        let target = mutating::target(NodeKind::Meeting, input.id.as_ref(), input.version)?;
        let mut partial = Partial::load(running.db(), NodeKind::Meeting, target.id).await?;
        let title = partial.needed("title", input.title)?;
        let theme = partial.optional("theme", input.theme)?;
        let held_on = partial.needed("heldOn", input.held_on)?;
        let registration_url = partial.optional("registrationUrl", input.registration_url)?;
        let (Some(title), Some(held_on)) = (title, held_on) else {
            return Ok(refuse(partial.refusals("meeting"), wrong).into());
        };
        let draft = MeetingDraft {
            target,
            title,
            theme,
            held_on: held_on.0,
            registration_url,
        };
        let saved = save_meeting(running.db(), &running.act(&reason), draft).await?;
        let detail = json!({"reason": reason});
        Ok(finish(*running, saved, wrong, Log::Stays, detail).await?.into())
    }

    /// Adds a reflection to a meeting, or changes one that is there: a field that is left out stays as it is, null clears it. For stewards.
    async fn save_reflection(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to keep.")] mut input: SaveReflectionInput,
    ) -> Result<SaveReflectionPayload> {
        let key = input.idempotency_key.take();
        let running = match begin::<reflection::Model>(ctx, "saveReflection", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let (reason, wrong) = why(input.reason.as_deref());
        let target = mutating::target(NodeKind::Reflection, input.id.as_ref(), input.version)?;
        let mut partial = Partial::load(running.db(), NodeKind::Reflection, target.id).await?;
        let meeting = partial.needed("meeting", input.meeting)?;
        let perspective = partial.needed("perspective", input.perspective)?;
        let entry_point = partial.optional("entryPoint", input.entry_point)?;
        let challenge = partial.optional("challenge", input.challenge)?;
        let place = partial.optional("place", input.place)?;
        let text = partial.needed("text", input.text)?;
        let (Some(meeting), Some(perspective), Some(text)) = (meeting, perspective, text) else {
            return Ok(refuse(partial.refusals("reflection"), wrong).into());
        };
        let draft = ReflectionDraft {
            target,
            meeting: decode(NodeKind::Meeting, "input.meeting", &meeting)?,
            position: input.position,
            perspective,
            entry_point,
            challenge,
            place: place.map(|place| place.key("input.place")).transpose()?,
            text,
        };
        let saved = save_reflection(running.db(), &running.act(&reason), draft).await?;
        let detail = json!({"reason": reason});
        Ok(finish(*running, saved, wrong, Log::Stays, detail).await?.into())
    }
}

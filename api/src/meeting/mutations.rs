//! Keeping meetings and reflections over GraphQL, for stewards.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::NaiveDate;
use serde_json::json;
use wayin_entity::{Challenge, EntryPoint, Perspective, meeting, reflection};

use super::graphql::{Meeting, Reflection};
use super::save::{MeetingDraft, ReflectionDraft, save_meeting, save_reflection};
use crate::graphql::{decode, mutating};
use crate::id::NodeKind;
use crate::initiative::filter_input::PlaceRef;
use crate::keeping::graphql::{Log, begin, finish, kept_payload, why};

/// A meeting that is to be added, or written anew.
#[derive(Clone, Debug, InputObject)]
pub struct SaveMeetingInput {
    /// The meeting that is there; a new one where nothing is said.
    id: Option<ID>,
    /// The version that you wrote from; where it was saved meanwhile you are told, and nothing is lost.
    version: Option<i32>,
    /// What it is called; unique, at most 300 characters.
    title: String,
    /// What it is about, at most 1,000 characters.
    theme: Option<String>,
    /// The day it is held; it may lie ahead.
    held_on: NaiveDate,
    /// Where one registers: an address that begins with https:// or http://.
    registration_url: Option<String>,
    /// Why, in a few words, for its history.
    reason: Option<String>,
    /// A key of your choice, by which the same mutation is known again for 24 hours.
    idempotency_key: Option<String>,
}

/// A reflection that is to be added, or written anew.
#[derive(Clone, Debug, InputObject)]
pub struct SaveReflectionInput {
    /// The reflection that is there; a new one where nothing is said.
    id: Option<ID>,
    /// The version that you wrote from; where it was saved meanwhile you are told, and nothing is lost.
    version: Option<i32>,
    /// The meeting at which it was said.
    meeting: ID,
    /// Where it stands in the meeting, from 1; after all others, or where it stood, where nothing is said.
    position: Option<i32>,
    /// Whose view it is.
    perspective: Perspective,
    /// The entry point that it is about; then it is about no challenge and no place.
    entry_point: Option<EntryPoint>,
    /// The challenge that it is about; then it is about no entry point and no place.
    challenge: Option<Challenge>,
    /// The place that it is about; then it is about no entry point and no challenge.
    place: Option<PlaceRef>,
    /// What was said, with nobody named, at most 4,000 characters.
    text: String,
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
    /// Adds a meeting, or writes one that is there anew, whole. For stewards.
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
        let draft = MeetingDraft {
            target: mutating::target(NodeKind::Meeting, input.id.as_ref(), input.version)?,
            title: input.title,
            theme: input.theme,
            held_on: input.held_on,
            registration_url: input.registration_url,
        };
        let saved = save_meeting(running.db(), &running.act(&reason), draft).await?;
        let detail = json!({"reason": reason});
        Ok(finish(*running, saved, wrong, Log::Stays, detail).await?.into())
    }

    /// Adds a reflection to a meeting, or writes one that is there anew, whole. For stewards.
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
        let draft = ReflectionDraft {
            target: mutating::target(NodeKind::Reflection, input.id.as_ref(), input.version)?,
            meeting: decode(NodeKind::Meeting, "input.meeting", &input.meeting)?,
            position: input.position,
            perspective: input.perspective,
            entry_point: input.entry_point,
            challenge: input.challenge,
            place: input.place.map(|place| place.key("input.place")).transpose()?,
            text: input.text,
        };
        let saved = save_reflection(running.db(), &running.act(&reason), draft).await?;
        let detail = json!({"reason": reason});
        Ok(finish(*running, saved, wrong, Log::Stays, detail).await?.into())
    }
}

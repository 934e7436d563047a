//! Submissions over GraphQL: saving, sending, returning, publishing and discarding them.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{
    Context, Enum, ID, InputObject, InputType, Json, Object, Result, SimpleObject, dataloader::Loader,
};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wayin_entity::{SubmissionState, organisation, submission};

use super::{Draft, Moved, Refusal, SubmissionOrdering, look, visible_to};
use crate::app::App;
use crate::auth::requester::Member;
use crate::base::DisclosureKeys;
use crate::change::Act;
use crate::error::Error;
use crate::graphql::order::Direction;
use crate::graphql::{
    app,
    connection::Connection,
    decode,
    error::Shared,
    list::list,
    loader::{self, Loads},
    member, mutating,
    user_error::{FieldChange, UserError},
};
use crate::id::NodeKind;
use crate::initiative::graphql::{Initiative, InitiativeById, Organisation};
use crate::mutation::{Begun, Event, Running};
use crate::note;
use crate::organisation::loaders::OrganisationById;
use crate::paging::PageArguments;
use crate::place::Gazetteer;
use crate::store::revisions;
use wayin_records::diff;

/// A whole proposed record, in hand until it is published.
#[derive(Clone, Debug)]
pub struct Submission(pub submission::Model);

impl Submission {
    async fn of(&self, ctx: &Context<'_>) -> Result<organisation::Model, Error> {
        let found = loader::of(ctx)
            .load_one(OrganisationById(self.0.organisation_id))
            .await?;
        found.ok_or_else(|| Error::Internal(format!("submission {} is of no organisation", self.0.id)))
    }

    async fn look(&self, ctx: &Context<'_>) -> Result<look::Looked, Error> {
        let app = app(ctx);
        let organisation = self.of(ctx).await?;
        let places = loader::of(ctx).load_one(EveryPlace).await?.unwrap_or_default();
        let act = Act {
            clock: &*app.clock,
            member: None,
            reason: "",
        };
        look::at(&app.db, &act, &places, &organisation, &self.0).await
    }
}

/// A whole proposed record, in hand until it is published.
#[Object]
impl Submission {
    /// The global id.
    pub async fn id(&self) -> ID {
        NodeKind::Submission.id(self.0.id).into()
    }

    /// The organisation whose record it is.
    async fn organisation(&self, ctx: &Context<'_>) -> Result<Organisation> {
        Ok(Organisation(self.of(ctx).await?))
    }

    /// Where it stands.
    async fn state(&self) -> SubmissionState {
        self.0.state
    }

    /// Counts the saves, from 1.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The record, exactly as it was typed.
    async fn record(&self) -> Json<&Value> {
        Json(&self.0.document)
    }

    /// Everything that keeps the record from being sent, as things are now; empty where nothing does.
    /// Of what was published or discarded nothing is said.
    async fn problems(&self, ctx: &Context<'_>) -> Result<Vec<UserError>> {
        if self.is_settled() {
            return Ok(Vec::new());
        }
        let looked = self.look(ctx).await?;
        Ok(looked.errors.into_iter().map(UserError::from).collect())
    }

    /// What in the record is worth a look, and keeps it from nothing.
    async fn warnings(&self, ctx: &Context<'_>) -> Result<Vec<UserError>> {
        if self.is_settled() {
            return Ok(Vec::new());
        }
        let looked = self.look(ctx).await?;
        Ok(looked.warnings.into_iter().map(UserError::from).collect())
    }

    /// The published record that it corrects, or became; null where there is none, or it was withdrawn.
    async fn initiative(&self, ctx: &Context<'_>) -> Result<Option<Initiative>> {
        let Some(id) = self.0.initiative_id else {
            return Ok(None);
        };
        Ok(loader::of(ctx)
            .load_one(InitiativeById(id))
            .await?
            .map(Initiative))
    }

    /// The version of the published record that it was written against; null where it corrects none.
    async fn initiative_version(&self) -> Option<i32> {
        self.0.initiative_version
    }

    /// What it would change of the version that it was written against; empty where it corrects none.
    async fn changes(&self, ctx: &Context<'_>) -> Result<Vec<FieldChange>> {
        let Some((id, version)) = self.0.initiative_id.zip(self.0.initiative_version) else {
            return Ok(Vec::new());
        };
        let before = revisions::document(&app(ctx).db, id, version).await?;
        let before = before.unwrap_or_default();
        Ok(diff::between(&before, &self.0.document)
            .into_iter()
            .map(FieldChange::from)
            .collect())
    }

    /// What the steward said who returned it; null where it was not returned since it was last sent.
    async fn review_note(&self) -> Option<&str> {
        self.0.review_note.as_deref()
    }

    /// When it was first saved (UTC).
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it was last saved or moved (UTC).
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// When it was last sent in (UTC); null where it never was.
    async fn submitted_at(&self) -> Option<DateTime<Utc>> {
        self.0.submitted_at
    }

    /// When it was last returned, published or discarded (UTC); null where it never was.
    async fn decided_at(&self) -> Option<DateTime<Utc>> {
        self.0.decided_at
    }

    /// When it is deleted, if nobody saves or moves it until then (UTC); null where it stays: while it is
    /// being reviewed, and once it is published.
    async fn expires_at(&self, ctx: &Context<'_>) -> Option<DateTime<Utc>> {
        app(ctx).expiry.of_submission(&self.0)
    }
}

impl Submission {
    fn is_settled(&self) -> bool {
        matches!(
            self.0.state,
            SubmissionState::Published | SubmissionState::Discarded
        )
    }
}

/// Loads every place, once for all the records of an operation that are looked over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct EveryPlace;

impl Loader<EveryPlace> for Loads {
    type Value = Arc<Gazetteer>;
    type Error = Shared;

    async fn load(&self, _: &[EveryPlace]) -> Result<HashMap<EveryPlace, Arc<Gazetteer>>, Shared> {
        let places = Gazetteer::read(&self.db).await?;
        Ok(HashMap::from([(EveryPlace, Arc::new(places))]))
    }
}

/// Which submissions.
#[derive(Clone, Debug, Default, InputObject)]
pub struct SubmissionFilter {
    /// Those that stand so; any where nothing is said.
    states: Option<Vec<SubmissionState>>,
    /// Those of an organisation.
    organisation: Option<ID>,
    /// Those that correct, or became, a published record.
    initiative: Option<ID>,
}

/// What submissions are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SubmissionOrderField {
    /// When they were last saved or moved.
    UpdatedAt,
}

/// An order of submissions.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct SubmissionOrder {
    /// What they are sorted by.
    field: SubmissionOrderField,
    /// Which way.
    direction: Direction,
}

/// The submissions in hand.
#[derive(Default)]
pub struct SubmissionQuery;

#[Object]
impl SubmissionQuery {
    /// The submissions of your organisation; to stewards, everybody's. For partners and stewards.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of a connection")]
    async fn submissions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones; all where nothing is said.")] filter: Option<SubmissionFilter>,
        #[graphql(desc = "The order; what was moved last comes first where nothing is said.")]
        order_by: Option<SubmissionOrder>,
        #[graphql(desc = "The first so many, at most 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Submission>> {
        let order = SubmissionOrdering {
            descending: order_by.is_none_or(|order| order.direction == Direction::Descending),
        };
        let mut select = visible_to(member(ctx)?);
        let filter = filter.unwrap_or_default();
        if let Some(states) = filter.states {
            select = select.filter(submission::Column::State.is_in(states));
        }
        if let Some(id) = filter.organisation {
            let id = decode(NodeKind::Organisation, "filter.organisation", &id)?;
            let id = crate::organisation::former::current(&app(ctx).db, id).await?;
            select = select.filter(submission::Column::OrganisationId.eq(id));
        }
        if let Some(id) = filter.initiative {
            let id = decode(NodeKind::Initiative, "filter.initiative", &id)?;
            select = select.filter(submission::Column::InitiativeId.eq(id));
        }
        let page = PageArguments::new(first, after, last, before);
        list(ctx, select, order, page, Submission).await
    }

    /// One submission; null where there is none that you may see. For partners and stewards.
    async fn submission(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global id.")] id: ID,
    ) -> Result<Option<Submission>> {
        let id = decode(NodeKind::Submission, "id", &id)?;
        Ok(super::find(&app(ctx).db, member(ctx)?, id).await?.map(Submission))
    }
}

/// A record to be kept as it was typed.
#[derive(Clone, Debug, InputObject)]
pub struct SaveSubmissionInput {
    /// The submission to write into; a new one where nothing is said.
    id: Option<ID>,
    /// The version of the submission that you wrote from; where it was saved meanwhile you are told,
    /// and nothing is lost.
    version: Option<i32>,
    /// The organisation whose record it is; your own where nothing is said. For stewards, who act for none.
    organisation: Option<ID>,
    /// The published record that it corrects. Where nothing is said, that of the same `externalRef`.
    initiative: Option<ID>,
    /// The version of the published record that you wrote from; goes with `initiative`.
    initiative_version: Option<i32>,
    /// The record, with the fields of `docs/sending-in.md`. It is kept exactly so, whatever is not yet right.
    record: Json<Value>,
    /// A key of your choice, by which the same mutation is known again for 24 hours: it is then answered
    /// as the first time, and not done twice.
    idempotency_key: Option<String>,
}

/// A submission that is to be moved.
#[derive(Clone, Debug, InputObject)]
pub struct SubmitForReviewInput {
    /// The submission.
    id: ID,
    /// A key of your choice, by which the same mutation is known again for 24 hours.
    idempotency_key: Option<String>,
}

/// A submission that is to be published.
#[derive(Clone, Debug, InputObject)]
pub struct PublishSubmissionInput {
    /// The submission.
    id: ID,
    /// Why, in a few words, for the record's history.
    reason: Option<String>,
    /// A key of your choice, by which the same mutation is known again for 24 hours.
    idempotency_key: Option<String>,
}

/// A submission that is to be sent back.
#[derive(Clone, Debug, InputObject)]
pub struct RequestChangesInput {
    /// The submission.
    id: ID,
    /// What is to be mended, for those who wrote it; at most 2,000 characters.
    note: String,
    /// A key of your choice, by which the same mutation is known again for 24 hours.
    idempotency_key: Option<String>,
}

/// A submission that is to be given up.
#[derive(Clone, Debug, InputObject)]
pub struct DiscardSubmissionInput {
    /// The submission.
    id: ID,
    /// A key of your choice, by which the same mutation is known again for 24 hours.
    idempotency_key: Option<String>,
}

macro_rules! payloads {
    ($($(#[doc = $about:literal])+ $payload:ident;)+) => {$(
        $(#[doc = $about])+
        #[derive(SimpleObject)]
        pub struct $payload {
            /// The submission as it stands after it; null where the input was refused.
            submission: Option<Submission>,
            /// The number of the change that published it; patterns can be asked for `minChangeNumber` it. Null where
            /// nothing was published.
            change_number: Option<i64>,
            /// Where it was written against a version of the published record that stands no more, what changed in
            /// between. Where a draft was saved meanwhile, whose older versions are not kept, everything in which what
            /// you sent (`after`) differs from what stands (`before`), your own edits too.
            conflicts: Vec<FieldChange>,
            /// Everything that was wrong with the input; empty where it was done.
            user_errors: Vec<UserError>,
        }

        impl From<Done> for $payload {
            fn from(done: Done) -> Self {
                match done {
                    Done::Moved(submission, change_number) => Self {
                        submission: Some(Submission(submission)),
                        change_number,
                        conflicts: Vec::new(),
                        user_errors: Vec::new(),
                    },
                    Done::Refused(refusal) => Self {
                        submission: None,
                        change_number: None,
                        conflicts: refusal.conflicts.into_iter().map(FieldChange::from).collect(),
                        user_errors: refusal.findings.into_iter().map(UserError::from).collect(),
                    },
                }
            }
        }
    )+};
}

payloads! {
    /// What came of saving.
    SaveSubmissionPayload;
    /// What came of sending.
    SubmitForReviewPayload;
    /// What came of returning.
    RequestChangesPayload;
    /// What came of publishing.
    PublishSubmissionPayload;
    /// What came of discarding.
    DiscardSubmissionPayload;
}

/// What a mutation of a submission comes to.
enum Done {
    Moved(submission::Model, Option<i64>),
    Refused(Refusal),
}

/// The stored result of a mutation, for a repeat under its key.
#[derive(Serialize, Deserialize)]
struct Answer {
    submission: submission::Model,
    change: Option<i64>,
}

/// The mutations of submissions.
#[derive(Default)]
pub struct SubmissionMutation;

#[Object]
impl SubmissionMutation {
    /// Keeps a record as it was typed, in a new submission or anew, whatever is not yet right in it:
    /// `problems` lists that. It holds a whole record and replaces the one that it corrects: what it leaves out is
    /// cleared, and a warning names it (`CLEARED`). For partners and stewards.
    async fn save_submission(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to keep.")] mut input: SaveSubmissionInput,
    ) -> Result<SaveSubmissionPayload> {
        let key = input.idempotency_key.take();
        let running = match begin(ctx, "saveSubmission", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let corrects = match (&input.initiative, input.initiative_version) {
            (None, None) => None,
            (Some(id), Some(version)) => {
                Some((decode(NodeKind::Initiative, "input.initiative", id)?, version))
            }
            _ => {
                let reason = "initiative and initiativeVersion go together";
                return Err(Error::bad_input("input", reason).into());
            }
        };
        let of = |kind, path: &str, id: &Option<ID>| id.as_ref().map(|id| decode(kind, path, id)).transpose();
        let draft = Draft {
            submission: of(NodeKind::Submission, "input.id", &input.id)?,
            version: input.version,
            organisation: of(NodeKind::Organisation, "input.organisation", &input.organisation)?,
            corrects,
            record: input.record.0,
        };
        let moved = super::save(running.db(), &running.act("saved"), member(ctx)?, draft).await?;
        Ok(finish(*running, moved, Wrote::Record, Value::Null).await?.into())
    }

    /// Sends a submission in, where nothing stands against its record; else everything that does is
    /// named, and it stays as it was. For partners and stewards.
    async fn submit_for_review(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] mut input: SubmitForReviewInput,
    ) -> Result<SubmitForReviewPayload> {
        let key = input.idempotency_key.take();
        let running = match begin(ctx, "submitForReview", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let id = decode(NodeKind::Submission, "input.id", &input.id)?;
        let places = Gazetteer::read(running.db()).await?;
        let keys = DisclosureKeys::of(running.db()).await?;
        let act = running.act("sent in by an organisation that publishes without review");
        let moved = super::send(running.db(), &act, &places, &keys, member(ctx)?, id).await?;
        Ok(finish(*running, moved, Wrote::Nothing, Value::Null).await?.into())
    }

    /// Sends a submission back to those who wrote it, with a note. For stewards.
    async fn request_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one, and why.")] mut input: RequestChangesInput,
    ) -> Result<RequestChangesPayload> {
        let key = input.idempotency_key.take();
        let running = match begin(ctx, "requestChanges", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let id = decode(NodeKind::Submission, "input.id", &input.id)?;
        let act = running.act("returned");
        let moved = super::give_back(running.db(), &act, member(ctx)?, id, &input.note).await?;
        let detail = json!({"note": input.note});
        Ok(finish(*running, moved, Wrote::Nothing, detail).await?.into())
    }

    /// Makes a submission the published truth: the record that stood is replaced, its version and the
    /// change are written, in one transaction. For stewards.
    async fn publish_submission(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] mut input: PublishSubmissionInput,
    ) -> Result<PublishSubmissionPayload> {
        let key = input.idempotency_key.take();
        let running = match begin(ctx, "publishSubmission", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let id = decode(NodeKind::Submission, "input.id", &input.id)?;
        let reason = input.reason.as_deref().unwrap_or("sent in and reviewed");
        let reason = match note::validate("reason", reason) {
            Ok(reason) => reason,
            Err(refusal) => return Ok(Done::Refused(refusal).into()),
        };
        let places = Gazetteer::read(running.db()).await?;
        let keys = DisclosureKeys::of(running.db()).await?;
        let moved = {
            let act = running.act(&reason);
            super::publish(running.db(), &act, &places, &keys, member(ctx)?, id).await?
        };
        Ok(finish(*running, moved, Wrote::Nothing, json!({"reason": reason}))
            .await?
            .into())
    }

    /// Gives a submission up, before it is published. For partners and stewards.
    async fn discard_submission(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] mut input: DiscardSubmissionInput,
    ) -> Result<DiscardSubmissionPayload> {
        let key = input.idempotency_key.take();
        let running = match begin(ctx, "discardSubmission", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let id = decode(NodeKind::Submission, "input.id", &input.id)?;
        let moved = super::discard(running.db(), &running.act("discarded"), member(ctx)?, id).await?;
        Ok(finish(*running, moved, Wrote::Nothing, Value::Null).await?.into())
    }
}

/// Begins a mutation of a submission; one that was done before, or cannot be done, comes to its answer.
async fn begin<'a>(
    ctx: &Context<'a>,
    name: &'static str,
    key: Option<&'a str>,
    input: &impl InputType,
) -> Result<Result<Box<Running<'a>>, Done>> {
    Ok(match mutating::begin::<Answer>(ctx, name, key, input).await? {
        Begun::Fresh(running) => Ok(running),
        Begun::Refused(finding) => Err(Done::Refused(finding.into())),
        Begun::Repeated(answer) => Err(repeated(app(ctx), member(ctx)?, answer).await?),
    })
}

/// The first answer once more: the submission as it stood then, to whom may see it still.
async fn repeated(app: &App, member: &Member, answer: Answer) -> Result<Done, Error> {
    let stored = answer.submission;
    let Some(now) = super::find(&app.db, member, stored.id).await? else {
        return Ok(Done::Refused(super::no_such()));
    };
    // Its organisation may have been merged into another since.
    let row = submission::Model {
        organisation_id: now.organisation_id,
        ..stored
    };
    Ok(Done::Moved(row, answer.change))
}

/// What a mutation wrote of the submission's record: a new version of it, or nothing.
enum Wrote {
    Record,
    Nothing,
}

async fn finish(running: Running<'_>, moved: Moved, wrote: Wrote, detail: Value) -> Result<Done, Error> {
    let row = match moved {
        Ok(row) => row,
        Err(refusal) => return Ok(Done::Refused(refusal)),
    };
    let change = match row.state {
        SubmissionState::Published => Some(running.newest_change().await?),
        _ => None,
    };
    let event = Event {
        kind: NodeKind::Submission,
        id: row.id,
        before: match wrote {
            Wrote::Record => (row.version > 1).then_some(row.version - 1),
            Wrote::Nothing => Some(row.version),
        },
        after: Some(row.version),
        detail: json!({
            "state": row.state,
            "initiative": row.initiative_id.map(|id| NodeKind::Initiative.id(id)),
            "of": detail,
        }),
    };
    let answer = Answer {
        submission: row,
        change,
    };
    running.finish(event, &answer).await?;
    Ok(Done::Moved(answer.submission, change))
}

//! What the mutations of reference data share, and the revisions of reference data over GraphQL.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    Context, ContextSelectionSet, InputType, OutputType, Positioned, Result, ServerResult, Value as Output,
};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use uuid::Uuid;
use wayin_entity::{claim, crisis, meeting, member, organisation, place, reflection, term};

use super::partial;
use crate::error::Error;
use crate::graphql::{
    app_from_context,
    error::SharedError,
    loader::{self, LoaderContext, LoaderKey},
    mutation,
};
use crate::id::{self, NodeKind};
use crate::idempotency::{AuditRecord, MutationStart, Rejection, RunningMutation};
use crate::note;
use wayin_records::problem::Problem;

/// A row of reference data.
pub trait ReferenceRow: Serialize + DeserializeOwned + Send + Sync {
    const KIND: NodeKind;

    fn id(&self) -> Uuid;
}

macro_rules! reference_rows {
    ($($entity:ident: $kind:ident,)+) => {$(
        impl ReferenceRow for $entity::Model {
            const KIND: NodeKind = NodeKind::$kind;

            fn id(&self) -> Uuid {
                self.id
            }
        }
    )+};
}

reference_rows! {
    place: Place,
    organisation: Organisation,
    term: Term,
    meeting: Meeting,
    reflection: Reflection,
    crisis: Crisis,
    claim: Claim,
    member: Member,
}

/// The result of a save.
pub enum SaveOutcome<M> {
    Saved(SavedRow<M>),
    Rejected(Rejection),
}

/// A saved row, with the number of the change if it was logged.
pub struct SavedRow<M> {
    row: M,
    change: Option<i64>,
    /// The fields that the save cleared.
    cleared: Vec<String>,
    /// For a repeat: the state at the first time.
    replayed: Option<Arc<ReplayedState>>,
}

/// The stored result of a mutation, for a repeat under its key.
#[derive(Serialize, Deserialize)]
struct StoredSaveResult<M> {
    row: M,
    /// The saved version.
    version: i32,
    change: Option<i64>,
    #[serde(default)]
    cleared: Vec<String>,
}

/// The state of an object when its mutation was first answered, as far as the row does not contain it.
#[derive(Debug)]
struct ReplayedState {
    id: Uuid,
    version: i32,
    document: Value,
}

tokio::task_local! {
    /// The state of the object in the repeated response.
    static REPLAYED_STATE: Arc<ReplayedState>;
}

/// Reads from the state of a repeated response, if `id` is its object.
fn find_replayed<T>(id: Uuid, tell: impl FnOnce(&ReplayedState) -> Option<T>) -> Option<T> {
    let replayed = REPLAYED_STATE.try_with(|state| if state.id == id { tell(state) } else { None });
    replayed.ok().flatten()
}

/// The ids in a field of the object in a repeated response. None if the object has the same state now.
pub fn find_replayed_ids(id: Uuid, field: &str, kind: NodeKind) -> Option<Vec<Uuid>> {
    find_replayed(id, |state| {
        let ids = state.document.get(field)?.as_array()?.iter();
        Some(ids.filter_map(|id| id::decode_as(kind, id.as_str()?)).collect())
    })
}

/// The object in the response to a mutation: the current state or, for a repeat, the state at the first time.
pub struct IdempotentResult<T> {
    object: T,
    replayed: Option<Arc<ReplayedState>>,
}

impl<T> IdempotentResult<T> {
    /// Creates the object from the saved row.
    pub fn new<M>(answered: SavedRow<M>, object: impl FnOnce(M) -> T) -> Self {
        Self {
            object: object(answered.row),
            replayed: answered.replayed,
        }
    }
}

impl<M> SavedRow<M> {
    /// The number of the change, if it was logged.
    pub const fn change_number(&self) -> Option<i64> {
        self.change
    }

    /// The fields that the save cleared.
    pub fn cleared(&self) -> Vec<String> {
        self.cleared.clone()
    }
}

impl<T: OutputType> OutputType for IdempotentResult<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Output> {
        let resolved = self.object.resolve(ctx, field);
        match &self.replayed {
            Some(state) => REPLAYED_STATE.scope(Arc::clone(state), resolved).await,
            None => resolved.await,
        }
    }
}

/// Declares the payload of a mutation: the object, the number of the change if it is logged, the conflicts
/// and the problems.
macro_rules! reference_payload {
    ($(#[doc = $about:literal])+ $payload:ident { $field:ident: $object:ident of $row:ty } logged) => {
        $(#[doc = $about])+
        #[derive(async_graphql::SimpleObject)]
        pub struct $payload {
            /// The object as saved. Null if the input was rejected: `problems` says why.
            $field: Option<$crate::reference_data::graphql::IdempotentResult<$object>>,
            /// The number of the change. Pass it as `minChangeNumber` to get patterns and lists that
            /// include the change.
            change_number: Option<i64>,
            /// The fields that had a value before and have none now. Null clears a field. A field that you
            /// leave out stays the same.
            cleared: Vec<String>,
            /// The differences between the version that your input is based on and the current version.
            /// Empty if the object has not changed since.
            conflicts: Vec<$crate::graphql::problem::FieldChange>,
            /// The problems with the input. Empty if the mutation succeeded.
            problems: Vec<$crate::graphql::problem::InputProblem>,
        }

        $crate::reference_data::graphql::reference_payload!(@from $payload { $field: $object of $row } change_number);
    };
    ($(#[doc = $about:literal])+ $payload:ident { $field:ident: $object:ident of $row:ty }) => {
        $(#[doc = $about])+
        #[derive(async_graphql::SimpleObject)]
        pub struct $payload {
            /// The object as saved. Null if the input was rejected: `problems` says why.
            $field: Option<$crate::reference_data::graphql::IdempotentResult<$object>>,
            /// The fields that had a value before and have none now. Null clears a field. A field that you
            /// leave out stays the same.
            cleared: Vec<String>,
            /// The differences between the version that your input is based on and the current version.
            /// Empty if the object has not changed since.
            conflicts: Vec<$crate::graphql::problem::FieldChange>,
            /// The problems with the input. Empty if the mutation succeeded.
            problems: Vec<$crate::graphql::problem::InputProblem>,
        }

        $crate::reference_data::graphql::reference_payload!(@from $payload { $field: $object of $row });
    };
    (@from $payload:ident { $field:ident: $object:ident of $row:ty } $($number:ident)?) => {
        impl From<$crate::reference_data::graphql::SaveOutcome<$row>> for $payload {
            fn from(done: $crate::reference_data::graphql::SaveOutcome<$row>) -> Self {
                use $crate::reference_data::graphql::{SaveOutcome, IdempotentResult};
                match done {
                    SaveOutcome::Saved(answered) => Self {
                        $($number: answered.change_number(),)?
                        cleared: answered.cleared(),
                        $field: Some(IdempotentResult::new(answered, |row| $object(row.into()))),
                        conflicts: Vec::new(),
                        problems: Vec::new(),
                    },
                    SaveOutcome::Rejected(refusal) => Self {
                        $field: None,
                        $($number: None,)?
                        cleared: Vec::new(),
                        conflicts: refusal.conflicts.into_iter().map(Into::into).collect(),
                        problems: refusal.problems.into_iter().map(Into::into).collect(),
                    },
                }
            }
        }
    };
}
pub(crate) use reference_payload;

/// Begins a mutation of reference data. A repeat, or a mutation that cannot run, returns its result.
pub async fn begin_save<'a, M: ReferenceRow>(
    ctx: &Context<'a>,
    name: &'static str,
    key: Option<&'a str>,
    input: &(impl InputType + fmt::Debug),
) -> Result<Result<Box<RunningMutation<'a>>, SaveOutcome<M>>, Error> {
    // As JSON, a missing field would look like a null field.
    let input = format!("{input:?}");
    Ok(
        match mutation::begin_mutation_with_text::<StoredSaveResult<M>>(ctx, name, key, input).await? {
            MutationStart::New(running) => Ok(running),
            MutationStart::Rejected(problem) => Err(SaveOutcome::Rejected(problem.into())),
            MutationStart::Replayed(answer) => Err(SaveOutcome::Saved(
                load_stored_result(&app_from_context(ctx).db, answer).await?,
            )),
        },
    )
}

/// Loads the result of a repeat.
async fn load_stored_result<M: ReferenceRow>(
    db: &DatabaseConnection,
    answer: StoredSaveResult<M>,
) -> Result<SavedRow<M>, Error> {
    let row = answer.row;
    let revision = super::find_revision(db, row.id(), answer.version).await?;
    let state = ReplayedState {
        id: row.id(),
        version: answer.version,
        document: revision.map(|revision| revision.document).unwrap_or_default(),
    };
    Ok(SavedRow {
        row,
        change: answer.change,
        cleared: answer.cleared,
        replayed: Some(Arc::new(state)),
    })
}

/// Returns the reason with the problems of its text.
pub fn parse_reason(reason: Option<&str>) -> (String, Vec<Problem>) {
    match reason.map(|reason| note::validate_note("reason", reason)) {
        None => ("saved".into(), Vec::new()),
        Some(Ok(reason)) => (reason, Vec::new()),
        Some(Err(refusal)) => ("saved".into(), refusal.problems),
    }
}

/// Whether a save is added to the change log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeLogging {
    /// Added: patterns depend on it.
    Logged,
    /// Not added.
    NotLogged,
}

/// Finishes a mutation of reference data if it was saved and nothing else is `wrong`.
pub async fn finish_save<M: ReferenceRow>(
    running: RunningMutation<'_>,
    saved: Result<M, Rejection>,
    wrong: Vec<Problem>,
    log: ChangeLogging,
    mut detail: Value,
) -> Result<SaveOutcome<M>, Error> {
    let row = match saved {
        Ok(row) if wrong.is_empty() => row,
        // The transaction is not committed, so that nothing is saved.
        Ok(_) => return Ok(SaveOutcome::Rejected(wrong.into())),
        Err(mut refusal) => {
            refusal.problems.extend(wrong);
            return Ok(SaveOutcome::Rejected(refusal));
        }
    };
    let version = super::load_version(running.db(), row.id()).await?;
    let change = match log {
        ChangeLogging::Logged => Some(running.newest_change().await?),
        ChangeLogging::NotLogged => None,
    };
    let cleared = find_cleared_fields(running.db(), row.id(), version).await?;
    if let (Some(detail), false) = (detail.as_object_mut(), cleared.is_empty()) {
        detail.insert("cleared".into(), json!(cleared));
    }
    let event = AuditRecord {
        kind: M::KIND,
        id: row.id(),
        before: (version > 1).then_some(version - 1),
        after: Some(version),
        detail,
    };
    let answer = StoredSaveResult {
        row,
        version,
        change,
        cleared,
    };
    running.finish(event, &answer).await?;
    Ok(SaveOutcome::Saved(SavedRow {
        row: answer.row,
        change,
        cleared: answer.cleared,
        replayed: None,
    }))
}

/// Finds the fields that a version cleared.
async fn find_cleared_fields(
    db: &impl ConnectionTrait,
    id: Uuid,
    version: i32,
) -> Result<Vec<String>, Error> {
    if version < 2 {
        return Ok(Vec::new());
    }
    let before = super::find_revision(db, id, version - 1).await?;
    let after = super::find_revision(db, id, version).await?;
    let both = before.zip(after);
    Ok(both.map_or_else(Vec::new, |(before, after)| {
        partial::find_cleared_fields(&before.document, &after.document)
    }))
}

/// Rejects a save because of missing or cleared fields and other problems.
pub fn reject_save<M>(mut found: Vec<Problem>, wrong: Vec<Problem>) -> SaveOutcome<M> {
    found.extend(wrong);
    SaveOutcome::Rejected(found.into())
}

/// Loads the current version of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct CurrentVersion(Uuid);

impl LoaderKey for CurrentVersion {
    type Value = i32;

    async fn load(
        context: &LoaderContext,
        keys: &[CurrentVersion],
    ) -> Result<HashMap<CurrentVersion, i32>, SharedError> {
        let versions = super::load_versions(&context.db, keys.iter().map(|key| key.0)).await?;
        Ok(versions
            .into_iter()
            .map(|(id, version)| (CurrentVersion(id), version))
            .collect())
    }
}

/// Loads the current version of an object or, for a repeat, the version at the first time.
pub async fn load_version(ctx: &Context<'_>, id: Uuid) -> Result<i32> {
    if let Some(version) = find_replayed(id, |state| Some(state.version)) {
        return Ok(version);
    }
    Ok(loader::operation_loader(ctx)
        .load_one(CurrentVersion(id))
        .await?
        .unwrap_or(1))
}

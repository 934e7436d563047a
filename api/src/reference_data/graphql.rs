//! What every mutation of something that stewards keep has in common.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    Context, ContextSelectionSet, InputType, OutputType, Positioned, Result, ServerResult, Value as Output,
    dataloader::Loader,
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
    loader::{self, LoaderContext},
    mutation,
};
use crate::id::{self, NodeKind};
use crate::idempotency::{AuditRecord, MutationStart, Rejection, RunningMutation};
use crate::note;
use wayin_records::problem::Problem;

/// A row of something that stewards keep.
pub trait ReferenceRow: Serialize + DeserializeOwned + Send + Sync {
    /// The kind of its global ID.
    const KIND: NodeKind;

    /// Its id.
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

/// What a mutation of something that is kept comes to.
pub enum SaveOutcome<M> {
    /// It stands so.
    Saved(SavedRow<M>),
    /// Nothing was changed.
    Rejected(Rejection),
}

/// What was saved, with the number of the change, where the log has grown.
pub struct SavedRow<M> {
    row: M,
    change: Option<i64>,
    /// The fields that held something before, and hold nothing now.
    cleared: Vec<String>,
    /// Of an answer that is given again: how it stood.
    replayed: Option<Arc<ReplayedState>>,
}

/// The stored result of a mutation, for a repeat under its key.
#[derive(Serialize, Deserialize)]
struct StoredSaveResult<M> {
    row: M,
    /// The version that was saved.
    version: i32,
    change: Option<i64>,
    #[serde(default)]
    cleared: Vec<String>,
}

/// How something stood that is answered again, as far as its row does not say it.
#[derive(Debug)]
struct ReplayedState {
    id: Uuid,
    version: i32,
    document: Value,
}

tokio::task_local! {
    /// What is being answered again.
    static STOOD: Arc<ReplayedState>;
}

/// What is told of something that is answered again, where it is that.
fn find_replayed<T>(id: Uuid, tell: impl FnOnce(&ReplayedState) -> Option<T>) -> Option<T> {
    let told = STOOD.try_with(|stood| if stood.id == id { tell(stood) } else { None });
    told.ok().flatten()
}

/// What something referred to that is answered again, by a field of its document; none where it stands
/// as it does now.
pub fn find_replayed_ids(id: Uuid, field: &str, kind: NodeKind) -> Option<Vec<Uuid>> {
    find_replayed(id, |stood| {
        let ids = stood.document.get(field)?.as_array()?.iter();
        Some(ids.filter_map(|id| id::decode_as(kind, id.as_str()?)).collect())
    })
}

/// An object that a mutation answers: as it stands, or as it stood when it was first answered.
pub struct IdempotentResult<T> {
    object: T,
    replayed: Option<Arc<ReplayedState>>,
}

impl<T> IdempotentResult<T> {
    /// The object of what was answered.
    pub fn new<M>(answered: SavedRow<M>, object: impl FnOnce(M) -> T) -> Self {
        Self {
            object: object(answered.row),
            replayed: answered.replayed,
        }
    }
}

impl<M> SavedRow<M> {
    /// The number of the change, where the log has grown.
    pub const fn change_number(&self) -> Option<i64> {
        self.change
    }

    /// The fields that held something before, and hold nothing now.
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
            Some(stood) => STOOD.scope(Arc::clone(stood), resolved).await,
            None => resolved.await,
        }
    }
}

/// Declares what a mutation answers: the object as it stands, the number of the change where the log
/// grows, what changed meanwhile, and what was wrong.
macro_rules! reference_payload {
    ($(#[doc = $about:literal])+ $payload:ident { $field:ident: $object:ident of $row:ty } logged) => {
        $(#[doc = $about])+
        #[derive(async_graphql::SimpleObject)]
        pub struct $payload {
            /// The object after the change. Null if the input was rejected.
            $field: Option<$crate::reference_data::graphql::IdempotentResult<$object>>,
            /// The number of the change. Pass it as `minChangeNumber` to get patterns that include the
            /// change.
            change_number: Option<i64>,
            /// The fields that had a value before and have none now. Null clears a field. A field that you
            /// leave out stays the same.
            cleared: Vec<String>,
            /// The differences between the version that your input is based on and the current version.
            /// Empty if the object has not changed since.
            conflicts: Vec<$crate::graphql::user_error::FieldChange>,
            /// The problems with the input. Empty if the mutation succeeded.
            user_errors: Vec<$crate::graphql::user_error::UserError>,
        }

        $crate::reference_data::graphql::reference_payload!(@from $payload { $field: $object of $row } change_number);
    };
    ($(#[doc = $about:literal])+ $payload:ident { $field:ident: $object:ident of $row:ty }) => {
        $(#[doc = $about])+
        #[derive(async_graphql::SimpleObject)]
        pub struct $payload {
            /// The object after the change. Null if the input was rejected.
            $field: Option<$crate::reference_data::graphql::IdempotentResult<$object>>,
            /// The fields that had a value before and have none now. Null clears a field. A field that you
            /// leave out stays the same.
            cleared: Vec<String>,
            /// The differences between the version that your input is based on and the current version.
            /// Empty if the object has not changed since.
            conflicts: Vec<$crate::graphql::user_error::FieldChange>,
            /// The problems with the input. Empty if the mutation succeeded.
            user_errors: Vec<$crate::graphql::user_error::UserError>,
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
                        $field: Some(IdempotentResult::new(answered, $object)),
                        conflicts: Vec::new(),
                        user_errors: Vec::new(),
                    },
                    SaveOutcome::Rejected(refusal) => Self {
                        $field: None,
                        $($number: None,)?
                        cleared: Vec::new(),
                        conflicts: refusal.conflicts.into_iter().map(Into::into).collect(),
                        user_errors: refusal.problems.into_iter().map(Into::into).collect(),
                    },
                }
            }
        }
    };
}
pub(crate) use reference_payload;

/// Begins a mutation of something that is kept; one that was done before, or cannot be done, comes to
/// its answer.
pub async fn begin_save<'a, M: ReferenceRow>(
    ctx: &Context<'a>,
    name: &'static str,
    key: Option<&'a str>,
    input: &(impl InputType + fmt::Debug),
) -> Result<Result<Box<RunningMutation<'a>>, SaveOutcome<M>>, Error> {
    // As a value, a field that is left out would be written like one that is null.
    let input = format!("{input:?}");
    Ok(
        match mutation::begin_mutation_with_text::<StoredSaveResult<M>>(ctx, name, key, input).await? {
            MutationStart::New(running) => Ok(running),
            MutationStart::Rejected(finding) => Err(SaveOutcome::Rejected(finding.into())),
            MutationStart::Replayed(answer) => Err(SaveOutcome::Saved(
                load_stored_result(&app_from_context(ctx).db, answer).await?,
            )),
        },
    )
}

/// The first answer once more.
async fn load_stored_result<M: ReferenceRow>(
    db: &DatabaseConnection,
    answer: StoredSaveResult<M>,
) -> Result<SavedRow<M>, Error> {
    let row = answer.row;
    let revision = super::find_revision(db, row.id(), answer.version).await?;
    let stood = ReplayedState {
        id: row.id(),
        version: answer.version,
        document: revision.map(|revision| revision.document).unwrap_or_default(),
    };
    Ok(SavedRow {
        row,
        change: answer.change,
        cleared: answer.cleared,
        replayed: Some(Arc::new(stood)),
    })
}

/// Why something is saved, and what is wrong with what was said of it.
pub fn parse_reason(reason: Option<&str>) -> (String, Vec<Problem>) {
    match reason.map(|reason| note::validate_note("reason", reason)) {
        None => ("saved".into(), Vec::new()),
        Some(Ok(reason)) => (reason, Vec::new()),
        Some(Err(refusal)) => ("saved".into(), refusal.problems),
    }
}

/// Whether the log grows with what is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeLogging {
    /// It does: patterns hang on it.
    Logged,
    /// It does not.
    NotLogged,
}

/// Finishes a mutation of something that is kept, where it was saved and nothing else is `wrong`.
pub async fn finish_save<M: ReferenceRow>(
    running: RunningMutation<'_>,
    saved: Result<M, Rejection>,
    wrong: Vec<Problem>,
    log: ChangeLogging,
    mut detail: Value,
) -> Result<SaveOutcome<M>, Error> {
    let row = match saved {
        Ok(row) if wrong.is_empty() => row,
        // What was saved is undone with the transaction.
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

/// The fields that the save of a version cleared.
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

/// A save that is refused for what it leaves out or clears, and whatever else is wrong.
pub fn reject_save<M>(mut found: Vec<Problem>, wrong: Vec<Problem>) -> SaveOutcome<M> {
    found.extend(wrong);
    SaveOutcome::Rejected(found.into())
}

/// Loads the version at which something that is kept stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct CurrentVersion(Uuid);

impl Loader<CurrentVersion> for LoaderContext {
    type Value = i32;
    type Error = SharedError;

    async fn load(&self, keys: &[CurrentVersion]) -> Result<HashMap<CurrentVersion, i32>, SharedError> {
        let versions = super::load_versions(&self.db, keys.iter().map(|key| key.0)).await?;
        Ok(versions
            .into_iter()
            .map(|(id, version)| (CurrentVersion(id), version))
            .collect())
    }
}

/// The version at which something that is kept stands, or stood when it was first answered.
pub async fn load_version(ctx: &Context<'_>, id: Uuid) -> Result<i32> {
    if let Some(version) = find_replayed(id, |stood| Some(stood.version)) {
        return Ok(version);
    }
    Ok(loader::operation_loader(ctx)
        .load_one(CurrentVersion(id))
        .await?
        .unwrap_or(1))
}

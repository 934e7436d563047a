//! What every mutation of something that stewards keep has in common, and the history of such things over GraphQL.

use std::collections::HashMap;

use async_graphql::{Context, ID, InputType, Json, Object, Result, dataloader::Loader};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;
use wayin_entity::{claim, crisis, kept_revision, meeting, member, organisation, place, reflection, term};

use crate::error::Error;
use crate::graphql::{
    app,
    connection::{Connection, TotalCount, connection},
    error::Shared,
    loader::{self, Loads},
    mutating,
    user_error::FieldChange,
};
use crate::id::{self, NodeKind};
use crate::initiative::difference;
use crate::initiative::validate::Finding;
use crate::mutation::{Begun, Event, Refusal, Running};
use crate::organisation::former;
use crate::paging::{self, PageArguments, PageRequest};
use crate::submission::look;

/// A row of something that stewards keep.
pub trait Kept: Sized + Send + Sync {
    /// The kind of its global id.
    const KIND: NodeKind;

    /// Its id.
    fn id(&self) -> Uuid;

    /// The row of an id.
    fn load(db: &DatabaseConnection, id: Uuid) -> impl Future<Output = Result<Option<Self>, Error>> + Send;
}

macro_rules! kept {
    ($($entity:ident: $kind:ident,)+) => {$(
        impl Kept for $entity::Model {
            const KIND: NodeKind = NodeKind::$kind;

            fn id(&self) -> Uuid {
                self.id
            }

            async fn load(db: &DatabaseConnection, id: Uuid) -> Result<Option<Self>, Error> {
                Ok($entity::Entity::find_by_id(id).one(db).await?)
            }
        }
    )+};
}

kept! {
    place: Place,
    term: Term,
    meeting: Meeting,
    reflection: Reflection,
    crisis: Crisis,
    claim: Claim,
    member: Member,
}

impl Kept for organisation::Model {
    const KIND: NodeKind = NodeKind::Organisation;

    fn id(&self) -> Uuid {
        self.id
    }

    async fn load(db: &DatabaseConnection, id: Uuid) -> Result<Option<Self>, Error> {
        let id = former::current(db, id).await?;
        Ok(organisation::Entity::find_by_id(id).one(db).await?)
    }
}

/// What a mutation of something that is kept comes to.
pub enum Done<M> {
    /// It stands so now; with the number of the change, where the log has grown.
    Kept(M, Option<i64>),
    /// Nothing was changed.
    Refused(Refusal),
}

/// What is kept of an answer, for whoever sends the mutation again.
#[derive(Serialize, Deserialize)]
struct Answer {
    id: Uuid,
    change: Option<i64>,
}

/// Declares what a mutation answers: the object as it stands, the number of the change where the log
/// grows, what changed meanwhile, and what was wrong.
macro_rules! kept_payload {
    ($(#[doc = $about:literal])+ $payload:ident { $field:ident: $object:ident of $row:ty } logged) => {
        $(#[doc = $about])+
        #[derive(async_graphql::SimpleObject)]
        pub struct $payload {
            /// What was saved, as it stands after it; null where the input was refused.
            $field: Option<$object>,
            /// The number of the change; patterns can be asked for `atLeast` it.
            change: Option<i64>,
            /// Where it was written from a version that stands no more, what changed in between.
            changed_since: Vec<$crate::graphql::user_error::FieldChange>,
            /// Everything that was wrong with the input; empty where it was done.
            user_errors: Vec<$crate::graphql::user_error::UserError>,
        }

        $crate::keeping::graphql::kept_payload!(@from $payload { $field: $object of $row } change);
    };
    ($(#[doc = $about:literal])+ $payload:ident { $field:ident: $object:ident of $row:ty }) => {
        $(#[doc = $about])+
        #[derive(async_graphql::SimpleObject)]
        pub struct $payload {
            /// What was saved, as it stands after it; null where the input was refused.
            $field: Option<$object>,
            /// Where it was written from a version that stands no more, what changed in between.
            changed_since: Vec<$crate::graphql::user_error::FieldChange>,
            /// Everything that was wrong with the input; empty where it was done.
            user_errors: Vec<$crate::graphql::user_error::UserError>,
        }

        $crate::keeping::graphql::kept_payload!(@from $payload { $field: $object of $row });
    };
    (@from $payload:ident { $field:ident: $object:ident of $row:ty } $($change:ident)?) => {
        impl From<$crate::keeping::graphql::Done<$row>> for $payload {
            fn from(done: $crate::keeping::graphql::Done<$row>) -> Self {
                use $crate::keeping::graphql::Done;
                match done {
                    Done::Kept(row, _change) => Self {
                        $field: Some($object(row)),
                        $($change: _change,)?
                        changed_since: Vec::new(),
                        user_errors: Vec::new(),
                    },
                    Done::Refused(refusal) => Self {
                        $field: None,
                        $($change: None,)?
                        changed_since: refusal.changed_since.into_iter().map(Into::into).collect(),
                        user_errors: refusal.findings.into_iter().map(Into::into).collect(),
                    },
                }
            }
        }
    };
}
pub(crate) use kept_payload;

/// Begins a mutation of something that is kept; one that was done before, or cannot be done, comes to
/// its answer.
pub async fn begin<'a, M: Kept>(
    ctx: &Context<'a>,
    name: &'static str,
    key: Option<&'a str>,
    input: &impl InputType,
) -> Result<Result<Box<Running<'a>>, Done<M>>, Error> {
    Ok(match mutating::begin::<Answer>(ctx, name, key, input).await? {
        Begun::Fresh(running) => Ok(running),
        Begun::Refused(finding) => Err(Done::Refused(finding.into())),
        Begun::Repeated(answer) => Err(match M::load(&app(ctx).db, answer.id).await? {
            Some(row) => Done::Kept(row, answer.change),
            None => Done::Refused(Refusal::default()),
        }),
    })
}

/// Why something is saved, and what is wrong with what was said of it.
pub fn why(reason: Option<&str>) -> (String, Vec<Finding>) {
    match reason.map(|reason| look::at_note("reason", reason)) {
        None => ("saved".into(), Vec::new()),
        Some(Ok(reason)) => (reason, Vec::new()),
        Some(Err(refusal)) => ("saved".into(), refusal.findings),
    }
}

/// Whether the log grows with what is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// It does: patterns hang on it.
    Grows,
    /// It does not.
    Stays,
}

/// Finishes a mutation of something that is kept, where it was saved and nothing else is `wrong`.
pub async fn finish<M: Kept>(
    running: Running<'_>,
    saved: Result<M, Refusal>,
    wrong: Vec<Finding>,
    log: Log,
    detail: Value,
) -> Result<Done<M>, Error> {
    let row = match saved {
        Ok(row) if wrong.is_empty() => row,
        // What was saved is undone with the transaction.
        Ok(_) => return Ok(Done::Refused(wrong.into())),
        Err(mut refusal) => {
            refusal.findings.extend(wrong);
            return Ok(Done::Refused(refusal));
        }
    };
    let version = super::version(running.db(), row.id()).await?;
    let change = match log {
        Log::Grows => Some(running.newest_change().await?),
        Log::Stays => None,
    };
    let event = Event {
        kind: M::KIND,
        id: row.id(),
        before: (version > 1).then_some(version - 1),
        after: Some(version),
        detail,
    };
    let answer = Answer { id: row.id(), change };
    running.finish(event, &answer).await?;
    Ok(Done::Kept(row, change))
}

/// Loads the version at which something that is kept stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct VersionOf(Uuid);

impl Loader<VersionOf> for Loads {
    type Value = i32;
    type Error = Shared;

    async fn load(&self, keys: &[VersionOf]) -> Result<HashMap<VersionOf, i32>, Shared> {
        let versions = super::versions(&self.db, keys.iter().map(|key| key.0)).await?;
        Ok(versions
            .into_iter()
            .map(|(id, version)| (VersionOf(id), version))
            .collect())
    }
}

/// The version at which something that is kept stands.
pub async fn version(ctx: &Context<'_>, id: Uuid) -> Result<i32> {
    Ok(loader::of(ctx).load_one(VersionOf(id)).await?.unwrap_or(1))
}

/// Something that stewards keep, as it stood at one version.
#[derive(Clone, Debug)]
pub struct KeptRevision(pub kept_revision::Model);

#[Object]
impl KeptRevision {
    /// Counts the saves, from 1.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was saved (UTC).
    async fn at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// The member who saved it; null for an act on the command line, and for how it stood before it was first saved.
    async fn by(&self) -> Option<ID> {
        self.0.member_id.map(|id| NodeKind::Member.id(id).into())
    }

    /// Why, in a few words.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The whole of it, with the fields of its mutation; what it refers to stands as global ids.
    async fn document(&self) -> Json<&Value> {
        Json(&self.0.document)
    }

    /// What is different from another version, field by field; from the one before where nothing is said.
    /// Of the first version everything is.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The version to compare with.")] since: Option<i32>,
    ) -> Result<Vec<FieldChange>> {
        let version = since.unwrap_or(self.0.version - 1);
        let before = super::at(&app(ctx).db, self.0.subject_id, version).await?;
        let before = match (before, since) {
            (Some(before), _) => before.document,
            (None, None) => json!({}),
            (None, Some(since)) => {
                return Err(Error::bad_input("since", format!("there is no version {since}")).into());
            }
        };
        Ok(difference::between(&before, &self.0.document)
            .into_iter()
            .map(FieldChange::from)
            .collect())
    }
}

/// The history of what stewards keep.
#[derive(Default)]
pub struct KeepingQuery;

#[Object]
impl KeepingQuery {
    /// Every version of a place, an organisation (also one that was merged into another), a term, a meeting,
    /// a reflection, a crisis, a claim or a member, the newest first; empty for what nobody has saved yet.
    /// For stewards. `revisions` tells those of records.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global id of what is kept.")] of: ID,
        #[graphql(desc = "The first so many, at most 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<KeptRevision>> {
        let unreadable = || Error::bad_input("of", format!("{} is not the id of what stewards keep", *of));
        let (kind, id) = id::decode(&of).ok_or_else(unreadable)?;
        let subject = super::subject_of(kind).ok_or_else(unreadable)?;
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        let request = PageRequest::new::<kept_revision::Entity>((), &page)?;
        let select = kept_revision::Entity::find()
            .filter(kept_revision::Column::Subject.eq(subject))
            .filter(kept_revision::Column::SubjectId.eq(id));
        let db = app(ctx).db.clone();
        let page = paging::page(&db, select.clone(), &request).await?;
        let total = TotalCount::new(move || {
            let (db, select) = (db.clone(), select.clone());
            async move { paging::count(&db, select).await }
        });
        Ok(connection::<kept_revision::Entity, _>(
            page,
            (),
            total,
            KeptRevision,
        ))
    }
}

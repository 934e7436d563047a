//! The versions of records and of reference data over GraphQL.

use async_graphql::{Context, ID, Json, Object, Result};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use uuid::Uuid;
use wayin_entity::{Capability, entity_revision, initiative, revision};

use super::connection::NodeConnection;
use super::list::load_connection;
use super::problem::FieldChange;
use super::{app_from_context, require_member};
use crate::error::Error;
use crate::id::{self, NodeKind};
use crate::paging::PageArguments;
use crate::reference_data;
use crate::store::revisions;
use wayin_records::diff;

/// One version of an object.
#[derive(Clone, Debug)]
pub struct Revision {
    subject: Subject,
    version: i32,
    created_at: DateTime<Utc>,
    member_id: Option<Uuid>,
    reason: String,
    document: Value,
}

/// The object that a revision belongs to.
#[derive(Clone, Copy, Debug)]
enum Subject {
    Initiative(Uuid),
    ReferenceData(Uuid),
}

impl From<revision::Model> for Revision {
    fn from(row: revision::Model) -> Self {
        Self {
            subject: Subject::Initiative(row.initiative_id),
            version: row.version,
            created_at: row.created_at,
            member_id: row.member_id,
            reason: row.reason,
            document: row.document,
        }
    }
}

impl From<entity_revision::Model> for Revision {
    fn from(row: entity_revision::Model) -> Self {
        Self {
            subject: Subject::ReferenceData(row.subject_id),
            version: row.version,
            created_at: row.created_at,
            member_id: row.member_id,
            reason: row.reason,
            document: row.document,
        }
    }
}

/// One version of an object.
#[Object]
impl Revision {
    /// The version number, which starts at 1 and increases with every save, publication and withdrawal.
    async fn version(&self) -> i32 {
        self.version
    }

    /// When it was saved, published or withdrawn (UTC).
    async fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }

    /// The global ID of the member who did it; null for the command line, and for the state before the
    /// first save.
    async fn actor_id(&self) -> Option<ID> {
        self.member_id.map(|id| NodeKind::Member.encode_id(id).into())
    }

    /// The reason that was given.
    async fn reason(&self) -> &str {
        &self.reason
    }

    /// The whole object at this version. An initiative has the fields listed in `docs/submitting-records.md`, any
    /// other object those of its mutation. References to other objects are global IDs.
    async fn document(&self) -> Json<&Value> {
        Json(&self.document)
    }

    /// The differences from another version, field by field. The default is the version before this one.
    /// For the first version, all fields are listed.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The version to compare with.")] since: Option<i32>,
    ) -> Result<Vec<FieldChange>> {
        let db = &app_from_context(ctx).db;
        let version = since.unwrap_or(self.version - 1);
        let before = match self.subject {
            Subject::Initiative(id) => revisions::find_document(db, id, version).await?,
            Subject::ReferenceData(id) => reference_data::find_revision(db, id, version)
                .await?
                .map(|revision| revision.document),
        };
        let before = match (before, since) {
            (Some(before), _) => before,
            (None, None) => json!({}),
            (None, Some(since)) => {
                return Err(Error::bad_input("since", format!("there is no version {since}")).into());
            }
        };
        Ok(diff::find_differences(&before, &self.document)
            .into_iter()
            .map(FieldChange::from)
            .collect())
    }
}

/// Finds the versions of objects.
#[derive(Default)]
pub struct RevisionQuery;

#[Object]
impl RevisionQuery {
    /// All versions of an object, newest first, including an initiative that was withdrawn and an
    /// organisation that was merged. Null if you cannot see its versions, or if there is no such
    /// initiative. Partners see those of initiatives that their organisation leads. Stewards see those of all
    /// initiatives, places, organisations, terms, meetings, reflections, crises, claims and members. Empty
    /// if no steward or import has saved the object yet.
    async fn revisions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global ID of the object.")] id: ID,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
    ) -> Result<Option<NodeConnection<Revision>>> {
        let member = require_member(ctx)?;
        let page = PageArguments::new(first, after, last, before);
        let unversioned =
            || Error::bad_input("id", format!("{} is not the ID of an object with versions", *id));
        let (kind, id) = id::decode(&id).ok_or_else(unversioned)?;
        if kind == NodeKind::Initiative {
            let found = initiative::Entity::find_by_id(id)
                .one(&app_from_context(ctx).db)
                .await
                .map_err(Error::from)?;
            let is_visible = found.is_some_and(|one| {
                member.role.can(Capability::ReadEveryRecord)
                    || member.organisation == Some(one.lead_organisation_id)
            });
            if !is_visible {
                return Ok(None);
            }
            let select = revision::Entity::find().filter(revision::Column::InitiativeId.eq(id));
            return Ok(Some(
                load_connection(ctx, select, (), page, Revision::from).await?,
            ));
        }
        let subject = reference_data::find_reference_kind(kind).ok_or_else(unversioned)?;
        if !member.role.can(Capability::ReadAuditTrail) {
            return Ok(None);
        }
        let select = entity_revision::Entity::find()
            .filter(entity_revision::Column::Subject.eq(subject))
            .filter(entity_revision::Column::SubjectId.eq(id));
        Ok(Some(
            load_connection(ctx, select, (), page, Revision::from).await?,
        ))
    }
}

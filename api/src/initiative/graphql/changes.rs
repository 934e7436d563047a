//! The changes of initiatives over GraphQL, for programs that keep a copy of what they can read.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::Initiative;
use super::loaders::WholeInitiativeById;
use crate::error::Error;
use crate::graphql::{app_from_context, as_of::AsOf, loader::operation_loader, require_reader};
use crate::id::NodeKind;
use crate::initiative::changes::{VisibleChange, list_visible_changes};
use crate::paging::{PageArguments, parse_page_size};

/// What a copy has to do with an initiative that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum InitiativeChangeKind {
    /// Save it: it was published or changed.
    Saved,
    /// Remove it: it was withdrawn, or you can no longer read all of it.
    Removed,
}

/// A change of an initiative that you can read, or could read before the change.
pub struct InitiativeChange(VisibleChange);

/// A change of an initiative that you can read, or could read before the change.
#[Object]
impl InitiativeChange {
    /// The number of the change.
    async fn change_number(&self) -> i64 {
        self.0.number
    }

    /// When the change was made (UTC).
    async fn changed_at(&self) -> DateTime<Utc> {
        self.0.changed_at
    }

    /// What a copy has to do.
    async fn kind(&self) -> InitiativeChangeKind {
        if self.0.is_removal {
            InitiativeChangeKind::Removed
        } else {
            InitiativeChangeKind::Saved
        }
    }

    /// The global ID of the initiative.
    async fn initiative_id(&self) -> ID {
        NodeKind::Initiative.encode_id(self.0.initiative_id).into()
    }

    /// The initiative as it is now, which may be after a later change. Null if you cannot read all of it: a copy has to
    /// remove it, whatever `kind` says.
    async fn initiative(&self, ctx: &Context<'_>) -> Result<Option<Initiative>> {
        if self.0.is_removal {
            return Ok(None);
        }
        Ok(operation_loader(ctx)
            .load_one(WholeInitiativeById(self.0.initiative_id))
            .await?
            .map(Initiative::new))
    }
}

/// Changes of initiatives, and where to continue.
#[derive(SimpleObject)]
pub struct InitiativeChanges {
    /// The changes in the order of their numbers. Each initiative is listed once, with its newest change. The list can be
    /// empty although `hasMore` is true, because the log also has changes of what you cannot read.
    changes: Vec<InitiativeChange>,
    /// The number to pass as `sinceNumber` next time. It can be later than the last change of the list.
    next_number: i64,
    /// Whether there are changes after `nextNumber`. If so, ask again at once.
    has_more: bool,
    /// The newest change that there was when the list was read.
    as_of: AsOf,
}

#[derive(Default)]
pub struct InitiativeChangeQuery;

#[Object]
impl InitiativeChangeQuery {
    /// The changes of the initiatives that you can read in full, for programs that keep a copy of them. An initiative that
    /// was withdrawn, or that you can no longer read in full, is listed as REMOVED if you could read it before. Load the
    /// initiatives first, with the `asOf` of the first page, and ask for the changes since then.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Return changes after the change with this number; 0 for all changes.")]
        since_number: i64,
        #[graphql(desc = "Return the first n changes: from 1 to 100, 20 by default.")] first: Option<i32>,
    ) -> Result<InitiativeChanges> {
        let reader = require_reader(ctx)?;
        let (size, _) = parse_page_size(&PageArguments::new(first, None, None, None))?;
        if size == 0 {
            return Err(Error::bad_input("first", "0 is not from 1 to 100").into());
        }
        // At most 100.
        let max_count = usize::try_from(size).unwrap_or(usize::MAX);
        let db = &app_from_context(ctx).db;
        let listed = list_visible_changes(db, reader, since_number, max_count).await?;
        Ok(InitiativeChanges {
            changes: listed.changes.into_iter().map(InitiativeChange).collect(),
            next_number: listed.next_number,
            has_more: listed.has_more,
            as_of: listed.as_of.into(),
        })
    }
}

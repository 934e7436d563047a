//! Writes a batch of an import that is stored as a job.

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, EntityTrait};
use uuid::Uuid;
use wayin_entity::{Capability, ImportKind, import, member, organisation};

use super::{lease, may_import, outcomes};
use crate::auth::requester::AuthenticatedMember;
use crate::change_log::{self, ActionContext};
use crate::clock::Clock;
use crate::database;
use crate::error::{Error, Result};
use crate::import::batch::Batch;
use crate::import::batch_order::OpenBatch;
use crate::import::engine::{BatchEnd, ImportContext, ImportEnd};
use crate::import::publish::Publisher;
use crate::import::submit::Submitter;
use crate::pattern::engine::PatternEngine;

/// What the batches of a job share.
pub(in crate::import) struct JobBatches<'a> {
    pub(in crate::import) import: &'a import::Model,
    pub(in crate::import) worker: Uuid,
    pub(in crate::import) clock: &'a dyn Clock,
    /// The engine of this process, if it has one.
    pub(in crate::import) engine: Option<&'a PatternEngine>,
    pub(in crate::import) rows_per_turn: usize,
    /// The organisation for which the producer checked the records.
    pub(in crate::import) read_for: Option<&'a organisation::Model>,
}

/// An import as it is at the time of a batch.
struct CurrentImport {
    import: import::Model,
    sender: AuthenticatedMember,
    organisation: Option<organisation::Model>,
}

impl JobBatches<'_> {
    /// Whether the import has used its turn and others wait.
    pub(in crate::import) async fn has_to_yield(&self, db: &DatabaseConnection, rows: usize) -> Result<bool> {
        Ok(rows >= self.rows_per_turn && lease::is_any_waiting(db, self.clock.now()).await?)
    }

    /// Writes a batch with what became of its rows, and commits it.
    pub(in crate::import) async fn write(
        &self,
        context: &ImportContext<'_>,
        transaction: DatabaseTransaction,
        order: OpenBatch<'_>,
        batch: &mut Batch,
    ) -> Result<BatchEnd> {
        let current = match self.load_current(&transaction).await? {
            Ok(current) => current,
            Err(reason) => return Ok(BatchEnd::Stopped(ImportEnd::Failed(reason.into()))),
        };
        let reason = format!("imported from {}", current.import.file_name);
        let act = ActionContext {
            clock: self.clock,
            member: Some(current.sender.id),
            reason: &reason,
        };
        let result = match (context.kind, &current.organisation) {
            (ImportKind::Records, None) => {
                return Err(Error::Internal(format!(
                    "import {} is of no organisation",
                    context.id
                )));
            }
            (ImportKind::Records, Some(organisation)) => {
                let submitter = Submitter {
                    act: &act,
                    places: &context.places,
                    keys: &context.keys,
                    member: &current.sender,
                    organisation,
                    import: &current.import,
                };
                submitter.submit(&transaction, batch, self.read_for).await?
            }
            (ImportKind::Grants360Giving, funder) => {
                let publisher = Publisher {
                    act: &act,
                    funder: funder.as_ref(),
                    warns_of_locations: true,
                };
                publisher.publish(&transaction, context, batch).await?
            }
        };
        outcomes::insert_outcomes(&transaction, &act, context.id, &result.rows).await?;
        order.wait_for_previous(&transaction).await?;
        if !outcomes::add_to_counts(&transaction, &act, context.id, self.worker, &result.rows).await? {
            return Ok(BatchEnd::Stopped(ImportEnd::Lost));
        }
        change_log::append_changes(&transaction, &act, &result.changes).await?;
        change_log::notify_listeners(&transaction).await?;
        database::commit(transaction).await?;
        if let Some(engine) = self.engine {
            engine.notifier().notify();
        }
        Ok(BatchEnd::Committed(result))
    }

    /// Loads the sender and the organisation, or why the sender may not continue.
    async fn load_current(
        &self,
        db: &impl ConnectionTrait,
    ) -> Result<std::result::Result<CurrentImport, &'static str>> {
        let sender = member::Entity::find_by_id(self.import.member_id).one(db).await?;
        let Some(sender) = sender.filter(|sender| sender.revoked_at.is_none()) else {
            return Ok(Err("The member who sent the file is no longer a member."));
        };
        let sender = AuthenticatedMember {
            id: sender.id,
            subject: sender.subject,
            role: sender.role,
            organisation: sender.organisation_id,
            token: None,
        };
        // The organisation may have been merged into another since the import began.
        let import = import::Entity::find_by_id(self.import.id).one(db).await?;
        let import = import.unwrap_or_else(|| self.import.clone());
        let is_own = sender.role.can(Capability::ActForAnyOrganisation)
            || sender.organisation == import.organisation_id;
        if !may_import(sender.role, import.kind) || !is_own {
            return Ok(Err(
                "The member who sent the file is no longer allowed to import it.",
            ));
        }
        let organisation = match import.organisation_id {
            None => None,
            Some(id) => {
                let found = organisation::Entity::find_by_id(id).one(db).await?;
                let merging = || {
                    Error::Conflict(format!(
                        "the organisation of import {} is being merged",
                        import.id
                    ))
                };
                Some(found.ok_or_else(merging)?)
            }
        };
        Ok(Ok(CurrentImport {
            import,
            sender,
            organisation,
        }))
    }
}

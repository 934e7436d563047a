//! Writes a batch of an import.

use sea_orm::{ConnectionTrait, DatabaseConnection, EntityTrait};
use wayin_entity::{Capability, ImportKind, ImportMode, import, member, organisation};

use super::{may_import, outcomes};
use crate::auth::requester::AuthenticatedMember;
use crate::change_log::{self, ActionContext};
use crate::database;
use crate::error::{Error, Result};
use crate::import::batch::Batch;
use crate::import::batch_order::Ticket;
use crate::import::engine::{BatchEnd, ImportContext, ImportEnd};
use crate::import::publish::Publisher;
use crate::import::submit::Submitter;

/// The current state of an import, which can change between batches.
struct CurrentImport {
    import: import::Model,
    /// The member who sent the file. None for the command line.
    sender: Option<AuthenticatedMember>,
    organisation: Option<organisation::Model>,
}

impl ImportContext<'_> {
    /// Writes a batch and the outcomes of its rows in one transaction.
    pub(in crate::import) async fn write_batch(
        &self,
        writer: &DatabaseConnection,
        ticket: &Ticket,
        batch: &mut Batch,
    ) -> Result<BatchEnd> {
        let transaction = database::begin_write(writer).await?;
        let order = ticket.begin(&transaction).await?;
        let current = match self.load_current(&transaction).await? {
            Ok(current) => current,
            Err(reason) => return Ok(BatchEnd::Stopped(ImportEnd::Failed(reason.into()))),
        };
        let (id, worker) = (self.import.id, self.worker);
        let reason = match current.import.mode {
            // Partners can read the reason. The name of an operator's file is not for them.
            ImportMode::Publish => "imported from a file".to_owned(),
            ImportMode::Draft | ImportMode::Submit => format!("imported from {}", current.import.file_name),
        };
        let act = ActionContext {
            clock: worker.clock,
            member: current.sender.as_ref().map(|sender| sender.id),
            reason: &reason,
        };
        let result = match (self.import.kind, &current.sender, &current.organisation) {
            (ImportKind::Records, Some(_), None) => {
                return Err(Error::Internal(format!("import {id} is of no organisation")));
            }
            (ImportKind::Records, Some(sender), Some(organisation)) => {
                let submitter = Submitter {
                    act: &act,
                    places: &self.places,
                    keys: &self.keys,
                    member: sender,
                    organisation,
                    import: &current.import,
                };
                submitter
                    .submit(&transaction, batch, self.read_for.as_ref())
                    .await?
            }
            (_, sender, funder) => {
                let publisher = Publisher {
                    act: &act,
                    funder: funder.as_ref(),
                    warns_of_locations: sender.is_some(),
                };
                publisher.publish(&transaction, self, batch).await?
            }
        };
        outcomes::insert_outcomes(&transaction, &act, id, &result.rows).await?;
        order.wait_for_previous(&transaction).await?;
        if !outcomes::add_to_counts(&transaction, &act, id, worker.id, &result.rows).await? {
            return Ok(BatchEnd::Stopped(ImportEnd::Lost));
        }
        change_log::append_changes(&transaction, &act, &result.changes).await?;
        change_log::notify_listeners(&transaction).await?;
        let _notifies = worker.engine.map(|engine| engine.notifier().guard_commit());
        database::commit(transaction).await?;
        Ok(BatchEnd::Committed)
    }

    /// Loads the sender and the organisation, or returns why the sender may not continue.
    async fn load_current(
        &self,
        db: &impl ConnectionTrait,
    ) -> Result<std::result::Result<CurrentImport, &'static str>> {
        // Since the import began, the organisation may have been merged into another.
        let import = import::Entity::find_by_id(self.import.id).one(db).await?;
        let import = import.unwrap_or_else(|| self.import.clone());
        let Some(sender) = import.member_id else {
            return Ok(Ok(CurrentImport {
                import,
                sender: None,
                organisation: None,
            }));
        };
        let sender = member::Entity::find_by_id(sender).one(db).await?;
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
            sender: Some(sender),
            organisation,
        }))
    }
}

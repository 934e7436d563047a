//! Forms classes of hidden records when enough of them are new or have changed, and stores them as a release.
//!
//! Few records are put into classes while the change log is read. Many take seconds, so a task of its own does it, and nobody
//! waits for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::DatabaseConnection;
use wayin_engine::disclosure::classes::HiddenClasses;

use super::engine::{EngineState, PatternEngine};
use super::releases::{NewRelease, store_classes};
use crate::change_log::ActionContext;
use crate::clock::{Clock as _, SystemClock};
use crate::database::run_blocking;

/// After how long classes are formed again that could not be stored.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// What the engine remembers of the classes that it formed last.
#[derive(Default)]
pub(super) struct FormationState {
    /// The serial of the state of which they were formed.
    formed_of: Option<u64>,
    /// When to form them again; none if they were stored, or if there are none.
    retry_at: Option<Instant>,
}

/// A state of the engine of which classes can be formed.
pub(super) struct FormationBase {
    pub state: Arc<EngineState>,
    /// The numbers that are missing from the log.
    pub log_gaps: Vec<i64>,
}

impl PatternEngine {
    /// Forms and stores classes if few records wait for one. Returns whether there are new ones.
    pub(super) async fn form_few_classes(&self, base: FormationBase, db: &DatabaseConnection) -> bool {
        // If another task is forming classes, it includes these records, or looks again.
        match self.formation.try_lock() {
            Ok(mut formation) if count_waiting(&base.state) <= self.settings.max_records_classed_at_once => {
                formation.form_and_store(base, db).await
            }
            _ => false,
        }
    }

    /// Forms and stores classes whenever enough records wait for one. Never returns.
    pub(super) async fn form_classes_in_background(&self, db: &DatabaseConnection) {
        let mut newest = self.subscribe_newest();
        loop {
            let mut formation = self.formation.lock().await;
            let is_stored = match self.find_formation_base().await {
                Some(base) => formation.form_and_store(base, db).await,
                None => false,
            };
            // Before others form classes, the new ones must be known.
            if is_stored && let Err(error) = self.catch_up(db, &|_| ()).await {
                tracing::error!(error = %error, cause = ?error, "new classes of hidden records could not be read");
            }
            drop(formation);
            if !is_stored {
                // Fails if the engine is gone, and it is not.
                let _ = tokio::time::timeout(RETRY_INTERVAL, newest.changed()).await;
            }
        }
    }
}

/// How many records wait for a class.
fn count_waiting(state: &EngineState) -> usize {
    state.classes.iter().map(|classes| classes.count_waiting()).sum()
}

impl FormationState {
    /// Forms classes of the records that wait for one, and stores them as a release. Returns whether there is one.
    async fn form_and_store(&mut self, base: FormationBase, db: &DatabaseConnection) -> bool {
        let state = base.state;
        // The same records would form the same classes, or none.
        let must_retry = self.retry_at.is_some_and(|at| Instant::now() >= at);
        if self.formed_of == Some(state.serial) && !must_retry {
            return false;
        }
        self.formed_of = Some(state.serial);
        self.retry_at = None;
        let newest = Arc::clone(&state);
        let formed = run_blocking(move || {
            let formed = HiddenClasses::form(&newest.classes, || SystemClock.new_id());
            Ok(formed.map(|formation| (formation.new, formation.replaced)))
        });
        let stored = match formed.await {
            Ok(Some((classes, replaced))) => {
                let act = ActionContext {
                    clock: &SystemClock,
                    member: None,
                    reason: "classes of hidden records",
                };
                let new = NewRelease {
                    classes,
                    replaced,
                    as_of: state.newest.as_of,
                    log_gaps: base.log_gaps,
                    release_before: state.release_number,
                };
                store_classes(db, &act, new).await
            }
            Ok(None) => Ok(false),
            Err(cause) => Err(cause),
        };
        stored.unwrap_or_else(|cause| {
            tracing::error!(%cause, "new classes of hidden records could not be stored; trying again");
            self.retry_at = Some(Instant::now() + RETRY_INTERVAL);
            false
        })
    }
}

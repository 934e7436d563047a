//! Verifies the integrity of a database. It reads pages and streams, so that memory does not grow with the
//! database, and changes nothing.

mod change_log;
mod database;
mod grants;
mod imports;
mod initiatives;
mod places;
mod reference_data;
mod submissions;
mod versioned;
mod violation;

use sea_orm::DatabaseTransaction;

use self::violation::IntegrityChecker;
pub use self::violation::{IntegritySummary, Invariant, Violation};
use crate::error::Result;

/// Runs all checks. Calls `each` with every violation, and `progress` with the number of initiatives checked
/// so far. Call it within a transaction that sees one moment.
pub async fn check_integrity(
    db: &DatabaseTransaction,
    each: &mut (dyn FnMut(Violation) + Send),
    progress: &(dyn Fn(u64) + Sync),
) -> Result<IntegritySummary> {
    let mut checking = IntegrityChecker {
        summary: IntegritySummary::default(),
        on_violation: each,
        on_progress: progress,
    };
    database::check_database(db, &mut checking).await?;
    // Without the secret, no disclosure key can be checked.
    let keys = reference_data::check_instance(db, &mut checking).await?;
    initiatives::check_initiatives(db, keys.as_ref(), &mut checking).await?;
    grants::check_grants(db, &mut checking).await?;
    change_log::check_change_log(db, &mut checking).await?;
    submissions::check_submissions(db, &mut checking).await?;
    imports::check_imports(db, &mut checking).await?;
    versioned::check_versioned(db, &mut checking).await?;
    reference_data::check_reference_data(db, &mut checking).await?;
    places::check_places(db, &mut checking).await?;
    Ok(checking.summary)
}

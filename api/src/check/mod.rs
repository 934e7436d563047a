//! Verifies a base: whether everything that is to hold of what it keeps does hold. Reads
//! by pages and streams, so that memory does not grow with the base, and changes nothing.

mod database;
mod grants;
mod imports;
mod initiatives;
mod kept;
mod log;
mod named;
mod places;
mod submissions;
mod violation;

use sea_orm::DatabaseTransaction;

use self::violation::Checking;
pub use self::violation::{Invariant, Summary, Violation};
use crate::error::Result;

/// Looks everything over. `each` is told of every violation, and `progress` how many
/// initiatives were looked at so far. To be called within a transaction that sees one moment.
pub async fn check(
    db: &DatabaseTransaction,
    each: &mut (dyn FnMut(Violation) + Send),
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Summary> {
    let mut checking = Checking {
        summary: Summary::default(),
        each,
        progress,
    };
    database::check(db, &mut checking).await?;
    // Without its secret no record's key can be worked out again.
    let keys = named::base(db, &mut checking).await?;
    initiatives::check(db, keys.as_ref(), &mut checking).await?;
    grants::check(db, &mut checking).await?;
    log::check(db, &mut checking).await?;
    submissions::check(db, &mut checking).await?;
    imports::check(db, &mut checking).await?;
    kept::check(db, &mut checking).await?;
    named::check(db, &mut checking).await?;
    places::check(db, &mut checking).await?;
    Ok(checking.summary)
}

//! The stored details of published grants.

use sea_orm::{ConnectionTrait, EntityTrait};
use wayin_entity::grant_detail;

use super::{IntegrityChecker, Invariant};
use crate::error::Result;
use crate::grant_detail::GrantDetail;
use crate::paging::KeysetScan;

const GRANTS_PER_BATCH: u64 = 500;

pub(super) async fn check_grants(
    db: &impl ConnectionTrait,
    checking: &mut IntegrityChecker<'_>,
) -> Result<()> {
    let mut walk = KeysetScan::new(
        grant_detail::Entity::find(),
        grant_detail::Column::Id,
        GRANTS_PER_BATCH,
    );
    while let Some(page) = walk.next_rows(db).await? {
        for row in &page {
            let wrong = match GrantDetail::from_row(row) {
                Err(_) => "cannot be read",
                Ok(detail) if detail.is_empty() => "says nothing",
                Ok(_) => continue,
            };
            let sentence = format!(
                "The stored details of the grant {} {wrong}.",
                row.grant_identifier
            );
            checking.report(Invariant::TablesMatchRevisions, sentence);
        }
    }
    Ok(())
}

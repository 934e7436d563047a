//! What is kept of published grants beyond their funding terms.

use sea_orm::{ConnectionTrait, EntityTrait};
use wayin_entity::grant_detail;

use super::{Checking, Invariant};
use crate::error::Result;
use crate::grant_detail::GrantDetail;
use crate::paging::Walk;

/// How many grants are checked together.
const AT_ONCE: u64 = 500;

pub(super) async fn check(db: &impl ConnectionTrait, checking: &mut Checking<'_>) -> Result<()> {
    let mut walk = Walk::new(grant_detail::Entity::find(), grant_detail::Column::Id, AT_ONCE);
    while let Some(page) = walk.rows(db).await? {
        for row in &page {
            let wrong = match GrantDetail::of_kept(row) {
                Err(_) => "cannot be read",
                Ok(detail) if detail.is_empty() => "says nothing",
                Ok(_) => continue,
            };
            let sentence = format!(
                "What is kept of the grant {} beside its funding term {wrong}.",
                row.grant_identifier
            );
            checking.found(Invariant::Tables, sentence);
        }
    }
    Ok(())
}

//! Crises: periods that affect the work.

pub mod graphql;
pub mod mutations;
mod save;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use wayin_entity::{crisis, crisis_place};

use crate::error::Result;
use crate::paging::{Paged, SortOrder};
use wayin_engine::predicate::CrisisPeriod;

/// Finds the period of a crisis and the places that it affects.
pub async fn find_period(db: &impl ConnectionTrait, slug: &str) -> Result<Option<CrisisPeriod>> {
    let Some(found) = crisis::Entity::find()
        .filter(crisis::Column::Slug.eq(slug))
        .one(db)
        .await?
    else {
        return Ok(None);
    };
    let places = crisis_place::Entity::find()
        .filter(crisis_place::Column::CrisisId.eq(found.id))
        .all(db)
        .await?;
    let places = places.into_iter().map(|row| row.place_id).collect();
    Ok(Some(CrisisPeriod {
        name: found.name,
        from: found.from_on,
        to: found.to_on,
        places,
    }))
}

impl Paged for crisis::Entity {
    type Order = ();
    const ID: Self::Column = crisis::Column::Id;

    fn sort((): ()) -> SortOrder<Self::Column> {
        SortOrder {
            tag: "from",
            column: crisis::Column::FromOn,
            descending: true,
        }
    }
}

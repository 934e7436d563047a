//! Rows that a database returns as JSON equal the rows that it returns as columns.

use std::fmt::Debug;

use sea_orm::sea_query::Expr;
use sea_orm::{EntityTrait, QueryFilter as _};
use wayin::database::json_rows::{TablesQuery, load_rows};
use wayin_entity::{
    challenge_faced, challenge_reason, condition_changed, entry_point_taken, funding_term, initiative,
    initiative_source, organisation, place, source,
};

use crate::support::{Database, complete_base, tests_on_both_databases};

tests_on_both_databases![rows_as_json_equal_rows_as_columns];

async fn rows_as_json_equal_rows_as_columns(database: Database) {
    let db = &database.connection;
    complete_base::insert_complete_base(db).await;
    macro_rules! compare_tables {
        ($($table:ident)+) => {
            let mut query = TablesQuery::new(db);
            $(query = query.add_table($table::Entity::find());)+
            let loaded = query.load(db).await.unwrap();
            $(
                let expected = $table::Entity::find().all(db).await.unwrap();
                assert!(!expected.is_empty(), "the base has rows in {}", stringify!($table));
                let alone = load_rows(db, $table::Entity::find()).await.unwrap();
                let together = loaded.parse_rows::<$table::Entity>().unwrap();
                assert_eq!(sort_by_text(alone), sort_by_text(expected.clone()), "loaded alone");
                assert_eq!(sort_by_text(together), sort_by_text(expected), "loaded with other tables");
            )+
        };
    }
    compare_tables!(
        initiative place organisation source initiative_source entry_point_taken challenge_faced
        challenge_reason condition_changed funding_term
    );
    let none = load_rows(db, initiative::Entity::find().filter(Expr::cust("FALSE")));
    assert!(none.await.unwrap().is_empty(), "a query without rows");
}

/// Neither query has an order.
fn sort_by_text<M: Debug>(mut rows: Vec<M>) -> Vec<M> {
    rows.sort_by_key(|row| format!("{row:?}"));
    rows
}

//! Bulk imports: every row is stored unchanged, and look-ups use indexes.

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait as _, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, Statement, TransactionTrait,
};
use serde_json::json;
use uuid::Uuid;
use wayin::clock::{Clock, SystemClock};
use wayin::database::{analyze_tables, insert_all, is_in, is_in_any};
use wayin_entity::{Restriction, funding_term, initiative, source};

use crate::support::database::Kind;
use crate::support::{Database, complete_base, tests_on_both_databases};

tests_on_both_databases![bulk_inserted_rows_round_trip, bulk_lookups_use_an_index,];

/// How the values of a column vary within one statement.
#[derive(Clone, Copy)]
enum ColumnPattern {
    Null,
    Alike,
    Each,
    EachOrNull,
}

/// A random value of a column with this pattern. `value` makes a value from a number.
fn draw_value<T>(random: &mut StdRng, habit: ColumnPattern, value: impl FnOnce(u32) -> T) -> Option<T> {
    match habit {
        ColumnPattern::Null => None,
        ColumnPattern::Alike => Some(value(7)),
        ColumnPattern::Each => Some(value(random.random_range(1..1_000_000))),
        ColumnPattern::EachOrNull => random
            .random_bool(0.5)
            .then(|| value(random.random_range(1..1_000_000))),
    }
}

async fn bulk_inserted_rows_round_trip(database: Database) {
    let db = &database.connection;
    complete_base::insert_complete_base(db).await;
    let (initiative_id, funder_id): (Uuid, Uuid) = funding_term::Entity::find()
        .select_only()
        .columns([funding_term::Column::InitiativeId, funding_term::Column::FunderId])
        .into_tuple()
        .one(db)
        .await
        .unwrap()
        .unwrap();
    let moment = DateTime::<Utc>::from_timestamp(1_780_000_000, 123_456_000).unwrap();
    // Uses one row, and enough rows to fill statements of every size. 60 seeds cover most combinations of
    // patterns.
    for seed in 0..60 {
        let random = &mut StdRng::seed_from_u64(seed);
        let count = [1, 2, 9, 33, 128, 129, 600][usize::try_from(seed % 7).unwrap()];
        let mut habit = || {
            [
                ColumnPattern::Null,
                ColumnPattern::Alike,
                ColumnPattern::Each,
                ColumnPattern::EachOrNull,
            ][random.random_range(0..4)]
        };
        let habits: [ColumnPattern; 8] = std::array::from_fn(|_| habit());
        let [text, money, day, months, code, yes, document, instant] = habits;
        let rows: Vec<funding_term::Model> = (1..=count)
            .map(|number| funding_term::Model {
                id: SystemClock.new_id(),
                initiative_id,
                position: 1_000 + number,
                funder_id,
                grant_identifier: None,
                grant_digest: None,
                programme: draw_value(random, text, |number| {
                    format!("Größe \"{number}\", \\ {{NULL}} '")
                }),
                currency: None,
                amount_minor: draw_value(random, money, |number| i64::from(number) << 30),
                awarded_on: draw_value(random, day, |number| {
                    (moment - TimeDelta::days(i64::from(number % 20_000))).date_naive()
                }),
                starts_on: None,
                ends_on: None,
                duration_months: draw_value(random, months, |number| i32::try_from(number).unwrap()),
                intended_focus: None,
                upfront_research: draw_value(random, yes, |number| number % 2 == 0),
                upfront_research_months: None,
                collaboration_resourced: None,
                restriction: draw_value(random, code, |number| match number % 2 {
                    0 => Restriction::Restricted,
                    _ => Restriction::Unrestricted,
                }),
                reporting_frequency: None,
                reporting_basis: None,
                delivery_timeline: None,
                renewable: None,
                multi_site: None,
                missing: draw_value(
                    random,
                    document,
                    |number| json!({"endsOn": [number, null, "\u{2028}\""]}),
                ),
                created_at: moment,
                updated_at: draw_value(random, instant, |number| {
                    moment + TimeDelta::microseconds(number.into())
                })
                .unwrap_or(moment),
            })
            .collect();
        insert_all(
            db,
            rows.clone().into_iter().map(IntoActiveModel::into_active_model),
        )
        .await
        .unwrap_or_else(|failed| panic!("seed {seed}: {failed}"));
        let added = funding_term::Column::Position.gte(1_000);
        let kept = funding_term::Entity::find()
            .filter(added)
            .order_by_asc(funding_term::Column::Position)
            .all(db)
            .await
            .unwrap();
        assert_eq!(kept, rows, "seed {seed}");
        funding_term::Entity::delete_many()
            .filter(funding_term::Column::Position.gte(1_000))
            .exec(db)
            .await
            .unwrap();
    }
}

/// The query plan if the database avoids full table scans wherever it can.
async fn explain_query(database: &Database, query: Statement) -> String {
    let transaction = database.connection.begin().await.unwrap();
    let (explain, column) = match database.kind {
        Kind::Sqlite => ("EXPLAIN QUERY PLAN", "detail"),
        Kind::Postgres => {
            transaction
                .execute_unprepared("SET LOCAL enable_seqscan = off")
                .await
                .unwrap();
            ("EXPLAIN", "QUERY PLAN")
        }
    };
    let explained = Statement {
        sql: format!("{explain} {}", query.sql),
        ..query
    };
    let lines = transaction.query_all_raw(explained).await.unwrap();
    let lines: Vec<String> = lines
        .iter()
        .map(|line| line.try_get("", column).unwrap())
        .collect();
    lines.join("\n")
}

async fn bulk_lookups_use_an_index(database: Database) {
    let db = &database.connection;
    let backend = db.get_database_backend();
    complete_base::insert_complete_base(db).await;
    let one = initiative::Entity::find().one(db).await.unwrap().unwrap();
    let of_one_organisation = (0..3_000).map(|number| initiative::Model {
        id: SystemClock.new_id(),
        external_ref: Some(format!("Nr. {number}")),
        ..one.clone()
    });
    insert_all(db, of_one_organisation.map(IntoActiveModel::into_active_model))
        .await
        .unwrap();
    analyze_tables(db).await.unwrap();

    let texts = || (0..20).map(|number| format!("Nr. {number}"));
    let titles = source::Entity::find().filter(is_in(db, source::Column::Title.into_expr(), texts()));
    let none = is_in_any(db, initiative::Column::Id.into_expr(), [] as [Uuid; 0]);
    let referred = is_in(db, initiative::Column::ExternalRef.into_expr(), texts());
    let led = initiative::Column::LeadOrganisationId.eq(one.lead_organisation_id);
    let records = initiative::Entity::find().filter(Condition::any().add(led.and(referred)).add_option(none));
    for (query, table, column) in [
        (titles.build(backend), "source", "title"),
        (records.build(backend), "initiative", "external_ref"),
    ] {
        let plan = explain_query(&database, query).await;
        let is_found = match database.kind {
            // SEARCH initiative USING INDEX … (lead_organisation_id=? AND external_ref=?)
            Kind::Sqlite => plan.contains("SEARCH") && plan.contains(&format!("{column}=?")),
            Kind::Postgres => plan
                .lines()
                .any(|line| line.contains("Index Cond") && line.contains(column)),
        };
        assert!(is_found, "{column} of {table}:\n{plan}");
    }
}

//! Creates the parts of initiatives: entry points, challenges, conditions and funding terms.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer_null, boolean_null, date_null, integer_null, text_null, uuid};

use crate::table::{
    NamedIndex, cascade_reference, code_column, create_indexes, create_tables, drop_tables, join_table,
    named_check, nullable_code_column, positive_integer_column, restrict_reference, table_with_id,
    unique_index,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(
            manager,
            [
                entry_point_taken(),
                challenge_faced(),
                challenge_reason(),
                condition_changed(),
                funding_term(),
            ],
        )
        .await?;
        create_indexes(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &[
                "funding_term",
                "condition_changed",
                "challenge_reason",
                "challenge_faced",
                "entry_point_taken",
            ],
        )
        .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const INDEXES: [NamedIndex; 6] = [
    (
        "entry_point_taken_by_way_in",
        "entry_point_taken",
        &["perspective", "position", "entry_point", "initiative_id"],
    ),
    (
        "challenge_faced_by_step",
        "challenge_faced",
        &["challenge", "step", "initiative_id"],
    ),
    (
        "condition_changed_by_change",
        "condition_changed",
        &["condition", "change", "initiative_id"],
    ),
    (
        "funding_term_by_funder",
        "funding_term",
        &["funder_id", "initiative_id"],
    ),
    (
        "funding_term_by_duration",
        "funding_term",
        &["duration_months", "initiative_id"],
    ),
    (
        "funding_term_by_start",
        "funding_term",
        &["starts_on", "initiative_id"],
    ),
];

/// The perspectives.
const PERSPECTIVES: [&str; 4] = ["PRACTITIONER", "FUNDER", "NATIONAL_CHARITY", "COMMUNITY"];

/// The entry points.
const ENTRY_POINTS: [&str; 4] = [
    "COLLABORATION",
    "COMPLEXITY",
    "ROOT_CAUSES",
    "SINGLE_ORGANISATION",
];

fn entry_point_taken() -> TableCreateStatement {
    table_with_id("entry_point_taken")
        .col(uuid("initiative_id"))
        .col(positive_integer_column("position"))
        .col(code_column("entry_point", &ENTRY_POINTS))
        .col(code_column("perspective", &PERSPECTIVES))
        .col(date_null("taken_on"))
        .col(text_null("motivation"))
        .index(&mut unique_index(&["initiative_id", "perspective", "position"]))
        .foreign_key(&mut cascade_reference("initiative_id", "initiative"))
        .take()
}

fn challenge_faced() -> TableCreateStatement {
    table_with_id("challenge_faced")
        .col(uuid("initiative_id"))
        .col(code_column(
            "challenge",
            &[
                "UNDERSTANDING_LOCAL_SYSTEM",
                "DEFINING_AMBITIONS",
                "FOSTERING_CONDITIONS",
            ],
        ))
        .col(nullable_code_column("step", &["TAKEN", "RUSHED", "SKIPPED"]))
        .col(text_null("note"))
        .col(date_null("noticed_on"))
        .col(nullable_code_column("perspective", &PERSPECTIVES))
        .index(&mut unique_index(&["initiative_id", "challenge"]))
        .foreign_key(&mut cascade_reference("initiative_id", "initiative"))
        .take()
}

fn challenge_reason() -> TableCreateStatement {
    join_table("challenge_reason", &["challenge_faced_id", "reason"])
        .col(uuid("challenge_faced_id"))
        .col(code_column(
            "reason",
            &[
                "SHORT_FUNDING",
                "NO_UPFRONT_RESOURCE",
                "COLLABORATION_EXPECTED",
                "SILOED_INCENTIVES",
                "REPORTING_REQUIREMENTS",
                "STAFF_CAPACITY",
                "CRISIS_RESPONSE",
                "OTHER",
            ],
        ))
        .foreign_key(&mut cascade_reference("challenge_faced_id", "challenge_faced"))
        .take()
}

fn condition_changed() -> TableCreateStatement {
    table_with_id("condition_changed")
        .col(uuid("initiative_id"))
        .col(code_column(
            "condition",
            &[
                "GOVERNANCE",
                "DELIVERY_TIMELINE",
                "REPORTING_REQUIREMENTS",
                "INCENTIVES",
                "RELATIONAL_SPACE",
            ],
        ))
        .col(nullable_code_column(
            "change",
            &["ALTERED", "PARTLY", "UNCHANGED"],
        ))
        .index(&mut unique_index(&["initiative_id", "condition"]))
        .foreign_key(&mut cascade_reference("initiative_id", "initiative"))
        .take()
}

fn funding_term() -> TableCreateStatement {
    table_with_id("funding_term")
        .col(uuid("initiative_id"))
        .col(positive_integer_column("position"))
        .col(uuid("funder_id"))
        .col(text_null("grant_identifier").unique_key())
        .col(text_null("grant_digest"))
        .col(text_null("programme"))
        .col(text_null("currency").check(Expr::cust("length(currency) = 3 AND currency = upper(currency)")))
        .col(big_integer_null("amount_minor").check(Expr::col("amount_minor").gte(0)))
        .col(date_null("awarded_on"))
        .col(date_null("starts_on"))
        .col(date_null("ends_on"))
        .col(integer_null("duration_months").check(Expr::col("duration_months").gte(1)))
        .col(nullable_code_column("intended_focus", &ENTRY_POINTS))
        .col(boolean_null("upfront_research"))
        .col(integer_null("upfront_research_months").check(Expr::col("upfront_research_months").gte(0)))
        .col(boolean_null("collaboration_resourced"))
        .col(nullable_code_column(
            "restriction",
            &["UNRESTRICTED", "RESTRICTED"],
        ))
        .col(nullable_code_column(
            "reporting_frequency",
            &[
                "MONTHLY",
                "QUARTERLY",
                "TWICE_YEARLY",
                "YEARLY",
                "END_ONLY",
                "NONE",
            ],
        ))
        .col(nullable_code_column(
            "reporting_basis",
            &["ADAPTABLE", "FIXED_TARGETS"],
        ))
        .col(nullable_code_column("delivery_timeline", &["ADAPTABLE", "FIXED"]))
        .col(boolean_null("renewable"))
        .index(&mut unique_index(&["initiative_id", "position"]))
        .foreign_key(&mut cascade_reference("initiative_id", "initiative"))
        .foreign_key(&mut restrict_reference("funder_id", "organisation"))
        .check(named_check(
            "funding_term_ends_after_its_start",
            "ends_on >= starts_on",
        ))
        .take()
}

//! Creates meetings, reflections and claims.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    date, json_binary, json_binary_null, text, text_null, text_uniq, uuid, uuid_null,
};

use crate::table::{
    NamedIndex, cascade_reference, code_column, create_indexes, create_tables, drop_tables,
    nullable_code_column, positive_integer_column, restrict_reference, table_with_id, unique_index,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager, [meeting(), reflection(), claim()]).await?;
        create_indexes(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["claim", "reflection", "meeting"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const INDEXES: [NamedIndex; 4] = [
    ("meeting_by_day", "meeting", &["held_on", "id"]),
    ("reflection_by_place", "reflection", &["place_id"]),
    ("claim_by_position", "claim", &["position", "id"]),
    ("claim_by_reflection", "claim", &["reflection_id"]),
];

const DIMENSIONS: &[&str] = &[
    "PLACE",
    "REGION",
    "PLACE_KIND",
    "LEAD_ORGANISATION",
    "FUNDER",
    "WAY_IN",
    "WAY_IN_OF_FUNDER",
    "CHALLENGE_UNDERSTANDING",
    "CHALLENGE_AMBITIONS",
    "CHALLENGE_CONDITIONS",
    "FUNDING_DURATION_BAND",
    "FUNDING_RESEARCH",
    "REPORTING_BASIS",
    "INTENDED_FOCUS",
    "YEAR_STARTED",
];

fn meeting() -> TableCreateStatement {
    table_with_id("meeting")
        .col(text_uniq("title"))
        .col(text_null("theme"))
        .col(date("held_on"))
        .col(text_null("registration_url"))
        .take()
}

fn reflection() -> TableCreateStatement {
    table_with_id("reflection")
        .col(uuid("meeting_id"))
        .col(positive_integer_column("position"))
        .col(code_column(
            "perspective",
            &["PRACTITIONER", "FUNDER", "NATIONAL_CHARITY", "COMMUNITY"],
        ))
        .col(nullable_code_column(
            "entry_point",
            &[
                "COLLABORATION",
                "COMPLEXITY",
                "ROOT_CAUSES",
                "SINGLE_ORGANISATION",
            ],
        ))
        .col(nullable_code_column(
            "challenge",
            &[
                "UNDERSTANDING_LOCAL_SYSTEM",
                "DEFINING_AMBITIONS",
                "FOSTERING_CONDITIONS",
            ],
        ))
        .col(uuid_null("place_id"))
        .col(text("text"))
        .index(&mut unique_index(&["meeting_id", "position"]))
        .foreign_key(&mut cascade_reference("meeting_id", "meeting"))
        .foreign_key(&mut restrict_reference("place_id", "place"))
        .take()
}

fn claim() -> TableCreateStatement {
    table_with_id("claim")
        .col(text_uniq("slug"))
        .col(text("statement"))
        .col(positive_integer_column("position"))
        .col(uuid_null("reflection_id"))
        .col(json_binary("pattern_when"))
        .col(json_binary("pattern_then"))
        .col(json_binary_null("pattern_among"))
        .col(nullable_code_column("pattern_by", DIMENSIONS))
        .foreign_key(&mut restrict_reference("reflection_id", "reflection"))
        .take()
}

//! The migrations of the database, oldest first.
//!
//! A released migration is never changed; a later one follows it. So migrations do not use the entities, which change, and
//! spell out their vocabularies. Every migration runs in one transaction on both databases.

use sea_orm_migration::prelude::*;

mod m20261123_000001_create_places;
mod m20261123_000002_create_organisations;
mod m20261123_000003_create_sources;
mod m20261123_000004_create_initiatives;
mod m20261123_000005_create_initiative_parts;
mod m20261123_000006_create_meetings;
mod m20261123_000007_create_words;
mod m20261123_000008_create_crises;
mod m20261123_000009_create_submissions;
mod m20261123_000010_create_base;
mod m20261123_000011_review_submissions;
mod m20261125_000012_create_imports;
mod m20261125_000013_missing_answers_and_expiry;
mod m20261125_000014_keep_revisions;
mod m20261125_000015_follow_submissions;
mod m20261126_000016_count_attempts;
mod m20261126_000017_create_issued_tokens;
mod m20261126_000018_find_sources;
mod m20261129_000019_note_imports;
mod m20261129_000020_respell_names;
mod m20261129_000025_create_small_areas;
mod m20261129_000026_create_grant_details;
mod m20261129_000027_add_reason_for_competition;
mod m20261129_000028_add_multi_site;
mod m20261129_000029_rename_fields_of_documents;
mod m20261129_000030_rename_tables_columns_and_codes;
mod m20261129_000031_store_imports_of_the_command_line;
mod m20261130_000032_drop_indexes_of_lists;
mod m20261130_000033_create_disclosure_classes;
mod m20261130_000034_create_question_counts;
mod m20261130_000035_add_dimensions;
mod m20261130_000036_create_notices;
mod m20261130_000037_add_versions_to_changes;
mod m20261130_000038_create_export_links;
mod m20261201_000039_create_browser_sessions;
mod m20261201_000040_create_saved_questions;
mod m20261201_000041_create_sign_in_attempts;
mod table;
pub mod vocabulary;

/// Migrates a database from any version to any other.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261123_000001_create_places::Migration),
            Box::new(m20261123_000002_create_organisations::Migration),
            Box::new(m20261123_000003_create_sources::Migration),
            Box::new(m20261123_000004_create_initiatives::Migration),
            Box::new(m20261123_000005_create_initiative_parts::Migration),
            Box::new(m20261123_000006_create_meetings::Migration),
            Box::new(m20261123_000007_create_words::Migration),
            Box::new(m20261123_000008_create_crises::Migration),
            Box::new(m20261123_000009_create_submissions::Migration),
            Box::new(m20261123_000010_create_base::Migration),
            Box::new(m20261123_000011_review_submissions::Migration),
            Box::new(m20261125_000012_create_imports::Migration),
            Box::new(m20261125_000013_missing_answers_and_expiry::Migration),
            Box::new(m20261125_000014_keep_revisions::Migration),
            Box::new(m20261125_000015_follow_submissions::Migration),
            Box::new(m20261126_000016_count_attempts::Migration),
            Box::new(m20261126_000017_create_issued_tokens::Migration),
            Box::new(m20261126_000018_find_sources::Migration),
            Box::new(m20261129_000019_note_imports::Migration),
            Box::new(m20261129_000020_respell_names::Migration),
            Box::new(m20261129_000025_create_small_areas::Migration),
            Box::new(m20261129_000026_create_grant_details::Migration),
            Box::new(m20261129_000027_add_reason_for_competition::Migration),
            Box::new(m20261129_000028_add_multi_site::Migration),
            Box::new(m20261129_000029_rename_fields_of_documents::Migration),
            Box::new(m20261129_000030_rename_tables_columns_and_codes::Migration),
            Box::new(m20261129_000031_store_imports_of_the_command_line::Migration),
            Box::new(m20261130_000032_drop_indexes_of_lists::Migration),
            Box::new(m20261130_000033_create_disclosure_classes::Migration),
            Box::new(m20261130_000034_create_question_counts::Migration),
            Box::new(m20261130_000035_add_dimensions::Migration),
            Box::new(m20261130_000036_create_notices::Migration),
            Box::new(m20261130_000037_add_versions_to_changes::Migration),
            Box::new(m20261130_000038_create_export_links::Migration),
            Box::new(m20261201_000039_create_browser_sessions::Migration),
            Box::new(m20261201_000040_create_saved_questions::Migration),
            Box::new(m20261201_000041_create_sign_in_attempts::Migration),
        ]
    }
}

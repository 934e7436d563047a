//! Creates the sessions of browsers, the links that begin them, and the invitations of new members.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    text, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid, uuid_null,
};

use crate::table::{
    NamedIndex, cascade_reference, code_column, create_indexes, create_tables, drop_tables, named_check,
    restrict_reference, table_with_id, unique_index,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager, [browser_session(), sign_in_link(), invitation()]).await?;
        create_indexes(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["invitation", "sign_in_link", "browser_session"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const INDEXES: [NamedIndex; 6] = [
    ("browser_session_by_member", "browser_session", &["member_id"]),
    ("browser_session_by_expiry", "browser_session", &["expires_at"]),
    ("sign_in_link_by_member", "sign_in_link", &["member_id"]),
    ("sign_in_link_by_expiry", "sign_in_link", &["expires_at"]),
    ("invitation_by_time", "invitation", &["created_at", "id"]),
    ("invitation_by_member", "invitation", &["member_id"]),
];

fn browser_session() -> TableCreateStatement {
    table_with_id("browser_session")
        .col(uuid("member_id"))
        .col(text("secret_digest"))
        .col(timestamp_with_time_zone("last_used_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .foreign_key(&mut cascade_reference("member_id", "member"))
        .index(&mut unique_index(&["secret_digest"]))
        .check(named_check(
            "browser_session_digest",
            r#"length("secret_digest") = 64"#,
        ))
        .take()
}

fn sign_in_link() -> TableCreateStatement {
    table_with_id("sign_in_link")
        .col(uuid("member_id"))
        .col(text("code_digest"))
        .col(uuid_null("created_by"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("used_at"))
        .foreign_key(&mut cascade_reference("member_id", "member"))
        .foreign_key(&mut restrict_reference("created_by", "member"))
        .index(&mut unique_index(&["code_digest"]))
        .check(named_check(
            "sign_in_link_digest",
            r#"length("code_digest") = 64"#,
        ))
        .take()
}

fn invitation() -> TableCreateStatement {
    table_with_id("invitation")
        .col(text("name"))
        .col(code_column(
            "role",
            &["FUNDER", "PARTNER", "DASHBOARD", "STEWARD"],
        ))
        .col(uuid_null("organisation_id"))
        .col(text("code_digest"))
        .col(uuid_null("created_by"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("accepted_at"))
        .col(uuid_null("member_id"))
        .col(timestamp_with_time_zone_null("revoked_at"))
        .foreign_key(&mut restrict_reference("organisation_id", "organisation"))
        .foreign_key(&mut restrict_reference("created_by", "member"))
        .foreign_key(&mut restrict_reference("member_id", "member"))
        .index(&mut unique_index(&["code_digest"]))
        .check(named_check("invitation_digest", r#"length("code_digest") = 64"#))
        .check(named_check(
            "invitation_acts_for_an_organisation",
            "role NOT IN ('FUNDER', 'PARTNER') OR organisation_id IS NOT NULL",
        ))
        .check(named_check(
            "invitation_accepted",
            r#"("accepted_at" IS NULL) = ("member_id" IS NULL)"#,
        ))
        .check(named_check(
            "invitation_ended_once",
            r#""accepted_at" IS NULL OR "revoked_at" IS NULL"#,
        ))
        .take()
}

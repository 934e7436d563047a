//! Checks the row of the instance and the small tables.

use chrono::TimeDelta;
use futures_util::TryStreamExt as _;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, Statement,
};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::{
    browser_session, claim, export_link, idempotency_key, instance_settings, invitation, issued_token,
    organisation, place, sign_in_attempt, sign_in_link, term,
};

use super::{IntegrityChecker, Invariant};
use crate::auth::issued_token::MAX_VALID_DAYS;
use crate::auth::oidc::attempt::ATTEMPT_LIFETIME;
use crate::auth::session::SESSION_LIFETIME;
use crate::auth::session::invitation::MAX_INVITATION_DAYS;
use crate::auth::session::sign_in_link::DEMONSTRATION_LINK_LIFETIME;
use crate::error::Result;
use crate::export_link::LIFETIME;
use crate::graphql::input;
use crate::initiative::filter_input::InitiativeFilter;
use crate::instance::DisclosureKeys;
use crate::normalise_database::{find_conflicts, is_normalised};
use crate::vocabulary::term::fold_term;
use wayin_records::normalisation::fold_name;

/// Returns the disclosure keys with the secret of the instance. None if there is no secret.
pub(super) async fn check_instance(
    db: &impl ConnectionTrait,
    checking: &mut IntegrityChecker<'_>,
) -> Result<Option<DisclosureKeys>> {
    let rows = instance_settings::Entity::find().all(db).await?;
    match rows.as_slice() {
        [one] if one.id == 1 && one.disclosure_secret.len() == 32 => {
            Ok(Some(DisclosureKeys::load(db).await?))
        }
        [one] if one.id == 1 => {
            let sentence = format!(
                "The secret of the instance has {} bytes instead of 32.",
                one.disclosure_secret.len()
            );
            checking.report(Invariant::Instance, sentence);
            Ok(None)
        }
        _ => {
            let sentence = format!(
                "The table of the instance has {} rows instead of one.",
                rows.len()
            );
            checking.report(Invariant::Instance, sentence);
            Ok(None)
        }
    }
}

pub(super) async fn check_reference_data(
    db: &DatabaseTransaction,
    checking: &mut IntegrityChecker<'_>,
) -> Result<()> {
    check_folded_names(db, checking).await?;
    check_idempotency_keys(db, checking).await?;
    check_audit_events(db, checking).await?;
    check_tokens(db, checking).await?;
    check_links(db, checking).await?;
    check_sessions(db, checking).await?;
    check_invitations(db, checking).await?;
    check_claims(db, checking).await
}

async fn check_folded_names(db: &DatabaseTransaction, checking: &mut IntegrityChecker<'_>) -> Result<()> {
    let mut unlike = |what: &str, id: Uuid| {
        let sentence = format!("{what} {id} has a lower-case name that does not match its name.");
        checking.report(Invariant::Names, sentence);
    };
    let (mut places, mut organisations) = (0, 0);
    let mut rows = place::Entity::find().stream(db).await?;
    while let Some(row) = rows.try_next().await? {
        places += 1;
        if row.name_folded != fold_name(&row.name) {
            unlike("Place", row.id);
        }
    }
    drop(rows);
    let mut misspelt = Vec::new();
    let mut rows = organisation::Entity::find().stream(db).await?;
    while let Some(row) = rows.try_next().await? {
        organisations += 1;
        if !is_normalised(&row) {
            misspelt.push(row);
        }
    }
    drop(rows);
    let mut to_merge = Vec::new();
    for row in misspelt {
        let clashes = find_conflicts(db, &row).await?;
        if clashes.is_empty() {
            unlike("Organisation", row.id);
        }
        to_merge.extend(clashes);
    }
    for row in term::Entity::find().all(db).await? {
        let are_words = row
            .synonyms
            .as_array()
            .is_some_and(|words| words.iter().all(Value::is_string));
        if !are_words || row.name_folded != fold_term(&row.name, &row.synonyms) {
            unlike("Word", row.id);
        }
    }
    for clash in to_merge {
        checking.report(Invariant::Names, format!("To be merged: {clash}"));
    }
    checking.summary.places = places;
    checking.summary.organisations = organisations;
    Ok(())
}

/// Checks that every idempotency key has a stored result. A key belongs to one member.
async fn check_idempotency_keys(db: &DatabaseTransaction, checking: &mut IntegrityChecker<'_>) -> Result<()> {
    let mut rows = idempotency_key::Entity::find()
        .select_only()
        .columns([idempotency_key::Column::MemberId, idempotency_key::Column::Key])
        .filter(idempotency_key::Column::Answer.is_null())
        .into_tuple::<(Uuid, String)>()
        .stream(db)
        .await?;
    while let Some((member, key)) = rows.try_next().await? {
        let sentence = format!("The mutation of member {member} with the key {key:?} has no result.");
        checking.report(Invariant::IdempotencyKeys, sentence);
    }
    drop(rows);
    let ask = Statement::from_string(
        db.get_database_backend(),
        r#"SELECT "member_id", "key" FROM "idempotency_key" WHERE length("input_digest") <> 64"#,
    );
    for IdempotencyKeyRow { member_id, key } in IdempotencyKeyRow::find_by_statement(ask).all(db).await? {
        let sentence =
            format!("The mutation of member {member_id} with the key {key:?} cannot be recognised.");
        checking.report(Invariant::IdempotencyKeys, sentence);
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct IdempotencyKeyRow {
    member_id: Uuid,
    key: String,
}

#[derive(FromQueryResult)]
struct UnknownActorRow {
    id: Uuid,
    member_id: Uuid,
}

async fn check_audit_events(db: &DatabaseTransaction, checking: &mut IntegrityChecker<'_>) -> Result<()> {
    let ask = Statement::from_string(
        db.get_database_backend(),
        r#"SELECT "a"."id", "a"."member_id" FROM "audit_event" AS "a" WHERE "a"."member_id" IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM "member" AS "m" WHERE "m"."id" = "a"."member_id") ORDER BY "a"."id""#,
    );
    let mut rows = UnknownActorRow::find_by_statement(ask).stream(db).await?;
    while let Some(UnknownActorRow { id, member_id }) = rows.try_next().await? {
        let sentence =
            format!("Event {id} of the audit trail names the member {member_id}, who does not exist.");
        checking.report(Invariant::Audit, sentence);
    }
    Ok(())
}

/// Checks the lifetime of issued tokens, and who revoked them.
async fn check_tokens(db: &DatabaseTransaction, checking: &mut IntegrityChecker<'_>) -> Result<()> {
    let mut rows = issued_token::Entity::find()
        .order_by_asc(issued_token::Column::Id)
        .stream(db)
        .await?;
    while let Some(row) = rows.try_next().await? {
        let good_for = row.expires_at - row.created_at;
        if good_for <= TimeDelta::zero() || good_for > TimeDelta::days(MAX_VALID_DAYS) {
            let sentence = format!(
                "Token {} is valid for {} days instead of 1 to {MAX_VALID_DAYS}.",
                row.id,
                good_for.num_days()
            );
            checking.report(Invariant::Tokens, sentence);
        }
        let ends = [("last used", row.last_used_at), ("revoked", row.revoked_at)];
        for (what, at) in ends {
            // `issued_at` is in whole seconds, and the clocks of servers differ a little.
            if at.is_some_and(|at| at < row.created_at - TimeDelta::minutes(5)) {
                let sentence = format!("Token {} was {what} before it was issued.", row.id);
                checking.report(Invariant::Tokens, sentence);
            }
        }
    }
    Ok(())
}

/// Checks the lifetime of links.
async fn check_links(db: &DatabaseTransaction, checking: &mut IntegrityChecker<'_>) -> Result<()> {
    let mut rows = export_link::Entity::find()
        .order_by_asc(export_link::Column::Id)
        .stream(db)
        .await?;
    while let Some(row) = rows.try_next().await? {
        let good_for = row.expires_at - row.created_at;
        if good_for <= TimeDelta::zero() || good_for > LIFETIME {
            let sentence = format!(
                "Link {} is valid for {} minutes instead of at most {}.",
                row.id,
                good_for.num_minutes(),
                LIFETIME.num_minutes()
            );
            checking.report(Invariant::Tokens, sentence);
        }
    }
    Ok(())
}

/// Checks the lifetime of sessions and of the links that begin them.
async fn check_sessions(db: &DatabaseTransaction, checking: &mut IntegrityChecker<'_>) -> Result<()> {
    let mut check = |what: &str, id: Uuid, good_for: TimeDelta, most: TimeDelta| {
        if good_for <= TimeDelta::zero() || good_for > most {
            let sentence = format!(
                "{what} {id} is valid for {} minutes instead of at most {}.",
                good_for.num_minutes(),
                most.num_minutes()
            );
            checking.report(Invariant::Tokens, sentence);
        }
    };
    let mut rows = browser_session::Entity::find()
        .order_by_asc(browser_session::Column::Id)
        .stream(db)
        .await?;
    while let Some(row) = rows.try_next().await? {
        check(
            "Session",
            row.id,
            row.expires_at - row.created_at,
            SESSION_LIFETIME,
        );
    }
    drop(rows);
    let mut rows = sign_in_link::Entity::find()
        .order_by_asc(sign_in_link::Column::Id)
        .stream(db)
        .await?;
    while let Some(row) = rows.try_next().await? {
        let good_for = row.expires_at - row.created_at;
        check("Sign-in link", row.id, good_for, DEMONSTRATION_LINK_LIFETIME);
    }
    drop(rows);
    let mut rows = sign_in_attempt::Entity::find()
        .order_by_asc(sign_in_attempt::Column::Id)
        .stream(db)
        .await?;
    while let Some(row) = rows.try_next().await? {
        let good_for = row.expires_at - row.created_at;
        check("Sign-in attempt", row.id, good_for, ATTEMPT_LIFETIME);
    }
    Ok(())
}

/// Checks the lifetime of invitations.
async fn check_invitations(db: &DatabaseTransaction, checking: &mut IntegrityChecker<'_>) -> Result<()> {
    let mut rows = invitation::Entity::find()
        .order_by_asc(invitation::Column::Id)
        .stream(db)
        .await?;
    while let Some(row) = rows.try_next().await? {
        let good_for = row.expires_at - row.created_at;
        if good_for <= TimeDelta::zero() || good_for > TimeDelta::days(MAX_INVITATION_DAYS) {
            let sentence = format!(
                "Invitation {} is valid for {} days instead of 1 to {MAX_INVITATION_DAYS}.",
                row.id,
                good_for.num_days()
            );
            checking.report(Invariant::Tokens, sentence);
        }
    }
    Ok(())
}

async fn check_claims(db: &impl ConnectionTrait, checking: &mut IntegrityChecker<'_>) -> Result<()> {
    for row in claim::Entity::find().all(db).await? {
        let parts = [
            ("when", Some(row.pattern_when)),
            ("then", Some(row.pattern_then)),
            ("among", row.pattern_among),
        ];
        for (name, stored) in parts {
            let Some(stored) = stored else {
                continue;
            };
            if let Err(reason) = input::parse_input::<InitiativeFilter>(name, stored) {
                let sentence = format!("Claim {} has a pattern that cannot be run: {reason}.", row.id);
                checking.report(Invariant::Claims, sentence);
            }
        }
    }
    Ok(())
}

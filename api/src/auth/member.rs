//! Members: adding, listing and revoking them, and finding the one that a token names.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
};
use uuid::Uuid;
use wayin_entity::{Role, member, organisation};

use super::requester::{Member, Requester};
use super::token::{Subject, Trouble, Verifier};
use crate::change::{self, Act};
use crate::error::{Error, Result};

/// Who sends a request, by its `Authorization` header.
pub async fn requester(
    db: &impl ConnectionTrait,
    verifier: &Verifier,
    authorization: Option<&str>,
) -> Result<Requester> {
    let Some(authorization) = authorization else {
        return Ok(Requester::Anonymous(Trouble::Missing));
    };
    let Some(token) = bearer(authorization) else {
        return Ok(Requester::Anonymous(Trouble::NotBearer));
    };
    let subject = match verifier.verify(token) {
        Ok(subject) => subject,
        Err(trouble) => return Ok(Requester::Anonymous(trouble)),
    };
    Ok(match named(db, &subject).await? {
        None => Requester::Anonymous(Trouble::NoMember),
        Some(member) if member.revoked_at.is_some() => Requester::Anonymous(Trouble::Revoked),
        Some(member) => Requester::Member(Member {
            id: member.id,
            subject: member.subject,
            role: member.role,
            organisation: member.organisation_id,
        }),
    })
}

/// The token of an `Authorization` header.
pub fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The member of an issuer and subject, revoked or not.
pub async fn named(db: &impl ConnectionTrait, subject: &Subject) -> Result<Option<member::Model>> {
    Ok(member::Entity::find()
        .filter(member::Column::Issuer.eq(&subject.issuer))
        .filter(member::Column::Subject.eq(&subject.subject))
        .one(db)
        .await?)
}

/// Adds a member, or gives one that is there another role and organisation; one who was revoked may act again.
pub async fn add(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    subject: Subject,
    role: Role,
    organisation: Option<Uuid>,
) -> Result<member::Model> {
    if organisation.is_none() && matches!(role, Role::Funder | Role::Partner) {
        return Err(Error::bad_input(
            "organisation",
            format!("a {} acts for an organisation", role.code()),
        ));
    }
    let before = named(db, &subject).await?;
    let row = member::Model {
        id: before
            .as_ref()
            .map_or_else(|| act.clock.new_id(), |before| before.id),
        issuer: subject.issuer,
        subject: subject.subject,
        organisation_id: organisation,
        role,
        revoked_at: None,
        created_at: before
            .as_ref()
            .map_or_else(|| act.now(), |before| before.created_at),
        updated_at: act.now(),
    };
    let model = row.into_active_model();
    let member = if before.is_some() {
        model.reset_all().update(db).await?
    } else {
        model.insert(db).await?
    };
    change::tell(db).await?;
    Ok(member)
}

/// Every member with the organisation that they act for, in the order they were added.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<(member::Model, Option<organisation::Model>)>> {
    Ok(member::Entity::find()
        .find_also_related(organisation::Entity)
        .order_by_asc(member::Column::CreatedAt)
        .order_by_asc(member::Column::Id)
        .all(db)
        .await?)
}

/// Revokes a member, at once; answers none where there is no such member.
pub async fn revoke(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    subject: &Subject,
) -> Result<Option<member::Model>> {
    let Some(member) = named(db, subject).await? else {
        return Ok(None);
    };
    let revoked_at = member.revoked_at.or_else(|| Some(act.now()));
    let member = member::Model {
        revoked_at,
        updated_at: act.now(),
        ..member
    };
    let member = member.into_active_model().reset_all().update(db).await?;
    change::tell(db).await?;
    Ok(Some(member))
}

//! Members: saving, listing and revoking them, and finding the member that a token identifies.

mod cache;
pub mod graphql;
pub mod names;

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, EntityTrait, FromQueryResult, JoinType, QueryFilter,
    QueryOrder, QuerySelect, RelationDef,
    sea_query::{Expr, ExprTrait as _, IntoCondition as _},
};
use uuid::Uuid;
use wayin_entity::{Capability, ReferenceKind, Role, issued_token, member, organisation};

pub use self::cache::MemberCache;
use super::issued_token::last_use;
use super::jwt::{TokenSubject, TokenVerifier, VerifiedToken};
use super::requester::{AuthenticatedMember, Requester};
use super::session;
use crate::change_log::{self, ActionContext};
use crate::error::{Error, Result, TokenError};
use crate::idempotency::Rejection;
use crate::paging::{Paged, SortOrder};
use crate::reference_data::{self, CurrentDocument, SaveTarget, SavedChange, document};
use wayin_records::problem::{ProblemCode, Problems};

/// Authenticates a request by its `Authorization` header.
///
/// # Errors
/// [`Error::Unavailable`] if the database or the keys cannot be read.
pub async fn authenticate(
    db: &DatabaseConnection,
    verifier: &TokenVerifier,
    authorization: Option<&str>,
) -> Result<Requester> {
    let verified = match verify_authorization(verifier, authorization).await {
        Ok(verified) => verified,
        Err(reason) => return Ok(Requester::Anonymous(reason)),
    };
    let row = load_member_and_token(db, &verified).await?;
    Ok(requester_from_row(db, verifier, row))
}

/// Verifies the token of an `Authorization` header.
async fn verify_authorization(
    verifier: &TokenVerifier,
    authorization: Option<&str>,
) -> std::result::Result<VerifiedToken, TokenError> {
    let authorization = authorization.ok_or(TokenError::Missing)?;
    let token = parse_bearer(authorization).ok_or(TokenError::NotBearer)?;
    verifier.verify(token).await
}

/// The requester, from the row of the member. Records that the token was used.
fn requester_from_row(
    db: &DatabaseConnection,
    verifier: &TokenVerifier,
    row: Option<MemberTokenRow>,
) -> Requester {
    let Some(row) = row else {
        return Requester::Anonymous(TokenError::UnknownMember);
    };
    if row.revoked_at.is_some() {
        return Requester::Anonymous(TokenError::MemberRevoked);
    }
    if row.token_revoked_at.is_some() {
        return Requester::Anonymous(TokenError::TokenRevoked);
    }
    if let Some(token) = row.token_id {
        last_use::record_use(db, &verifier.uses, token, row.token_used_at);
    }
    Requester::Member(AuthenticatedMember {
        id: row.id,
        subject: row.subject,
        role: row.role,
        organisation: row.organisation_id,
        token: row.token_id,
    })
}

/// A member with the token of the request, if it is a listed token.
#[derive(Clone, FromQueryResult)]
struct MemberTokenRow {
    id: Uuid,
    subject: String,
    role: Role,
    organisation_id: Option<Uuid>,
    revoked_at: Option<DateTime<Utc>>,
    token_id: Option<Uuid>,
    token_revoked_at: Option<DateTime<Utc>>,
    token_used_at: Option<DateTime<Utc>>,
}

/// Loads the member and the listed token in one statement. A token of this service's own issuer that is not
/// listed is accepted: anyone with the key could sign one without a `jti`. A listed token stays listed.
async fn load_member_and_token(
    db: &impl ConnectionTrait,
    verified: &VerifiedToken,
) -> Result<Option<MemberTokenRow>> {
    // No token is listed with the nil UUID.
    let token = verified.token.unwrap_or_default();
    let its_own: RelationDef = issued_token::Entity::belongs_to(member::Entity)
        .from(issued_token::Column::MemberId)
        .to(member::Column::Id)
        .on_condition(move |issued, _| {
            Expr::col((issued, issued_token::Column::Id))
                .eq(token)
                .into_condition()
        })
        .into();
    let row = member::Entity::find()
        .select_only()
        .columns([
            member::Column::Id,
            member::Column::Subject,
            member::Column::Role,
            member::Column::OrganisationId,
            member::Column::RevokedAt,
        ])
        .column_as(issued_token::Column::Id, "token_id")
        .column_as(issued_token::Column::RevokedAt, "token_revoked_at")
        .column_as(issued_token::Column::LastUsedAt, "token_used_at")
        .join_rev(JoinType::LeftJoin, its_own)
        .filter(member::Column::Issuer.eq(&verified.subject.issuer))
        .filter(member::Column::Subject.eq(&verified.subject.subject))
        .into_model::<MemberTokenRow>()
        .one(db)
        .await;
    row.map_err(|cause| Error::Unavailable {
        message: "you cannot be authenticated at present; try again shortly",
        cause: format!("{cause:?}"),
    })
}

pub fn parse_bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Finds a member by issuer and subject, revoked or not.
pub async fn find_by_subject(
    db: &impl ConnectionTrait,
    subject: &TokenSubject,
) -> Result<Option<member::Model>> {
    Ok(member::Entity::find()
        .filter(member::Column::Issuer.eq(&subject.issuer))
        .filter(member::Column::Subject.eq(&subject.subject))
        .one(db)
        .await?)
}

/// Finds a member by id, revoked or not.
pub async fn find_by_id(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<member::Model>> {
    Ok(member::Entity::find_by_id(id).one(db).await?)
}

/// Finds a member as a requester, who uses the listed token `token_id` or one that is not listed. None if the member or the
/// token is revoked, or if the listed token has expired.
pub async fn find_active_member(
    db: &impl ConnectionTrait,
    id: Uuid,
    token_id: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<Option<AuthenticatedMember>> {
    let member = find_by_id(db, id).await?;
    let Some(member) = member.filter(|member| member.revoked_at.is_none()) else {
        return Ok(None);
    };
    if let Some(token) = token_id {
        let token = super::issued_token::find_by_id(db, token).await?;
        if token.is_none_or(|token| token.revoked_at.is_some() || token.expires_at <= now) {
            return Ok(None);
        }
    }
    Ok(Some(AuthenticatedMember {
        id: member.id,
        subject: member.subject,
        role: member.role,
        organisation: member.organisation_id,
        token: token_id,
    }))
}

/// Adds a member, or changes the role and organisation of one. A revoked member becomes active again.
pub async fn add_or_update_member(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    subject: TokenSubject,
    role: Role,
    organisation: Option<Uuid>,
) -> Result<member::Model> {
    if organisation.is_none() && role.can(Capability::ActForOrganisation) {
        return Err(Error::bad_input(
            "organisation",
            format!("a {} acts for an organisation", role.code()),
        ));
    }
    let before = find_by_subject(db, &subject).await?;
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
    write_member(db, act, before.as_ref(), row).await
}

async fn write_member(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    before: Option<&member::Model>,
    row: member::Model,
) -> Result<member::Model> {
    reference_data::upsert_row(db, before.is_some(), row.clone()).await?;
    let save = SavedChange {
        subject: ReferenceKind::Member,
        id: row.id,
        before: before
            .map(|before| CurrentDocument::new(document::member_document(before), before.updated_at)),
        after: document::member_document(&row),
    };
    reference_data::write_revisions(db, act, vec![save]).await?;
    change_log::notify_listeners(db).await?;
    Ok(row)
}

#[derive(Clone, Debug)]
pub struct MemberDraft {
    /// Identifies the member. If there is none, one is added.
    pub subject: TokenSubject,
    pub version: Option<i32>,
    pub role: Role,
    pub organisation: Option<Uuid>,
}

/// Adds or changes a member like [`add_or_update_member`], after validation.
pub async fn save_member(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    draft: MemberDraft,
) -> Result<Result<member::Model, Rejection>> {
    let mut found = Problems::default();
    found.check_required("issuer", &draft.subject.issuer, LONGEST_NAME);
    found.check_required("subject", &draft.subject.subject, LONGEST_NAME);
    if !found.errors.is_empty() {
        return Ok(Err(found.errors.into()));
    }
    let stewards = lock_active_stewards(db).await?;
    let before = find_by_subject(db, &draft.subject).await?;
    match draft.organisation {
        None if draft.role.can(Capability::ActForOrganisation) => {
            let reason = format!("is required for a {}", draft.role.code());
            found.add_error(ProblemCode::Required, "organisation", reason);
        }
        Some(id) if organisation::Entity::find_by_id(id).one(db).await?.is_none() => {
            found.add_error(
                ProblemCode::NotFound,
                "organisation",
                "there is no such organisation",
            );
        }
        _ => {}
    }
    if !draft.role.can(Capability::ManageMembers)
        && before
            .as_ref()
            .is_some_and(|one| is_last_steward(&stewards, one.id))
    {
        found.add_error(ProblemCode::NotAllowed, "role", LAST_STEWARD_REASON);
    }
    let target = SaveTarget {
        id: before.as_ref().map(|before| before.id),
        version: draft.version,
    };
    let current = before.as_ref().map(document::member_document);
    if let Some(refusal) =
        reference_data::find_save_error(db, target, current.as_ref(), "member", found).await?
    {
        return Ok(Err(refusal));
    }
    Ok(Ok(add_or_update_member(
        db,
        act,
        draft.subject,
        draft.role,
        draft.organisation,
    )
    .await?))
}

const LONGEST_NAME: usize = 500;

const LAST_STEWARD_REASON: &str = "is the last steward; give another member this role first";

/// Loads the active stewards and locks their rows until the transaction ends.
async fn lock_active_stewards(db: &impl ConnectionTrait) -> Result<Vec<Uuid>> {
    let found = member::Entity::find()
        .filter(member::Column::Role.is_in(Role::with_capability(Capability::ManageMembers)))
        .filter(member::Column::RevokedAt.is_null())
        .order_by_asc(member::Column::Id)
        .lock_exclusive()
        .all(db)
        .await?;
    Ok(found.into_iter().map(|one| one.id).collect())
}

fn is_last_steward(stewards: &[Uuid], id: Uuid) -> bool {
    stewards == [id]
}

/// Revokes a member by id. Other processes notice it within a second.
pub async fn revoke_by_id(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    target: SaveTarget,
) -> Result<Result<member::Model, Rejection>> {
    let stewards = lock_active_stewards(db).await?;
    let before = match target.id {
        Some(id) => member::Entity::find_by_id(id).lock_exclusive().one(db).await?,
        None => None,
    };
    let mut found = Problems::default();
    if let Some(before) = &before {
        if before.revoked_at.is_some() {
            found.add_error(ProblemCode::WrongState, "id", "is revoked already");
        }
        if is_last_steward(&stewards, before.id) {
            found.add_error(ProblemCode::NotAllowed, "id", LAST_STEWARD_REASON);
        }
    }
    let current = before.as_ref().map(document::member_document);
    if let Some(refusal) =
        reference_data::find_save_error(db, target, current.as_ref(), "member", found).await?
    {
        return Ok(Err(refusal));
    }
    let Some(before) = before else {
        return Err(Error::Internal("a member that was found does not exist".into()));
    };
    Ok(Ok(write_revocation(db, act, before).await?))
}

async fn write_revocation(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    before: member::Model,
) -> Result<member::Model> {
    let row = member::Model {
        revoked_at: before.revoked_at.or_else(|| Some(act.now())),
        updated_at: act.now(),
        ..before.clone()
    };
    // A member who becomes active again signs in again.
    session::end_sessions_of_member(db, act.clock, row.id).await?;
    write_member(db, act, Some(&before), row).await
}

/// Lists all members with their organisations, in the order in which they were added.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<(member::Model, Option<organisation::Model>)>> {
    Ok(member::Entity::find()
        .find_also_related(organisation::Entity)
        .order_by_asc(member::Column::CreatedAt)
        .order_by_asc(member::Column::Id)
        .all(db)
        .await?)
}

/// Revokes a member. Other processes notice it within a second. Returns none if there is no such member.
pub async fn revoke(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    subject: &TokenSubject,
) -> Result<Option<member::Model>> {
    let Some(member) = find_by_subject(db, subject).await? else {
        return Ok(None);
    };
    Ok(Some(write_revocation(db, act, member).await?))
}

impl Paged for member::Entity {
    type Order = ();
    const ID: Self::Column = member::Column::Id;

    fn sort((): ()) -> SortOrder<Self::Column> {
        SortOrder {
            tag: "added",
            column: member::Column::CreatedAt,
            descending: false,
        }
    }
}

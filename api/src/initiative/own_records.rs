//! The published records that a member may withdraw, or narrow who may read them, without review.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;
use wayin_entity::{Capability, initiative};

use crate::auth::requester::AuthenticatedMember;
use crate::error::Result;
use wayin_records::problem::{Problem, ProblemCode};

/// Finds a published record that the member's organisation leads and sent in, or any published record for stewards.
/// Locks its row until the transaction ends. Returns a problem at `id` if there is none. A record of another
/// organisation is not found, as if it did not exist.
pub async fn find_own_record(
    db: &impl ConnectionTrait,
    member: &AuthenticatedMember,
    id: Uuid,
) -> Result<Result<initiative::Model, Problem>> {
    let acts_for_all = member.role.can(Capability::ActForAnyOrganisation);
    let mut select = initiative::Entity::find_by_id(id).filter(initiative::Column::WithdrawnAt.is_null());
    if !acts_for_all {
        select = select.filter(initiative::Column::LeadOrganisationId.eq(member.organisation));
    }
    let Some(row) = select.lock_exclusive().one(db).await? else {
        let reason = if acts_for_all {
            "there is no such published record"
        } else {
            "your organisation has no such published record"
        };
        return Ok(Err(Problem::new(ProblemCode::NotFound, "id", reason)));
    };
    // The next import of the funder's grants would publish it again.
    if row.made_from_grant && !acts_for_all {
        let reason = "was made from a grant that its funder published, not from what you sent; ask a steward";
        return Ok(Err(Problem::new(ProblemCode::NotAllowed, "id", reason)));
    }
    Ok(Ok(row))
}

/// Whether a member may still see the result of a change that they made: their organisation leads the record, which
/// may be withdrawn since.
pub async fn acts_for_record(
    db: &impl ConnectionTrait,
    member: &AuthenticatedMember,
    id: Uuid,
) -> Result<bool> {
    if member.role.can(Capability::ActForAnyOrganisation) {
        return Ok(true);
    }
    let found = initiative::Entity::find_by_id(id).one(db).await?;
    Ok(found.is_some_and(|row| member.organisation == Some(row.lead_organisation_id)))
}

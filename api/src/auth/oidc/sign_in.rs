//! Signs in whom an issuer has identified, or makes them the member that an invitation names.

use uuid::Uuid;

use crate::auth::jwt::TokenSubject;
use crate::auth::member;
use crate::auth::session::CreatedSession;
use crate::auth::session::begin::begin_session;
use crate::auth::session::invitation::{AcceptingIdentity, accept_invitation_by_id};
use crate::database;
use crate::error::Result;
use crate::idempotency::MutationContext;

/// What became of a sign-in.
pub enum OidcOutcome {
    /// The member is signed in.
    SignedIn(CreatedSession),
    /// The person was a member before, and is signed in as that member. The invitation can still be accepted.
    AlreadyMember(CreatedSession),
    /// There is no such member, and no invitation.
    NotMember,
    /// The member is revoked, and there is no invitation.
    Revoked,
    /// The invitation cannot be accepted any more.
    InvitationEnded,
}

/// Signs in the member with a subject, and ends `earlier`, the session that the browser had. Somebody who is no member accepts
/// `invitation`. A member who is active keeps the role, so that nobody loses it by opening an invitation.
pub async fn sign_in_subject(
    context: MutationContext<'_>,
    subject: TokenSubject,
    invitation: Option<Uuid>,
    earlier: Option<Uuid>,
) -> Result<OidcOutcome> {
    let found = member::find_by_subject(context.db, &subject).await?;
    if let Some(active) = found.as_ref().filter(|member| member.revoked_at.is_none()) {
        let transaction = database::begin_write(context.db).await?;
        let reason = "signed in with an issuer";
        let created = begin_session(&transaction, context.clock, active.id, earlier, reason).await?;
        database::commit(transaction).await?;
        return Ok(match invitation {
            Some(_) => OidcOutcome::AlreadyMember(created),
            None => OidcOutcome::SignedIn(created),
        });
    }
    let Some(invitation) = invitation else {
        return Ok(match found {
            Some(_) => OidcOutcome::Revoked,
            None => OidcOutcome::NotMember,
        });
    };
    let identity = AcceptingIdentity::Subject(subject);
    let accepted = accept_invitation_by_id(context, invitation, identity, earlier).await?;
    Ok(accepted.map_or(OidcOutcome::InvitationEnded, OidcOutcome::SignedIn))
}

//! Objects that can be requested by their global id.

use async_graphql::Interface;

use crate::audit::graphql::AuditEvent;
use crate::auth::issued_token::graphql::IssuedToken;
use crate::auth::member::graphql::Member;
use crate::auth::session::graphql::Invitation;
use crate::claim::graphql::Claim;
use crate::crisis::graphql::Crisis;
use crate::import::graphql::Import;
use crate::initiative::graphql::{FundingTerm, Initiative, Organisation, Place, Source};
use crate::meeting::graphql::{Meeting, Reflection};
use crate::notice::graphql::Notice;
use crate::saved_question::graphql::SavedQuestion;
use crate::submission::graphql::Submission;
use crate::vocabulary::graphql::Term;

/// An object with a global ID.
#[derive(Interface, Clone)]
#[graphql(field(
    name = "id",
    ty = "async_graphql::ID",
    desc = "The global ID. It is opaque and never changes."
))]
pub enum Node {
    /// A place.
    Place(Place),
    /// An organisation.
    Organisation(Organisation),
    /// An initiative.
    Initiative(Initiative),
    /// A funding term.
    FundingTerm(FundingTerm),
    /// A source.
    Source(Source),
    /// A crisis.
    Crisis(Crisis),
    /// A meeting.
    Meeting(Meeting),
    /// A reflection.
    Reflection(Reflection),
    /// A claim.
    Claim(Claim),
    /// A term.
    Term(Term),
    /// A submission.
    Submission(Submission),
    /// An import.
    Import(Import),
    /// A member; to stewards alone.
    Member(Member),
    /// A token that was issued here; to stewards alone.
    IssuedToken(IssuedToken),
    /// An event of the audit trail; to stewards alone.
    AuditEvent(AuditEvent),
    /// A notice of what a partner did without review; to stewards alone.
    Notice(Notice),
    /// An invitation to become a member; to stewards alone.
    Invitation(Invitation),
    /// A question that you saved.
    SavedQuestion(SavedQuestion),
}

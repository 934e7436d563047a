//! What stewards do: review what partners sent in, and look after members, invitations and tokens.

pub mod data;
pub mod decisions;
pub mod import;
pub mod invitations;
pub mod issue_token;
pub mod member;
pub mod members;
pub mod notices;
pub mod organisations;
pub mod paging;
pub mod places;
pub mod queue;
pub mod reviewed;
pub mod secret;
pub mod sign_in_link;
pub mod submission;
pub mod tokens;
pub mod wording;

use axum::Router;
use axum::routing::get;

use super::operation::OperationCheck;
use super::service::PageService;

/// The operations of these pages, for the test that checks them against the schema.
pub const OPERATIONS: &[OperationCheck] = &[
    OperationCheck::of::<queue::ReviewQueueOperation>(),
    OperationCheck::of::<places::ReviewPlaceNamesOperation>(),
    OperationCheck::of::<notices::NoticedRecordOperation>(),
    OperationCheck::of::<notices::AcknowledgeNoticeOperation>(),
    OperationCheck::of::<organisations::FindOrganisationsOperation>(),
    OperationCheck::of::<reviewed::ReviewedSubmissionOperation>(),
    OperationCheck::of::<submission::ReviewSubmissionOperation>(),
    OperationCheck::of::<decisions::PublishReviewedOperation>(),
    OperationCheck::of::<decisions::RequestReviewedChangesOperation>(),
    OperationCheck::of::<decisions::DiscardReviewedOperation>(),
    OperationCheck::of::<import::ReviewImportOperation>(),
    OperationCheck::of::<members::ReviewMembersOperation>(),
    OperationCheck::of::<invitations::InviteToReviewOperation>(),
    OperationCheck::of::<invitations::RevokeReviewedInvitationOperation>(),
    OperationCheck::of::<member::ReviewMemberOperation>(),
    OperationCheck::of::<member::ChangeReviewedMemberOperation>(),
    OperationCheck::of::<member::RevokeReviewedMemberOperation>(),
    OperationCheck::of::<sign_in_link::CreateReviewedSignInLinkOperation>(),
    OperationCheck::of::<issue_token::IssueReviewedTokenOperation>(),
    OperationCheck::of::<tokens::ReviewTokensOperation>(),
    OperationCheck::of::<tokens::RevokeReviewedTokenOperation>(),
];

pub fn router() -> Router<PageService> {
    Router::new()
        .route("/review", get(queue::show_queue))
        .merge(notices::router())
        .merge(decisions::router())
        .merge(import::router())
        .merge(members::router())
        .merge(invitations::router())
        .merge(member::router())
        .merge(sign_in_link::router())
        .merge(issue_token::router())
        .merge(tokens::router())
}

//! Why a request is not that of a member.

/// Why a request has no member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// No token was sent.
    #[error("this needs a token: send it as `Authorization: Bearer <token>`")]
    Missing,
    /// The header is not `Bearer <token>`.
    #[error("the Authorization header is not `Bearer <token>`")]
    NotBearer,
    /// The token is not one that this service accepts.
    #[error("the token is not one that this service accepts")]
    NotAccepted,
    /// The token is past its `exp`.
    #[error("the token has expired; ask for a new one")]
    Expired,
    /// The token's `nbf` lies ahead.
    #[error("the token is not good yet")]
    NotYetValid,
    /// The token's `iss` is not one that this service trusts.
    #[error("the token's issuer is not one that this service trusts")]
    UnknownIssuer,
    /// The token's `aud` names another service.
    #[error("the token is good, but it is meant for another service")]
    WrongAudience,
    /// The token has no `iss`, no `sub`, no `exp` or no `aud`.
    #[error(
        "the token does not say who issued it, whom it names, until when it is good, or for whom it is meant"
    )]
    Incomplete,
    /// Something that the token says is of another type than it has to be.
    #[error("the token's `{0}` is not {1}")]
    WrongClaimType(&'static str, &'static str),
    /// The keys of the token's issuer could not be read since the service was started.
    #[error("the keys of the token's issuer cannot be read at present; try again shortly")]
    KeysUnavailable,
    /// The token was revoked.
    #[error("the token was revoked")]
    TokenRevoked,
    /// Nobody is a member under the token's issuer and subject.
    #[error("the token is good, but its subject is no member here")]
    UnknownMember,
    /// The member was revoked.
    #[error("the token is good, but its member was revoked")]
    MemberRevoked,
    /// The member's role or organisation is another than when they connected.
    #[error("your permissions have changed; connect again")]
    MemberChanged,
}

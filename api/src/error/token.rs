//! Errors of tokens.

/// Why a request has no member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The request has no token.
    #[error("this requires a token: send it as `Authorization: Bearer <token>`")]
    Missing,
    /// The header is not `Bearer <token>`.
    #[error("the Authorization header is not `Bearer <token>`")]
    NotBearer,
    /// The service does not accept the token.
    #[error("this service does not accept the token")]
    NotAccepted,
    /// `exp` is in the past.
    #[error("the token has expired; ask for a new one")]
    Expired,
    /// `nbf` is in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iss` is not a trusted issuer.
    #[error("this service does not trust the token's issuer")]
    UnknownIssuer,
    /// `aud` names another service.
    #[error("the token is for another service")]
    WrongAudience,
    /// `iss`, `sub`, `exp` or `aud` is missing.
    #[error("the token has no `iss`, `sub`, `exp` or `aud`")]
    Incomplete,
    /// A claim has the wrong type.
    #[error("the token's `{0}` is not {1}")]
    WrongClaimType(&'static str, &'static str),
    /// The keys of the issuer have not been read since the service started.
    #[error("the keys of the token's issuer cannot be read at present; try again shortly")]
    KeysUnavailable,
    #[error("the token was revoked")]
    TokenRevoked,
    /// No member has this issuer and subject.
    #[error("the token's subject is not a member")]
    UnknownMember,
    #[error("the token's member was revoked")]
    MemberRevoked,
    /// The member's role or organisation has changed since the client connected.
    #[error("your permissions have changed; connect again")]
    MemberChanged,
}

//! Authentication and authorisation: a [token](jwt) identifies the [member], the member's row has the role,
//! the [permission] policy lists the fields of a role, and [visibility] selects the records.
//!
//! A token is valid if one of the trusted [issuers](issuer) signed it with one of their [keys] and its
//! [claims](jwt::token_claims) are valid. The keys can be in a [JWKS document](jwks), which is read at a regular
//! interval. A token that [this service issued](issued_token) is listed and can be revoked.
//!
//! The pages know a member by the [session] of the browser. The API never does. A session begins with a link, or when an
//! issuer of [OpenID Connect](oidc) has identified the member.

pub mod graphql;
pub mod issued_token;
pub mod issuer;
pub mod issuer_url;
pub mod jwks;
pub mod jwt;
pub mod keys;
pub mod member;
pub mod oidc;
pub mod permission;
pub mod requester;
pub mod session;
pub mod visibility;

//! Who asks, and what they may do: a [token](jwt) proves who, the [member]'s row says which role, the [permission] policy
//! which fields, [visibility] which records.
//!
//! A token is valid if one of the trusted [issuers](issuer) signed it with one of their [keys], which may be listed in a
//! [document](jwks) that is read again and again, and if its [claims](jwt::claims) are valid. A token that is
//! [issued here](issued_token) is listed, and can be revoked.

pub mod graphql;
pub mod issued_token;
pub mod issuer;
pub mod jwks;
pub mod jwt;
pub mod keys;
pub mod member;
pub mod permission;
pub mod requester;
pub mod visibility;

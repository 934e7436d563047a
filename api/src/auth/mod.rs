//! Who is asking, and what they may do: a [token] proves who, the member's row
//! says what, the [permission] table which fields, [visibility] which records.
//!
//! A token is good where one of the trusted [issuers](issuer) signed it with one of their
//! [keys], which may be [listed in a document](jwks) that is followed, and where what it
//! [says](claims) is. Those that are [issued] here are listed, and can be revoked.

pub mod claims;
pub mod graphql;
pub mod issued;
pub mod issuer;
pub mod jwks;
pub mod keys;
pub mod member;
pub mod members;
pub mod permission;
pub mod requester;
pub mod token;
pub mod token_use;
pub mod tokens;
pub mod visibility;

//! Who is asking, and what they may do: a [token] proves who, the member's row
//! says what, the [permission] table which fields, [visibility] which records.

pub mod graphql;
pub mod member;
pub mod members;
pub mod permission;
pub mod requester;
pub mod token;
pub mod visibility;

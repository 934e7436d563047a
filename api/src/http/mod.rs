//! What every route has in common.

pub mod error_response;
pub mod requester;
pub mod response;
pub mod security_headers;

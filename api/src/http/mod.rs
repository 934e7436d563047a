//! What all routes share.

pub mod error_response;
pub mod request_span;
pub mod requester;
pub mod response;
pub mod security_headers;
pub mod static_file;

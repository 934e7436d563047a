//! Entity tags (RFC 9110, 8.8.3), with which clients check whether their copy is current.

use axum::http::{HeaderMap, HeaderValue, header::IF_NONE_MATCH};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// The tag of a body. It is weak, as the body may be compressed later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    pub fn from_body(body: &[u8]) -> Self {
        let digest = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(body));
        Self(format!("W/\"{digest}\""))
    }

    pub fn to_header(&self) -> HeaderValue {
        // Base64 and the quotation marks are valid in a header.
        HeaderValue::from_str(&self.0).unwrap_or(HeaderValue::from_static("W/\"\""))
    }

    /// Whether the client already has this version.
    pub fn matches_request(&self, request: &HeaderMap) -> bool {
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        let own = opaque(&self.0);
        request
            .get_all(IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|tag| tag.trim() == "*" || opaque(tag) == own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_none_match_is_compared_with_the_tag() {
        let tag = ETag::from_body(b"a");
        let other = ETag::from_body(b"b");
        assert_ne!(tag, other);
        let strong = tag.0.trim_start_matches("W/").to_owned();
        for (header, matches) in [
            (tag.0.clone(), true),
            (strong, true),
            ("*".to_owned(), true),
            (format!("{}, {}", other.0, tag.0), true),
            (other.0.clone(), false),
            (String::new(), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, HeaderValue::from_str(&header).unwrap());
            assert_eq!(tag.matches_request(&headers), matches, "{header}");
        }
        assert!(!tag.matches_request(&HeaderMap::new()));
        assert_eq!(tag.to_header(), tag.0.as_str());
    }
}

//! Automatic persisted queries: a client sends the SHA-256 hash of a document, and the document itself only where it is
//! not known here yet. Sent by GET, such requests are short.
//!
//! Documents are kept as they were sent, so that each is measured, parsed and validated as any other is, in a cache that
//! is bounded in number and bytes. Only what was found right and paid for is kept: whoever would push the documents of
//! others out has to spend their budget on it.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::{Request, Value};
use lru::LruCache;
use sha2::{Digest, Sha256};

/// The most documents that are known.
const MAX_DOCUMENTS: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();
/// The most bytes of all of them.
const MAX_TOTAL_BYTES: usize = 16 * 1024 * 1024;
/// The extension of a request that has the hash.
pub const EXTENSION_NAME: &str = "persistedQuery";

/// What a request says of its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PersistedQueryRequest {
    /// It sends one to be kept under a hash, which is its own.
    Register(String),
    /// It sends a hash that is not known.
    Unknown,
    /// What it says makes no sense.
    Malformed(&'static str),
}

/// The documents that are known by their hash.
pub struct PersistedQueries(Mutex<DocumentCache>);

struct DocumentCache {
    documents: LruCache<String, Arc<str>>,
    bytes: usize,
}

impl Default for PersistedQueries {
    fn default() -> Self {
        Self(Mutex::new(DocumentCache {
            documents: LruCache::new(MAX_DOCUMENTS),
            bytes: 0,
        }))
    }
}

impl PersistedQueries {
    /// Gives a request the document that it names, and takes note of one that is to be kept, or is not known.
    pub fn resolve(&self, request: &mut Request) {
        if let Some(sent) = self.look_up_document(request) {
            request.data.insert(sent);
        }
    }

    fn look_up_document(&self, request: &mut Request) -> Option<PersistedQueryRequest> {
        let said = request.extensions.remove(EXTENSION_NAME)?;
        Some(match parse_hash(&said) {
            Err(reason) => PersistedQueryRequest::Malformed(reason),
            Ok(hash) if request.query.is_empty() => {
                let Some(document) = self.find(&hash) else {
                    return Some(PersistedQueryRequest::Unknown);
                };
                request.query = document.to_string();
                return None;
            }
            Ok(hash) if hash == compute_hash(&request.query) => PersistedQueryRequest::Register(hash),
            Ok(_) => PersistedQueryRequest::Malformed("the sha256Hash is not that of the query"),
        })
    }

    fn find(&self, hash: &str) -> Option<Arc<str>> {
        self.lock_cache().documents.get(hash).map(Arc::clone)
    }

    /// Keeps a document under its hash.
    pub fn store(&self, hash: String, document: &str) {
        let mut kept = self.lock_cache();
        kept.bytes += document.len();
        if let Some((_, gone)) = kept.documents.push(hash, document.into()) {
            kept.bytes = kept.bytes.saturating_sub(gone.len());
        }
        while kept.bytes > MAX_TOTAL_BYTES {
            let Some((_, gone)) = kept.documents.pop_lru() else {
                return;
            };
            kept.bytes = kept.bytes.saturating_sub(gone.len());
        }
    }

    fn lock_cache(&self) -> MutexGuard<'_, DocumentCache> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hash that a request says.
fn parse_hash(said: &Value) -> Result<String, &'static str> {
    let Value::Object(said) = said else {
        return Err("persistedQuery is not an object");
    };
    let version = match said.get("version") {
        Some(Value::Number(version)) => version.as_u64(),
        _ => None,
    };
    if version != Some(1) {
        return Err("the version of persistedQuery is not 1");
    }
    match said.get("sha256Hash") {
        Some(Value::String(hash))
            if hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            Ok(hash.to_ascii_lowercase())
        }
        _ => Err("the sha256Hash of persistedQuery is not 64 hexadecimal digits"),
    }
}

fn compute_hash(document: &str) -> String {
    hex::encode(Sha256::digest(document.as_bytes()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DOCUMENT: &str = "{ __typename }";
    const HASH: &str = "7f56e67dd21ab3f30d1ff8b7bed08893f0a0db86449836189b361dd1e56ddb4b";

    fn new_request(query: &str, said: serde_json::Value) -> Request {
        let mut request = Request::new(query);
        let said = Value::from_json(said).unwrap();
        request.extensions.insert(EXTENSION_NAME.into(), said);
        request
    }

    fn request_by_hash(query: &str, hash: &str) -> Request {
        new_request(query, json!({"version": 1, "sha256Hash": hash}))
    }

    fn resolve_request(
        persisted: &PersistedQueries,
        mut request: Request,
    ) -> (String, Option<PersistedQueryRequest>) {
        let sent = persisted.look_up_document(&mut request);
        (request.query, sent)
    }

    #[test]
    fn known_document_is_found_by_hash() {
        let persisted = PersistedQueries::default();
        assert_eq!(
            resolve_request(&persisted, request_by_hash("", HASH)),
            (String::new(), Some(PersistedQueryRequest::Unknown))
        );
        assert_eq!(
            resolve_request(&persisted, request_by_hash(DOCUMENT, &HASH.to_uppercase())),
            (
                DOCUMENT.into(),
                Some(PersistedQueryRequest::Register(HASH.into()))
            )
        );
        assert_eq!(
            resolve_request(&persisted, request_by_hash("", HASH)).1,
            Some(PersistedQueryRequest::Unknown),
            "it is not kept yet"
        );
        persisted.store(HASH.into(), DOCUMENT);
        assert_eq!(
            resolve_request(&persisted, request_by_hash("", HASH)),
            (DOCUMENT.into(), None)
        );
        for malformed in [
            json!(1),
            json!({}),
            json!({"version": 2, "sha256Hash": HASH}),
            json!({"version": 1, "sha256Hash": "abc"}),
            json!({"version": 1, "sha256Hash": HASH.replace('e', "g")}),
        ] {
            let (_, sent) = resolve_request(&persisted, new_request(DOCUMENT, malformed.clone()));
            assert!(
                matches!(sent, Some(PersistedQueryRequest::Malformed(_))),
                "{malformed}"
            );
        }
        let (_, other) = resolve_request(&persisted, request_by_hash("{ viewer { id } }", HASH));
        assert!(matches!(other, Some(PersistedQueryRequest::Malformed(_))));
    }

    #[test]
    fn cache_size_is_limited() {
        let persisted = PersistedQueries::default();
        let long = "x".repeat(64 * 1024);
        for at in 0..2_000 {
            persisted.store(format!("{at}"), &long);
            // The same again takes no more room.
            persisted.store(format!("{at}"), &long);
        }
        let kept = persisted.lock_cache();
        assert_eq!(kept.bytes, MAX_TOTAL_BYTES);
        assert_eq!(kept.documents.len(), MAX_TOTAL_BYTES / long.len());
        drop(kept);
        for at in 0..2_000 {
            persisted.store(format!("{at}"), "short");
        }
        let kept = persisted.lock_cache();
        assert_eq!((kept.documents.len(), kept.bytes), (1_000, 5_000));
    }
}

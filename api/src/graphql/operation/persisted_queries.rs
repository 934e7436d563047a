//! Automatic persisted queries: a client sends the SHA-256 hash of a document, and the document itself only
//! if the server does not know it yet. This keeps GET requests short.
//!
//! Documents are stored as they were sent, so each is measured, parsed and validated like any other. The
//! cache is limited in number and bytes. Only documents that are valid and paid for are stored, so a client
//! must spend its own points to displace the documents of others.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::{Request, Value};
use lru::LruCache;
use sha2::{Digest, Sha256};

/// The maximum number of stored documents.
const MAX_DOCUMENTS: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();
/// The maximum size of all stored documents together, in bytes.
const MAX_TOTAL_BYTES: usize = 16 * 1024 * 1024;
/// The request extension that contains the hash.
pub const EXTENSION_NAME: &str = "persistedQuery";

/// How a request refers to its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PersistedQueryRequest {
    /// The request has a document and its hash, to store the document under.
    Register(String),
    /// The request has a hash that is not known.
    Unknown,
    /// The extension is not valid.
    Malformed(&'static str),
}

/// The stored documents by their hash.
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
    /// Adds the stored document to a request that has only a hash. Marks the request if its document should
    /// be stored, or if the hash is unknown or malformed.
    pub fn resolve(&self, request: &mut Request) {
        if let Some(sent) = self.look_up_document(request) {
            request.data.insert(sent);
        }
    }

    fn look_up_document(&self, request: &mut Request) -> Option<PersistedQueryRequest> {
        let extension = request.extensions.remove(EXTENSION_NAME)?;
        Some(match parse_hash(&extension) {
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

    /// Stores a document under its hash.
    pub fn store(&self, hash: String, document: &str) {
        let mut cache = self.lock_cache();
        cache.bytes += document.len();
        if let Some((_, gone)) = cache.documents.push(hash, document.into()) {
            cache.bytes = cache.bytes.saturating_sub(gone.len());
        }
        while cache.bytes > MAX_TOTAL_BYTES {
            let Some((_, gone)) = cache.documents.pop_lru() else {
                return;
            };
            cache.bytes = cache.bytes.saturating_sub(gone.len());
        }
    }

    fn lock_cache(&self) -> MutexGuard<'_, DocumentCache> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Parses the hash from the extension.
fn parse_hash(extension: &Value) -> Result<String, &'static str> {
    let Value::Object(fields) = extension else {
        return Err("persistedQuery is not an object");
    };
    let version = match fields.get("version") {
        Some(Value::Number(version)) => version.as_u64(),
        _ => None,
    };
    if version != Some(1) {
        return Err("the version of persistedQuery is not 1");
    }
    match fields.get("sha256Hash") {
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
            // Storing the same document again takes no more space.
            persisted.store(format!("{at}"), &long);
        }
        let cache = persisted.lock_cache();
        assert_eq!(cache.bytes, MAX_TOTAL_BYTES);
        assert_eq!(cache.documents.len(), MAX_TOTAL_BYTES / long.len());
        drop(cache);
        for at in 0..2_000 {
            persisted.store(format!("{at}"), "short");
        }
        let cache = persisted.lock_cache();
        assert_eq!((cache.documents.len(), cache.bytes), (1_000, 5_000));
    }
}

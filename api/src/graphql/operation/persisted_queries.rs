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
const MOST_DOCUMENTS: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();
/// The most bytes of all of them.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// The extension of a request that has the hash.
pub const EXTENSION: &str = "persistedQuery";

/// What a request says of its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It sends one to be kept under a hash, which is its own.
    ToBeKept(String),
    /// It sends a hash that is not known.
    Unknown,
    /// What it says makes no sense.
    Malformed(&'static str),
}

/// The documents that are known by their hash.
pub struct Persisted(Mutex<Kept>);

struct Kept {
    documents: LruCache<String, Arc<str>>,
    bytes: usize,
}

impl Default for Persisted {
    fn default() -> Self {
        Self(Mutex::new(Kept {
            documents: LruCache::new(MOST_DOCUMENTS),
            bytes: 0,
        }))
    }
}

impl Persisted {
    /// Gives a request the document that it names, and takes note of one that is to be kept, or is not known.
    pub fn resolve(&self, request: &mut Request) {
        if let Some(sent) = self.look_up(request) {
            request.data.insert(sent);
        }
    }

    fn look_up(&self, request: &mut Request) -> Option<Sent> {
        let said = request.extensions.remove(EXTENSION)?;
        Some(match hash(&said) {
            Err(reason) => Sent::Malformed(reason),
            Ok(hash) if request.query.is_empty() => {
                let Some(document) = self.find(&hash) else {
                    return Some(Sent::Unknown);
                };
                request.query = document.to_string();
                return None;
            }
            Ok(hash) if hash == hash_of(&request.query) => Sent::ToBeKept(hash),
            Ok(_) => Sent::Malformed("the sha256Hash is not that of the query"),
        })
    }

    fn find(&self, hash: &str) -> Option<Arc<str>> {
        self.kept().documents.get(hash).map(Arc::clone)
    }

    /// Keeps a document under its hash.
    pub fn keep(&self, hash: String, document: &str) {
        let mut kept = self.kept();
        kept.bytes += document.len();
        if let Some((_, gone)) = kept.documents.push(hash, document.into()) {
            kept.bytes = kept.bytes.saturating_sub(gone.len());
        }
        while kept.bytes > MOST_BYTES {
            let Some((_, gone)) = kept.documents.pop_lru() else {
                return;
            };
            kept.bytes = kept.bytes.saturating_sub(gone.len());
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hash that a request says.
fn hash(said: &Value) -> Result<String, &'static str> {
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

fn hash_of(document: &str) -> String {
    hex::encode(Sha256::digest(document.as_bytes()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DOCUMENT: &str = "{ __typename }";
    const HASH: &str = "7f56e67dd21ab3f30d1ff8b7bed08893f0a0db86449836189b361dd1e56ddb4b";

    fn request(query: &str, said: serde_json::Value) -> Request {
        let mut request = Request::new(query);
        let said = Value::from_json(said).unwrap();
        request.extensions.insert(EXTENSION.into(), said);
        request
    }

    fn named(query: &str, hash: &str) -> Request {
        request(query, json!({"version": 1, "sha256Hash": hash}))
    }

    fn sent(persisted: &Persisted, mut request: Request) -> (String, Option<Sent>) {
        let sent = persisted.look_up(&mut request);
        (request.query, sent)
    }

    #[test]
    fn a_document_that_is_known_is_given_to_whoever_names_it() {
        let persisted = Persisted::default();
        assert_eq!(
            sent(&persisted, named("", HASH)),
            (String::new(), Some(Sent::Unknown))
        );
        assert_eq!(
            sent(&persisted, named(DOCUMENT, &HASH.to_uppercase())),
            (DOCUMENT.into(), Some(Sent::ToBeKept(HASH.into())))
        );
        assert_eq!(
            sent(&persisted, named("", HASH)).1,
            Some(Sent::Unknown),
            "it is not kept yet"
        );
        persisted.keep(HASH.into(), DOCUMENT);
        assert_eq!(sent(&persisted, named("", HASH)), (DOCUMENT.into(), None));
        for malformed in [
            json!(1),
            json!({}),
            json!({"version": 2, "sha256Hash": HASH}),
            json!({"version": 1, "sha256Hash": "abc"}),
            json!({"version": 1, "sha256Hash": HASH.replace('e', "g")}),
        ] {
            let (_, sent) = sent(&persisted, request(DOCUMENT, malformed.clone()));
            assert!(matches!(sent, Some(Sent::Malformed(_))), "{malformed}");
        }
        let (_, other) = sent(&persisted, named("{ viewer { id } }", HASH));
        assert!(matches!(other, Some(Sent::Malformed(_))));
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let persisted = Persisted::default();
        let long = "x".repeat(64 * 1024);
        for at in 0..2_000 {
            persisted.keep(format!("{at}"), &long);
            // The same again takes no more room.
            persisted.keep(format!("{at}"), &long);
        }
        let kept = persisted.kept();
        assert_eq!(kept.bytes, MOST_BYTES);
        assert_eq!(kept.documents.len(), MOST_BYTES / long.len());
        drop(kept);
        for at in 0..2_000 {
            persisted.keep(format!("{at}"), "short");
        }
        let kept = persisted.kept();
        assert_eq!((kept.documents.len(), kept.bytes), (1_000, 5_000));
    }
}

//! Keeps the keys of an issuer up to date, from a JWKS document in a file or at a URL. The document is read
//! at a regular interval, and once more if a token names an unknown key. If it cannot be read, the last valid
//! keys stay in use. A request with a known key never waits for this.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jsonwebtoken::Algorithm;
use tokio::io::AsyncReadExt as _;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::issuer_url::{IssuerFetchError, IssuerUrl, MAX_DOCUMENT_BYTES};
use super::keys::{InvalidJwks, KeySet};

#[derive(Clone, Debug)]
pub struct RefreshPolicy {
    /// `TOKEN_JWKS_SECONDS`.
    pub interval: Duration,
    /// The time until the next attempt after a failure.
    pub retry_after: Duration,
    /// The shortest time between two reads because of unknown keys.
    pub unknown_key_interval: Duration,
    /// The time limit of one read.
    pub timeout: Duration,
}

impl Default for RefreshPolicy {
    fn default() -> Self {
        Self {
            interval: Duration::from_mins(5),
            retry_after: Duration::from_secs(15),
            unknown_key_interval: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
        }
    }
}

#[derive(Clone, Debug)]
pub enum KeySource {
    File(PathBuf),
    Address(IssuerUrl),
}

#[derive(Debug, thiserror::Error)]
pub enum JwksReadError {
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    #[error(transparent)]
    Fetch(#[from] IssuerFetchError),
    #[error("it is larger than {MAX_DOCUMENT_BYTES} bytes")]
    TooLarge,
    #[error("it took longer than {} seconds", .0.as_secs())]
    TimedOut(Duration),
    #[error(transparent)]
    NotKeys(#[from] InvalidJwks),
}

impl KeySource {
    async fn fetch(&self) -> Result<Vec<u8>, JwksReadError> {
        match self {
            Self::File(path) => {
                let failed = |cause| JwksReadError::File(path.clone(), cause);
                let file = tokio::fs::File::open(path).await.map_err(failed)?;
                let mut read = Vec::new();
                let mut part = file.take(MAX_DOCUMENT_BYTES as u64 + 1);
                part.read_to_end(&mut read).await.map_err(failed)?;
                if read.len() > MAX_DOCUMENT_BYTES {
                    return Err(JwksReadError::TooLarge);
                }
                Ok(read)
            }
            Self::Address(url) => Ok(url.read().await?),
        }
    }
}

/// A document that is read again and again.
#[derive(Debug)]
pub struct CachedKeys {
    issuer: String,
    source: KeySource,
    accepted_algorithms: Vec<Algorithm>,
    refresh_policy: RefreshPolicy,
    keys: ArcSwapOption<KeySet>,
    /// The number of finished reads, successful or not.
    attempts: AtomicU64,
    /// Held during a read because of an unknown key. Contains the time of the last one.
    refresh_lock: Mutex<Option<Instant>>,
    is_failing: AtomicBool,
}

impl CachedKeys {
    /// A document that has not been read yet.
    pub fn new(issuer: &str, place: KeySource, accepted: Vec<Algorithm>, pace: RefreshPolicy) -> Self {
        Self {
            issuer: issuer.to_owned(),
            source: place,
            accepted_algorithms: accepted,
            refresh_policy: pace,
            keys: ArcSwapOption::empty(),
            attempts: AtomicU64::new(0),
            refresh_lock: Mutex::new(None),
            is_failing: AtomicBool::new(false),
        }
    }

    /// The last valid keys. None if there never were any.
    pub fn keys(&self) -> Option<Arc<KeySet>> {
        self.keys.load_full()
    }

    /// Reads the document now and then at its interval, until no other reference to it exists.
    pub async fn refresh_periodically(self: &Arc<Self>) {
        self.refresh_exclusively().await;
        let followed = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                let Some(this) = followed.upgrade() else {
                    return;
                };
                let wait = if this.is_failing.load(Ordering::Relaxed) {
                    this.refresh_policy.retry_after.min(this.refresh_policy.interval)
                } else {
                    this.refresh_policy.interval
                };
                // The reference is not kept during the wait.
                drop(this);
                tokio::time::sleep(wait).await;
                let Some(this) = followed.upgrade() else {
                    return;
                };
                this.refresh_exclusively().await;
            }
        });
    }

    /// Reads the document because of an unknown key, unless that happened just now. Requests that arrive
    /// during the read wait for it and share its result.
    pub async fn refresh_for_unknown_key(self: &Arc<Self>) {
        let this = Arc::clone(self);
        // The read continues if the request that started it is cancelled.
        let refresh = tokio::spawn(async move {
            let seen = this.attempts.load(Ordering::Acquire);
            let mut last = this.refresh_lock.lock().await;
            let was_read = this.attempts.load(Ordering::Acquire) != seen;
            if was_read || last.is_some_and(|last| last.elapsed() < this.refresh_policy.unknown_key_interval)
            {
                return;
            }
            this.refresh().await;
            *last = Some(Instant::now());
        });
        // If the task panicked, the keys stay as they were.
        let _ = refresh.await;
    }

    async fn refresh_exclusively(&self) {
        let _turn = self.refresh_lock.lock().await;
        self.refresh().await;
    }

    async fn refresh(&self) {
        let read = tokio::time::timeout(self.refresh_policy.timeout, self.source.fetch());
        let read = read
            .await
            .unwrap_or(Err(JwksReadError::TimedOut(self.refresh_policy.timeout)));
        let keys = read.and_then(|document| Ok(KeySet::parse(&document, &self.accepted_algorithms)?));
        match keys {
            Ok(keys) => {
                let had = self.keys.load();
                if keys.is_empty() && had.as_ref().is_none_or(|had| !had.is_empty()) {
                    tracing::warn!(
                        issuer = self.issuer,
                        "the JWKS document has no usable key; tokens of this issuer are not accepted"
                    );
                }
                if self.is_failing.swap(false, Ordering::Relaxed) {
                    tracing::info!(
                        issuer = self.issuer,
                        keys = keys.len(),
                        "the JWKS document can be read again"
                    );
                }
                self.keys.store(Some(Arc::new(keys)));
            }
            // Logged once, not at each attempt.
            Err(cause) if !self.is_failing.swap(true, Ordering::Relaxed) => {
                let kept = self.keys.load().as_ref().map_or(0, |keys| keys.len());
                tracing::warn!(
                    issuer = self.issuer,
                    kept,
                    %cause,
                    cause_within = std::error::Error::source(&cause).map(tracing::field::display),
                    "the JWKS document cannot be read; the last valid keys stay in use until the next attempt"
                );
            }
            Err(_) => {}
        }
        self.attempts.fetch_add(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn unreadable_file_keeps_the_last_good_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwks.json");
        let key = |kid: &str| {
            let x = "A".repeat(42) + "A";
            format!(r#"{{"kty": "OKP", "crv": "Ed25519", "kid": "{kid}", "x": "{x}"}}"#)
        };
        let write = |text: String| std::fs::write(&path, text).unwrap();
        let place = KeySource::File(path.clone());
        let followed = CachedKeys::new("us", place, vec![Algorithm::EdDSA], RefreshPolicy::default());
        let has = |kid: &str| {
            let keys = followed.keys();
            keys.is_some_and(|keys| !keys.find_candidates(Some(kid), Algorithm::EdDSA).is_empty())
        };
        followed.refresh_exclusively().await;
        assert!(followed.keys().is_none(), "there is no file yet");
        write(format!(r#"{{"keys": [{}]}}"#, key("1")));
        followed.refresh_exclusively().await;
        assert!(has("1") && !has("2"));
        for wrong in ["", "{", "[]", &" ".repeat(MAX_DOCUMENT_BYTES + 1)] {
            write(wrong.to_owned());
            followed.refresh_exclusively().await;
            assert!(has("1"));
        }
        std::fs::remove_file(&path).unwrap();
        followed.refresh_exclusively().await;
        assert!(has("1"));
        write(format!(r#"{{"keys": [{}]}}"#, key("2")));
        followed.refresh_exclusively().await;
        assert!(
            has("2") && !has("1"),
            "what is not listed any more is not accepted"
        );
        write(r#"{"keys": []}"#.to_owned());
        followed.refresh_exclusively().await;
        assert!(!has("2"), "an issuer can take every key back");
    }
}

//! Keeps the keys of an issuer up to date, from a JWKS document in a file or at an address. It is read
//! again and again, and once more when a token names a key that is not there; the last good keys stay
//! for as long as it cannot be read. Whoever brings a token of a known key never waits for any of it.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jsonwebtoken::Algorithm;
use reqwest::{Client, StatusCode, Url, header, redirect};
use tokio::io::AsyncReadExt as _;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::keys::{KeySet, NotKeys};

/// The largest document that is read, in bytes.
const LARGEST: usize = 256 * 1024;

/// How often a document is read.
#[derive(Clone, Debug)]
pub struct Pace {
    /// How often where all goes well: `TOKEN_JWKS_SECONDS`.
    pub every: Duration,
    /// How soon again where it could not be read.
    pub again_after: Duration,
    /// How often at most for the sake of keys that are not there.
    pub unknown_every: Duration,
    /// How long it may take to be read.
    pub within: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            every: Duration::from_mins(5),
            again_after: Duration::from_secs(15),
            unknown_every: Duration::from_secs(10),
            within: Duration::from_secs(5),
        }
    }
}

/// Where a document is.
#[derive(Clone, Debug)]
pub enum Place {
    /// In a file.
    File(PathBuf),
    /// At an address.
    Address(Address),
}

/// An address that a document is fetched from.
#[derive(Clone, Debug)]
pub struct Address {
    url: Url,
    client: Client,
}

/// Why an address cannot be one that keys come from.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It is no address.
    #[error("it is no address")]
    NoAddress,
    /// Others on the way could put in keys of their own.
    #[error("it begins with neither https:// nor, on this machine itself, http://")]
    NotSecure,
    /// A name and password in it would come into the log.
    #[error("it holds a name or a password")]
    WithPassword,
    /// The machine cannot make such connections.
    #[error("connections cannot be made")]
    NoConnections,
}

impl Address {
    /// An address over https; over http only on the machine itself.
    pub fn new(address: &str, pace: &Pace) -> Result<Self, Unusable> {
        let url = Url::parse(address).map_err(|_| Unusable::NoAddress)?;
        let host = url.host_str().ok_or(Unusable::NoAddress)?;
        let within_brackets = host.trim_start_matches('[').trim_end_matches(']');
        let is_own = host == "localhost"
            || within_brackets
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        if !(url.scheme() == "https" || (url.scheme() == "http" && is_own)) {
            return Err(Unusable::NotSecure);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Unusable::WithPassword);
        }
        let mut client = Client::builder()
            .use_rustls_tls()
            .https_only(url.scheme() == "https")
            // Another address is for the configuration to say.
            .redirect(redirect::Policy::none())
            .timeout(pace.within)
            .user_agent(concat!("wayin/", env!("CARGO_PKG_VERSION")));
        if is_own {
            client = client.no_proxy();
        }
        let client = client.build().map_err(|_| Unusable::NoConnections)?;
        Ok(Self { url, client })
    }
}

/// Why a document could not be read.
#[derive(Debug, thiserror::Error)]
pub enum NotRead {
    /// The file could not be.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// It could not be fetched.
    #[error("it could not be fetched: {0}")]
    Fetch(#[from] reqwest::Error),
    /// What answered was something else.
    #[error("it is answered with {0}")]
    Status(StatusCode),
    /// It is too large.
    #[error("it is larger than {LARGEST} bytes")]
    TooLarge,
    /// It took too long.
    #[error("it took longer than {} seconds", .0.as_secs())]
    TooLong(Duration),
    /// It is none.
    #[error(transparent)]
    NotKeys(#[from] NotKeys),
}

impl Place {
    async fn read(&self) -> Result<Vec<u8>, NotRead> {
        match self {
            Self::File(path) => {
                let failed = |cause| NotRead::File(path.clone(), cause);
                let file = tokio::fs::File::open(path).await.map_err(failed)?;
                let mut read = Vec::new();
                let mut part = file.take(LARGEST as u64 + 1);
                part.read_to_end(&mut read).await.map_err(failed)?;
                if read.len() > LARGEST {
                    return Err(NotRead::TooLarge);
                }
                Ok(read)
            }
            Self::Address(Address { url, client }) => {
                let asked = client.get(url.clone()).header(header::ACCEPT, "application/json");
                let mut answer = asked.send().await?;
                if answer.status() != StatusCode::OK {
                    return Err(NotRead::Status(answer.status()));
                }
                let mut read = Vec::new();
                while let Some(part) = answer.chunk().await? {
                    if read.len() + part.len() > LARGEST {
                        return Err(NotRead::TooLarge);
                    }
                    read.extend_from_slice(&part);
                }
                Ok(read)
            }
        }
    }
}

/// A document that is followed.
#[derive(Debug)]
pub struct CachedKeys {
    issuer: String,
    place: Place,
    accepted: Vec<Algorithm>,
    pace: Pace,
    keys: ArcSwapOption<KeySet>,
    /// How often it was read to an end, well or not.
    attempts: AtomicU64,
    /// Held by whoever reads it; when it was last read for the sake of a key that was not there.
    turn: Mutex<Option<Instant>>,
    is_troubled: AtomicBool,
}

impl CachedKeys {
    /// A document that was not read yet.
    pub fn new(issuer: &str, place: Place, accepted: Vec<Algorithm>, pace: Pace) -> Self {
        Self {
            issuer: issuer.to_owned(),
            place,
            accepted,
            pace,
            keys: ArcSwapOption::empty(),
            attempts: AtomicU64::new(0),
            turn: Mutex::new(None),
            is_troubled: AtomicBool::new(false),
        }
    }

    /// The last good keys; none where there never were any.
    pub fn keys(&self) -> Option<Arc<KeySet>> {
        self.keys.load_full()
    }

    /// Reads it once, and from then on as often as its pace says, for as long as anybody has it.
    pub async fn follow(self: &Arc<Self>) {
        self.read_in_turn().await;
        let followed = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                let Some(this) = followed.upgrade() else {
                    return;
                };
                let wait = if this.is_troubled.load(Ordering::Relaxed) {
                    this.pace.again_after.min(this.pace.every)
                } else {
                    this.pace.every
                };
                // Not held on to while nothing is done.
                drop(this);
                tokio::time::sleep(wait).await;
                let Some(this) = followed.upgrade() else {
                    return;
                };
                this.read_in_turn().await;
            }
        });
    }

    /// Reads it for the sake of a key that was not there, unless that was done just now: whoever comes
    /// while it is being read waits for that, and shares what comes of it.
    pub async fn look_again(self: &Arc<Self>) {
        let this = Arc::clone(self);
        // Whoever asks may go away; that it was read must not hang on them.
        let looked = tokio::spawn(async move {
            let seen = this.attempts.load(Ordering::Acquire);
            let mut last = this.turn.lock().await;
            let was_read = this.attempts.load(Ordering::Acquire) != seen;
            if was_read || last.is_some_and(|last| last.elapsed() < this.pace.unknown_every) {
                return;
            }
            this.read().await;
            *last = Some(Instant::now());
        });
        // It does not panic, and where it did the keys are as they were.
        let _ = looked.await;
    }

    async fn read_in_turn(&self) {
        let _turn = self.turn.lock().await;
        self.read().await;
    }

    async fn read(&self) {
        let read = tokio::time::timeout(self.pace.within, self.place.read());
        let read = read.await.unwrap_or(Err(NotRead::TooLong(self.pace.within)));
        let keys = read.and_then(|document| Ok(KeySet::read(&document, &self.accepted)?));
        match keys {
            Ok(keys) => {
                let had = self.keys.load();
                if keys.is_empty() && had.as_ref().is_none_or(|had| !had.is_empty()) {
                    tracing::warn!(
                        issuer = self.issuer,
                        "the JWKS document has no key that can be used; no token of this issuer is accepted"
                    );
                }
                if self.is_troubled.swap(false, Ordering::Relaxed) {
                    tracing::info!(
                        issuer = self.issuer,
                        keys = keys.len(),
                        "the JWKS document can be read again"
                    );
                }
                self.keys.store(Some(Arc::new(keys)));
            }
            // Said once, and not each time.
            Err(cause) if !self.is_troubled.swap(true, Ordering::Relaxed) => {
                let kept = self.keys.load().as_ref().map_or(0, |keys| keys.len());
                tracing::warn!(
                    issuer = self.issuer,
                    kept,
                    %cause,
                    cause_within = std::error::Error::source(&cause).map(tracing::field::display),
                    "the JWKS document cannot be read; the last good keys stay, and it is tried again"
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

    #[test]
    fn keys_come_over_https_and_over_http_from_the_machine_itself_alone() {
        let said = |address: &str| {
            let usable = Address::new(address, &Pace::default());
            usable.map(|_| ()).map_err(|reason| reason.to_string())
        };
        for good in [
            "https://id.example.org/keys",
            "http://127.0.0.1:8080/jwks.json",
            "http://[::1]/jwks.json",
            "http://localhost/jwks.json",
        ] {
            assert_eq!(said(good), Ok(()), "{good}");
        }
        for insecure in [
            "http://id.example.org/keys",
            "http://127.0.0.1.example.org/keys",
            "http://localhost.example.org/keys",
            "http://10.0.0.1/keys",
            "ftp://id.example.org/keys",
        ] {
            assert_eq!(said(insecure), Err(Unusable::NotSecure.to_string()), "{insecure}");
        }
        for none in ["", "keys.json", "/keys", "https://", "file:///keys.json"] {
            assert_eq!(said(none), Err(Unusable::NoAddress.to_string()), "{none}");
        }
        let secret = "https://ada:secret@id.example.org/keys";
        assert_eq!(said(secret), Err(Unusable::WithPassword.to_string()));
    }

    #[tokio::test]
    async fn a_file_that_goes_wrong_leaves_the_last_good_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwks.json");
        let key = |kid: &str| {
            let x = "A".repeat(42) + "A";
            format!(r#"{{"kty": "OKP", "crv": "Ed25519", "kid": "{kid}", "x": "{x}"}}"#)
        };
        let write = |text: String| std::fs::write(&path, text).unwrap();
        let place = Place::File(path.clone());
        let followed = CachedKeys::new("us", place, vec![Algorithm::EdDSA], Pace::default());
        let has = |kid: &str| {
            let keys = followed.keys();
            keys.is_some_and(|keys| !keys.fitting(Some(kid), Algorithm::EdDSA).is_empty())
        };
        followed.read_in_turn().await;
        assert!(followed.keys().is_none(), "there is no file yet");
        write(format!(r#"{{"keys": [{}]}}"#, key("1")));
        followed.read_in_turn().await;
        assert!(has("1") && !has("2"));
        for wrong in ["", "{", "[]", &" ".repeat(LARGEST + 1)] {
            write(wrong.to_owned());
            followed.read_in_turn().await;
            assert!(has("1"));
        }
        std::fs::remove_file(&path).unwrap();
        followed.read_in_turn().await;
        assert!(has("1"));
        write(format!(r#"{{"keys": [{}]}}"#, key("2")));
        followed.read_in_turn().await;
        assert!(
            has("2") && !has("1"),
            "what is not listed any more is not accepted"
        );
        write(r#"{"keys": []}"#.to_owned());
        followed.read_in_turn().await;
        assert!(!has("2"), "an issuer can take every key back");
    }
}

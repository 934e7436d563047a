//! Where an issuer does what. The issuer says so in a document, which is read at the first sign-in and again when it is old. The
//! service starts without it, so an issuer that cannot be reached stops nothing but its own sign-ins.

use std::sync::Arc;

use jsonwebtoken::Algorithm;
use reqwest::Url;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::OidcError;
use crate::auth::issuer::{IssuerKeys, TrustedIssuer};
use crate::auth::issuer_url::{IssuerFetchError, IssuerUrl, IssuerUrlError, check_issuer_url};
use crate::auth::jwks::{CachedKeys, KeySource, RefreshPolicy};
use crate::auth::jwt::TokenVerifier;

/// The path of the document, after the issuer.
const DOCUMENT_PATH: &str = "/.well-known/openid-configuration";
/// The algorithms of ID tokens, with the names that the document has for them. A secret never verifies a token.
const ALGORITHMS: [(Algorithm, &str); 3] = [
    (Algorithm::RS256, "RS256"),
    (Algorithm::ES256, "ES256"),
    (Algorithm::EdDSA, "EdDSA"),
];

/// The document, as OpenID Connect Discovery 1.0 defines it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
struct ProviderDocument {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    /// Only `client_secret_basic` if it is absent.
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    id_token_signing_alg_values_supported: Option<Vec<String>>,
}

#[derive(Debug, thiserror::Error)]
enum DiscoveryError {
    #[error("its configuration: {0}")]
    Fetch(#[from] IssuerFetchError),
    #[error("its configuration is no document of OpenID Connect: {0}")]
    NotDocument(#[from] serde_json::Error),
    #[error("its configuration is that of {0}, which must be the same as OIDC_ISSUER")]
    OtherIssuer(String),
    #[error("the {0} of its configuration cannot be used: {1}")]
    Endpoint(&'static str, IssuerUrlError),
    #[error("it signs ID tokens with none of RS256, ES256 and EdDSA")]
    NoAlgorithm,
}

/// Where the issuer does what, and the keys of its tokens.
pub(super) struct ProviderEndpoints {
    document: ProviderDocument,
    pub(super) authorisation: Url,
    pub(super) token: IssuerUrl,
    /// Whether the secret of the client is a field of the form, because the issuer does not take it in a header.
    pub(super) takes_secret_in_form: bool,
    pub(super) verifier: TokenVerifier,
}

pub(super) struct Discovery {
    issuer: String,
    client_id: String,
    address: IssuerUrl,
    refresh_policy: RefreshPolicy,
    cache: Mutex<DiscoveryCache>,
}

#[derive(Default)]
struct DiscoveryCache {
    endpoints: Option<Arc<ProviderEndpoints>>,
    /// When the document is read again. None if it was never read.
    next_read: Option<Instant>,
    /// Why the last read failed.
    failure: Option<String>,
}

impl Discovery {
    pub(super) fn new(
        issuer: &str,
        client_id: &str,
        refresh_policy: RefreshPolicy,
    ) -> Result<Self, IssuerUrlError> {
        let address = format!("{}{DOCUMENT_PATH}", issuer.trim_end_matches('/'));
        Ok(Self {
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            address: IssuerUrl::new(&address, refresh_policy.timeout)?,
            refresh_policy,
            cache: Mutex::default(),
        })
    }

    /// Finds the endpoints, from a document that is not old. If it cannot be read again, the last one stays in use.
    pub(super) async fn find_endpoints(&self) -> Result<Arc<ProviderEndpoints>, OidcError> {
        let mut cache = self.cache.lock().await;
        if cache.next_read.is_none_or(|time| time <= Instant::now()) {
            let read = self.read(cache.endpoints.as_ref()).await;
            let wait = match read {
                Ok(endpoints) => {
                    cache.endpoints = Some(endpoints);
                    cache.failure = None;
                    self.refresh_policy.interval
                }
                Err(cause) => {
                    tracing::warn!(
                        issuer = self.issuer,
                        %cause,
                        "the issuer with which members sign in cannot be asked; sign-in links still work"
                    );
                    cache.failure = Some(cause.to_string());
                    self.refresh_policy.retry_after
                }
            };
            cache.next_read = Some(Instant::now() + wait);
        }
        cache
            .endpoints
            .clone()
            .ok_or_else(|| OidcError::Unavailable(cache.failure.clone().unwrap_or_default()))
    }

    /// Reads the document. If it says the same as before, the keys that were read before stay in use.
    async fn read(
        &self,
        earlier: Option<&Arc<ProviderEndpoints>>,
    ) -> Result<Arc<ProviderEndpoints>, DiscoveryError> {
        let document: ProviderDocument = serde_json::from_slice(&self.address.read().await?)?;
        if let Some(same) = earlier.filter(|earlier| earlier.document == document) {
            return Ok(Arc::clone(same));
        }
        let endpoints = self.build_endpoints(document)?;
        endpoints.verifier.refresh_keys().await;
        Ok(Arc::new(endpoints))
    }

    fn build_endpoints(&self, document: ProviderDocument) -> Result<ProviderEndpoints, DiscoveryError> {
        if document.issuer != self.issuer {
            return Err(DiscoveryError::OtherIssuer(document.issuer));
        }
        let algorithms = list_algorithms(document.id_token_signing_alg_values_supported.as_deref());
        if algorithms.is_empty() {
            return Err(DiscoveryError::NoAlgorithm);
        }
        let (authorisation, _) = check_issuer_url(&document.authorization_endpoint)
            .map_err(|reason| DiscoveryError::Endpoint("authorization_endpoint", reason))?;
        let timeout = self.refresh_policy.timeout;
        let token = IssuerUrl::new(&document.token_endpoint, timeout)
            .map_err(|reason| DiscoveryError::Endpoint("token_endpoint", reason))?;
        let keys = IssuerUrl::new(&document.jwks_uri, timeout)
            .map_err(|reason| DiscoveryError::Endpoint("jwks_uri", reason))?;
        let keys = CachedKeys::new(
            &self.issuer,
            KeySource::Address(keys),
            algorithms.clone(),
            self.refresh_policy.clone(),
        );
        let verifier = TokenVerifier::from_issuers(vec![TrustedIssuer {
            name: self.issuer.clone(),
            audiences: vec![self.client_id.clone()],
            algorithms,
            keys: IssuerKeys::CachedKeys(Arc::new(keys)),
            is_own: false,
        }]);
        let takes_secret_in_form =
            needs_secret_in_form(document.token_endpoint_auth_methods_supported.as_deref());
        Ok(ProviderEndpoints {
            document,
            authorisation,
            token,
            takes_secret_in_form,
            verifier,
        })
    }
}

/// The algorithms that the issuer and this service have in common. An issuer that lists none uses RS256 at least.
fn list_algorithms(listed: Option<&[String]>) -> Vec<Algorithm> {
    ALGORITHMS
        .into_iter()
        .filter(|(_, name)| listed.is_none_or(|listed| listed.iter().any(|one| one == name)))
        .map(|(algorithm, _)| algorithm)
        .collect()
}

fn needs_secret_in_form(methods: Option<&[String]>) -> bool {
    let has = |name: &str| methods.is_some_and(|methods| methods.iter().any(|one| one == name));
    has("client_secret_post") && !has("client_secret_basic")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ISSUER: &str = "https://id.example.org/realms/council";

    fn build(change: impl FnOnce(&mut ProviderDocument)) -> Result<ProviderEndpoints, String> {
        let mut document = ProviderDocument {
            issuer: ISSUER.into(),
            authorization_endpoint: format!("{ISSUER}/authorize?a=b"),
            token_endpoint: format!("{ISSUER}/token"),
            jwks_uri: format!("{ISSUER}/keys"),
            token_endpoint_auth_methods_supported: None,
            id_token_signing_alg_values_supported: None,
        };
        change(&mut document);
        let discovery = Discovery::new(ISSUER, "wayin", RefreshPolicy::default()).unwrap();
        discovery
            .build_endpoints(document)
            .map_err(|reason| reason.to_string())
    }

    fn to_names(listed: &[&str]) -> Vec<String> {
        listed.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn document_of_another_issuer_or_with_unsafe_addresses_is_refused() {
        assert!(build(|_| ()).is_ok());
        let reason = |change: fn(&mut ProviderDocument)| build(change).err().unwrap();
        let other = reason(|document| document.issuer.push('/'));
        assert!(
            other.contains("is that of https://id.example.org/realms/council/"),
            "{other}"
        );
        let insecure = "http://id.example.org/realms/council";
        assert!(
            reason(|one| one.authorization_endpoint = insecure_address()).contains("authorization_endpoint")
        );
        assert!(reason(|one| one.token_endpoint = insecure_address()).contains("token_endpoint"));
        assert!(reason(|one| one.jwks_uri = insecure_address()).contains("jwks_uri"));
        assert!(Discovery::new(insecure, "wayin", RefreshPolicy::default()).is_err());
    }

    fn insecure_address() -> String {
        "http://id.example.org/a".into()
    }

    #[test]
    fn only_algorithms_with_public_keys_are_accepted() {
        assert_eq!(list_algorithms(None).len(), 3);
        let listed = Some(to_names(&["HS256", "none", "ES256"]));
        assert_eq!(list_algorithms(listed.as_deref()), [Algorithm::ES256]);
        let none = build(|one| one.id_token_signing_alg_values_supported = Some(to_names(&["HS256"])));
        assert!(none.err().unwrap().contains("RS256"));
    }

    #[test]
    fn secret_is_in_the_form_only_if_the_issuer_takes_no_header() {
        for (methods, is_in_form) in [
            (None, false),
            (
                Some(to_names(&["client_secret_basic", "client_secret_post"])),
                false,
            ),
            (Some(to_names(&["client_secret_post"])), true),
            (Some(to_names(&["private_key_jwt"])), false),
        ] {
            assert_eq!(
                needs_secret_in_form(methods.as_deref()),
                is_in_form,
                "{methods:?}"
            );
        }
    }

    #[tokio::test]
    async fn issuer_that_cannot_be_reached_is_not_asked_again_at_once() {
        let policy = RefreshPolicy {
            retry_after: Duration::from_hours(1),
            ..RefreshPolicy::default()
        };
        // Nothing listens on the port of a listener that was closed.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let discovery = Discovery::new(&issuer, "wayin", policy).unwrap();
        assert!(matches!(
            discovery.find_endpoints().await,
            Err(OidcError::Unavailable(_))
        ));
        let next_read = discovery.cache.lock().await.next_read;
        assert!(discovery.find_endpoints().await.is_err());
        assert_eq!(discovery.cache.lock().await.next_read, next_read);
    }
}

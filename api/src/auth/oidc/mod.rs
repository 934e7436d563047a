//! Signing in with an issuer of OpenID Connect: the authorisation code flow with PKCE.
//!
//! The service begins an [attempt] and sends the browser to the issuer. The issuer sends it back with a code, which the service
//! exchanges for an ID token. The `iss` and the `sub` of the token identify the [member](sign_in). Nothing else in
//! it counts, least of all an email address.
//!
//! The crate `openidconnect` would bring its own cryptography (`rsa`, `p256`, `p384`, `ed25519-dalek`) beside `aws-lc-rs`. The
//! keys and the tokens of issuers are verified here already, so the flow is made with that.

pub mod attempt;
mod discovery;
mod exchange;
pub mod sign_in;

use reqwest::Url;
use wayin_entity::sign_in_attempt;

use self::attempt::StartedAttempt;
use self::discovery::Discovery;
use self::exchange::ClientCredentials;
pub use self::exchange::is_error_code;
use super::issuer_url::IssuerUrlError;
use super::jwks::RefreshPolicy;
use super::jwt::TokenSubject;
use crate::error::TokenError;
use crate::public_url::PublicUrl;

/// The path to which the issuer sends the browser back.
pub const CALLBACK_PATH: &str = "/sign-in/oidc/callback";

/// `OIDC_ISSUER`, `OIDC_CLIENT_ID`, `OIDC_CLIENT_SECRET`, `OIDC_LABEL` and `PUBLIC_URL`.
#[derive(Clone)]
pub struct OidcSettings {
    /// The `iss` of the ID tokens, and the address of the issuer.
    pub issuer: String,
    pub client_id: String,
    /// None for a client that has no secret, which PKCE alone protects.
    pub client_secret: Option<String>,
    /// What the button says.
    pub label: String,
    /// The address of this service, to which the issuer sends browsers back.
    pub public_url: PublicUrl,
}

/// The issuer with which members sign in.
pub struct OidcProvider {
    label: String,
    issuer: String,
    credentials: ClientCredentials,
    redirect_uri: String,
    discovery: Discovery,
}

/// Why an issuer could not identify anybody. The text is for the log and has no code, token or secret.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    #[error("the issuer cannot be used at present: {0}")]
    Unavailable(String),
    #[error("the issuer refused the code: {0}")]
    CodeRefused(String),
    #[error("the issuer's answer to the code cannot be read: {0}")]
    UnreadableAnswer(&'static str),
    #[error("the ID token is not valid: {0}")]
    InvalidToken(TokenError),
    #[error("the ID token does not have the nonce of this sign-in")]
    WrongNonce,
    #[error("the ID token was issued for another client")]
    WrongClient,
}

impl OidcProvider {
    /// Creates the provider. It asks the issuer for nothing before the first sign-in.
    ///
    /// # Errors
    /// [`IssuerUrlError`] if the address of the issuer cannot be used.
    pub fn new(settings: OidcSettings, refresh_policy: RefreshPolicy) -> Result<Self, IssuerUrlError> {
        Ok(Self {
            discovery: Discovery::new(&settings.issuer, &settings.client_id, refresh_policy)?,
            redirect_uri: settings.public_url.join(CALLBACK_PATH),
            label: settings.label,
            issuer: settings.issuer,
            credentials: ClientCredentials {
                id: settings.client_id,
                secret: settings.client_secret,
            },
        })
    }

    /// What the button says.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The `iss` of the ID tokens.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The address at which the issuer asks who the person is.
    ///
    /// # Errors
    /// [`OidcError::Unavailable`] if the issuer does not say where that is.
    pub async fn authorisation_address(&self, attempt: &StartedAttempt) -> Result<Url, OidcError> {
        let found = self.discovery.find_endpoints().await?;
        let mut address = found.authorisation.clone();
        address
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("scope", "openid")
            .append_pair("client_id", &self.credentials.id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("state", &attempt.state)
            .append_pair("nonce", &attempt.nonce)
            .append_pair("code_challenge", &attempt.code_challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(address)
    }

    /// Exchanges a code for an ID token, and returns whom the token identifies.
    ///
    /// # Errors
    /// [`OidcError`] if the issuer refuses the code or cannot be reached, or if the token is not valid for the attempt.
    pub async fn identify(
        &self,
        attempt: &sign_in_attempt::Model,
        code: &str,
    ) -> Result<TokenSubject, OidcError> {
        let found = self.discovery.find_endpoints().await?;
        let token =
            exchange::exchange_code(&found, &self.credentials, &self.redirect_uri, attempt, code).await?;
        let claims = found
            .verifier
            .verify_id_token(&token)
            .await
            .map_err(|reason| match reason {
                TokenError::KeysUnavailable => OidcError::Unavailable(reason.to_string()),
                reason => OidcError::InvalidToken(reason),
            })?;
        if claims.nonce.as_deref() != Some(attempt.nonce.as_str()) {
            return Err(OidcError::WrongNonce);
        }
        if claims
            .authorised_party
            .is_some_and(|client| client != self.credentials.id)
        {
            return Err(OidcError::WrongClient);
        }
        Ok(claims.subject)
    }
}

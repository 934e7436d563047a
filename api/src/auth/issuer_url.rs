//! Addresses of issuers, which the service asks over TLS.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode, Url, header, redirect};

/// The most that is read of a response.
pub const MAX_DOCUMENT_BYTES: usize = 256 * 1024;

/// An address, and a client that follows no redirects.
#[derive(Clone, Debug)]
pub struct IssuerUrl {
    url: Url,
    client: Client,
}

#[derive(Debug, thiserror::Error)]
pub enum IssuerUrlError {
    #[error("it is not an address")]
    InvalidUrl,
    /// Without TLS, an attacker on the network could replace what the issuer sends.
    #[error("it does not begin with https://, or with http:// for this machine")]
    NotSecure,
    /// The log would show a name and password.
    #[error("it contains a user name or a password")]
    HasCredentials,
    /// The TLS client cannot be built.
    #[error("the TLS client cannot be built")]
    NoTlsClient,
}

/// Why an issuer cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum IssuerFetchError {
    #[error("it could not be fetched: {0}")]
    Request(#[from] reqwest::Error),
    #[error("the response has the status {0}")]
    Status(StatusCode),
    #[error("it is larger than {MAX_DOCUMENT_BYTES} bytes")]
    TooLarge,
}

/// The identifier of a client of an issuer, and its secret.
#[derive(Clone, Copy)]
pub struct BasicCredentials<'a> {
    pub name: &'a str,
    pub password: &'a str,
}

impl IssuerUrl {
    /// Accepts https URLs, and http URLs on this machine. A request takes at most `timeout`.
    pub fn new(address: &str, timeout: Duration) -> Result<Self, IssuerUrlError> {
        let (url, is_own) = check_issuer_url(address)?;
        let mut client = Client::builder()
            .use_rustls_tls()
            .https_only(url.scheme() == "https")
            // Only the configuration decides which URLs are trusted.
            .redirect(redirect::Policy::none())
            .timeout(timeout)
            .user_agent(concat!("wayin/", env!("CARGO_PKG_VERSION")));
        if is_own {
            client = client.no_proxy();
        }
        let client = client.build().map_err(|_| IssuerUrlError::NoTlsClient)?;
        Ok(Self { url, client })
    }

    /// Reads the JSON document at the address.
    pub async fn read(&self) -> Result<Vec<u8>, IssuerFetchError> {
        match send(self.client.get(self.url.clone())).await? {
            (StatusCode::OK, document) => Ok(document),
            (status, _) => Err(IssuerFetchError::Status(status)),
        }
    }

    /// Posts a form. Returns the status and the body of the response.
    pub async fn post_form(
        &self,
        fields: &[(&str, &str)],
        credentials: Option<BasicCredentials<'_>>,
    ) -> Result<(StatusCode, Vec<u8>), IssuerFetchError> {
        let mut request = self.client.post(self.url.clone()).form(fields);
        if let Some(BasicCredentials { name, password }) = credentials {
            request = request.basic_auth(name, Some(password));
        }
        send(request).await
    }
}

/// Parses an address, and says whether it is on this machine.
///
/// # Errors
/// [`IssuerUrlError`] if the service must not send anything to the address.
pub fn check_issuer_url(address: &str) -> Result<(Url, bool), IssuerUrlError> {
    let url = Url::parse(address).map_err(|_| IssuerUrlError::InvalidUrl)?;
    let host = url.host_str().ok_or(IssuerUrlError::InvalidUrl)?;
    let within_brackets = host.trim_start_matches('[').trim_end_matches(']');
    let is_own = host == "localhost"
        || within_brackets
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    if !(url.scheme() == "https" || (url.scheme() == "http" && is_own)) {
        return Err(IssuerUrlError::NotSecure);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(IssuerUrlError::HasCredentials);
    }
    Ok((url, is_own))
}

async fn send(request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), IssuerFetchError> {
    let mut answer = request.header(header::ACCEPT, "application/json").send().await?;
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await? {
        if body.len() + part.len() > MAX_DOCUMENT_BYTES {
            return Err(IssuerFetchError::TooLarge);
        }
        body.extend_from_slice(&part);
    }
    Ok((answer.status(), body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_must_be_https_except_on_this_machine() {
        let check_url = |address: &str| {
            let usable = IssuerUrl::new(address, Duration::from_secs(5));
            usable.map(|_| ()).map_err(|reason| reason.to_string())
        };
        for good in [
            "https://id.example.org/keys",
            "http://127.0.0.1:8080/jwks.json",
            "http://[::1]/jwks.json",
            "http://localhost/jwks.json",
        ] {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for insecure in [
            "http://id.example.org/keys",
            "http://127.0.0.1.example.org/keys",
            "http://localhost.example.org/keys",
            "http://10.0.0.1/keys",
            "ftp://id.example.org/keys",
        ] {
            assert_eq!(
                check_url(insecure),
                Err(IssuerUrlError::NotSecure.to_string()),
                "{insecure}"
            );
        }
        for none in ["", "keys.json", "/keys", "https://", "file:///keys.json"] {
            assert_eq!(
                check_url(none),
                Err(IssuerUrlError::InvalidUrl.to_string()),
                "{none}"
            );
        }
        let secret = "https://ada:secret@id.example.org/keys";
        assert_eq!(check_url(secret), Err(IssuerUrlError::HasCredentials.to_string()));
    }
}

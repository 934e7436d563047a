//! Exchanges the code of an issuer for an ID token.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::StatusCode;
use serde::Deserialize;
use wayin_entity::sign_in_attempt;

use super::OidcError;
use super::discovery::ProviderEndpoints;
use crate::auth::issuer_url::BasicCredentials;

/// What RFC 6749 encodes in the credentials of a client. Many issuers do not decode them, so nothing else is encoded.
const ENCODED_IN_CREDENTIALS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'*');
/// The longest code of an error that is logged.
const LONGEST_ERROR_CODE: usize = 64;

/// How the issuer knows this service.
pub(super) struct ClientCredentials {
    pub(super) id: String,
    pub(super) secret: Option<String>,
}

#[derive(Deserialize)]
struct TokenResponse {
    id_token: String,
}

#[derive(Deserialize)]
struct TokenErrorResponse {
    error: String,
}

/// Exchanges a code for an ID token, whose claims are not verified yet.
pub(super) async fn exchange_code(
    endpoints: &ProviderEndpoints,
    client: &ClientCredentials,
    redirect_uri: &str,
    attempt: &sign_in_attempt::Model,
    code: &str,
) -> Result<String, OidcError> {
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("code_verifier", attempt.code_verifier.as_str()),
    ];
    let encode = |text: &str| utf8_percent_encode(text, ENCODED_IN_CREDENTIALS).to_string();
    let in_header = match &client.secret {
        Some(secret) if !endpoints.takes_secret_in_form => Some((encode(&client.id), encode(secret))),
        Some(secret) => {
            fields.extend([
                ("client_id", client.id.as_str()),
                ("client_secret", secret.as_str()),
            ]);
            None
        }
        None => {
            fields.push(("client_id", client.id.as_str()));
            None
        }
    };
    let credentials = in_header
        .as_ref()
        .map(|(name, password)| BasicCredentials { name, password });
    let (status, body) = endpoints
        .token
        .post_form(&fields, credentials)
        .await
        .map_err(|cause| OidcError::Unavailable(cause.to_string()))?;
    read_token_response(status, &body)
}

/// Reads the ID token from a response. The reason of a refusal has no part of the response but the code of its error.
fn read_token_response(status: StatusCode, body: &[u8]) -> Result<String, OidcError> {
    if status == StatusCode::OK {
        let read: Result<TokenResponse, _> = serde_json::from_slice(body);
        // The text of the cause could quote what is in the response.
        return read.map(|response| response.id_token).map_err(|cause| {
            OidcError::UnreadableAnswer(if cause.is_data() {
                "it has no ID token"
            } else {
                "it is not JSON"
            })
        });
    }
    if status.is_server_error() {
        return Err(OidcError::Unavailable(format!(
            "its answer has the status {status}"
        )));
    }
    let refused = serde_json::from_slice(body)
        .ok()
        .map(|TokenErrorResponse { error }| error)
        .filter(|error| is_error_code(error));
    Err(OidcError::CodeRefused(
        refused.unwrap_or_else(|| format!("its answer has the status {status}")),
    ))
}

/// Whether a text could be the code of an error, such as `invalid_grant`, so that it can be logged.
pub fn is_error_code(text: &str) -> bool {
    (1..=LONGEST_ERROR_CODE).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_read_without_quoting_them() {
        let read = |status: StatusCode, body: &str| {
            read_token_response(status, body.as_bytes()).map_err(|error| error.to_string())
        };
        assert_eq!(
            read(StatusCode::OK, r#"{"id_token": "a.b.c", "access_token": "d"}"#),
            Ok("a.b.c".into())
        );
        for secret in [
            r#"{"access_token": "d"}"#,
            r#""a.b.c""#,
            r#"{"id_token": ["a.b.c"]}"#,
            "a.b.c",
        ] {
            let error = read(StatusCode::OK, secret).unwrap_err();
            assert!(
                error.contains("cannot be read") && !error.contains("a.b.c"),
                "{error}"
            );
        }
        let refused = read(StatusCode::BAD_REQUEST, r#"{"error": "invalid_grant"}"#).unwrap_err();
        assert_eq!(refused, "the issuer refused the code: invalid_grant");
        let odd = read(StatusCode::BAD_REQUEST, r#"{"error": "the code a.b.c"}"#).unwrap_err();
        assert_eq!(
            odd,
            "the issuer refused the code: its answer has the status 400 Bad Request"
        );
        assert!(matches!(
            read_token_response(StatusCode::BAD_GATEWAY, b""),
            Err(OidcError::Unavailable(_))
        ));
    }

    #[test]
    fn credentials_are_encoded_as_in_a_form() {
        let encode = |text: &str| utf8_percent_encode(text, ENCODED_IN_CREDENTIALS).to_string();
        assert_eq!(encode("way-in_1.0"), "way-in_1.0");
        assert_eq!(encode("a:b c+é"), "a%3Ab%20c%2B%C3%A9");
    }
}

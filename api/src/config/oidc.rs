//! The settings of the issuer with which members sign in.

use super::{ConfigError, PUBLIC_URL, SettingSource};
use crate::auth::jwks::RefreshPolicy;
use crate::auth::oidc::{OidcProvider, OidcSettings};
use crate::public_url::PublicUrl;

const ISSUER: &str = "OIDC_ISSUER";
const CLIENT_ID: &str = "OIDC_CLIENT_ID";
const CLIENT_SECRET: &str = "OIDC_CLIENT_SECRET";
const LABEL: &str = "OIDC_LABEL";

/// The default of `OIDC_LABEL`.
const DEFAULT_LABEL: &str = "Sign in with your organisation’s account";

/// `OIDC_ISSUER`, `OIDC_CLIENT_ID`, `OIDC_CLIENT_SECRET` and `OIDC_LABEL`. None if members sign in with links alone.
pub fn read_oidc_provider(
    source: SettingSource<'_>,
    public_url: Option<&PublicUrl>,
) -> Result<Option<OidcProvider>, ConfigError> {
    let Some(issuer) = source(ISSUER) else {
        return match [CLIENT_ID, CLIENT_SECRET, LABEL]
            .into_iter()
            .find(|name| source(name).is_some())
        {
            Some(name) => Err(ConfigError::Malformed(
                name,
                format!("it is for an issuer, and {ISSUER} is not set"),
            )),
            None => Ok(None),
        };
    };
    if issuer.contains(['?', '#']) {
        let reason = "it has parameters, which the name of an issuer does not have".into();
        return Err(ConfigError::Malformed(ISSUER, reason));
    }
    let settings = OidcSettings {
        client_id: source(CLIENT_ID).ok_or(ConfigError::Missing(
            CLIENT_ID,
            "it is how the issuer of OIDC_ISSUER knows this service",
        ))?,
        client_secret: source(CLIENT_SECRET),
        label: source(LABEL).unwrap_or_else(|| DEFAULT_LABEL.into()),
        public_url: public_url.cloned().ok_or(ConfigError::Missing(
            PUBLIC_URL,
            "it is the address to which the issuer of OIDC_ISSUER sends browsers back",
        ))?,
        issuer,
    };
    let provider = OidcProvider::new(settings, RefreshPolicy::default());
    provider
        .map(Some)
        .map_err(|reason| ConfigError::Malformed(ISSUER, reason.to_string()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(settings: &[(&str, &str)], has_public_url: bool) -> Result<Option<OidcProvider>, String> {
        let settings: BTreeMap<&str, &str> = settings.iter().copied().collect();
        let public_url = PublicUrl::parse("https://wayin.example.org").unwrap();
        let provider = read_oidc_provider(
            &|name| settings.get(name).map(|value| (*value).to_owned()),
            Some(&public_url).filter(|_| has_public_url),
        );
        provider.map_err(|error| error.to_string())
    }

    #[test]
    fn issuer_needs_a_client_and_a_public_address() {
        let issuer = (ISSUER, "https://id.example.org");
        let client = (CLIENT_ID, "wayin");
        assert!(matches!(read(&[], false), Ok(None)));
        let provider = read(&[issuer, client], true).unwrap().unwrap();
        assert_eq!(
            (provider.issuer(), provider.label()),
            ("https://id.example.org", DEFAULT_LABEL)
        );
        let labelled = [issuer, client, (LABEL, "Sign in with your council account")];
        let provider = read(&labelled, true).unwrap().unwrap();
        assert_eq!(provider.label(), "Sign in with your council account");
        for (settings, has_public_url, named, reason) in [
            (&[issuer][..], true, CLIENT_ID, "is missing"),
            (&[issuer, client][..], false, PUBLIC_URL, "is missing"),
            (&[client][..], true, CLIENT_ID, "OIDC_ISSUER is not set"),
            (&[(LABEL, "Sign in")][..], true, LABEL, "OIDC_ISSUER is not set"),
            (
                &[(ISSUER, "http://id.example.org"), client][..],
                true,
                ISSUER,
                "https://",
            ),
            (
                &[(ISSUER, "https://id.example.org?a=b"), client][..],
                true,
                ISSUER,
                "has parameters",
            ),
        ] {
            let error = read(settings, has_public_url).err().unwrap();
            assert!(error.contains(named) && error.contains(reason), "{error}");
        }
    }
}

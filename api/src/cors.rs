//! The origins that can send requests from a browser.

use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};

/// The other origins that can send requests from a browser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// No other origin.
    #[default]
    Own,
    /// Any origin. Requests from any page need a token.
    Any,
    These(Vec<String>),
}

impl AllowedOrigins {
    /// Parses a comma-separated list of origins, such as `https://dashboard.example.org`. `*` allows every
    /// origin.
    ///
    /// # Errors
    /// Returns a message that names the first item that is not an origin.
    pub fn parse(list: &str) -> Result<Self, String> {
        let origins: Vec<&str> = list
            .split(',')
            .map(str::trim)
            .filter(|one| !one.is_empty())
            .collect();
        match origins[..] {
            [] => Ok(Self::Own),
            ["*"] => Ok(Self::Any),
            _ => origins
                .into_iter()
                .map(parse_origin)
                .collect::<Result<_, _>>()
                .map(Self::These),
        }
    }

    /// Whether the origin of a request is allowed. A request that does not come from a page has no origin.
    pub fn allows(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(ORIGIN) else {
            return true;
        };
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.or_else(|| uri.authority().map(Authority::as_str));
        let is_own = origin.split_once("://").is_some_and(|(_, from)| {
            host.is_some_and(|host| host.eq_ignore_ascii_case(from)) && !from.is_empty()
        });
        is_own
            || match self {
                Self::Own => false,
                Self::Any => true,
                Self::These(these) => these.iter().any(|one| one.eq_ignore_ascii_case(origin)),
            }
    }
}

/// Parses an origin as browsers send it: a scheme, a host, and a port if it is not the default one.
fn parse_origin(written: &str) -> Result<String, String> {
    let uri: Option<Uri> = written.parse().ok();
    let is_one = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri
                .authority()
                .is_some_and(|authority| !authority.as_str().contains('@'))
            && uri.path_and_query().is_none_or(|path| path.as_str() == "/")
    });
    if is_one && !written.ends_with('/') {
        Ok(written.to_ascii_lowercase())
    } else {
        Err(format!(
            "{written} is not an origin such as https://dashboard.example.org"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request_from(origin: &str, host: &str) -> (Uri, HeaderMap) {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, origin.parse().unwrap());
        headers.insert(HOST, host.parse().unwrap());
        (Uri::from_static("/graphql/ws"), headers)
    }

    #[test]
    fn origins_are_parsed_from_a_list() {
        let these = |list: &[&str]| {
            Ok(AllowedOrigins::These(
                list.iter().map(ToString::to_string).collect(),
            ))
        };
        assert_eq!(AllowedOrigins::parse(" "), Ok(AllowedOrigins::Own));
        assert_eq!(AllowedOrigins::parse("*"), Ok(AllowedOrigins::Any));
        assert_eq!(
            AllowedOrigins::parse("https://A.example.org, http://127.0.0.1:3000,"),
            these(&["https://a.example.org", "http://127.0.0.1:3000"])
        );
        for wrong in [
            "a.example.org",
            "https://a.example.org/",
            "https://a.example.org/path",
            "ftp://a.example.org",
            "https://who@a.example.org",
            "https://a.example.org, *",
            "null",
        ] {
            assert!(AllowedOrigins::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn own_origin_and_listed_origins_are_allowed() {
        let origins = AllowedOrigins::parse("https://a.example.org").unwrap();
        for (origin, host, own, these) in [
            ("http://127.0.0.1:8000", "127.0.0.1:8000", true, true),
            ("https://wayin.example.org", "wayin.example.org", true, true),
            ("https://A.example.org", "wayin.example.org", false, true),
            ("http://a.example.org", "wayin.example.org", false, false),
            (
                "https://a.example.org.evil.example",
                "wayin.example.org",
                false,
                false,
            ),
            ("null", "wayin.example.org", false, false),
            ("http://127.0.0.1:8001", "127.0.0.1:8000", false, false),
        ] {
            let (uri, headers) = request_from(origin, host);
            assert_eq!(AllowedOrigins::Own.allows(&uri, &headers), own, "{origin}");
            assert_eq!(origins.allows(&uri, &headers), these, "{origin}");
            assert!(AllowedOrigins::Any.allows(&uri, &headers));
        }
        assert!(AllowedOrigins::Own.allows(&Uri::from_static("/graphql/ws"), &HeaderMap::new()));
    }
}

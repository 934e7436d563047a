//! The address at which people reach the service.

use std::net::Ipv4Addr;

use axum::http::Uri;

/// The address of the service for browsers: `https`, or `http` on this machine, without a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Parses an address such as `https://wayin.example.org`.
    ///
    /// # Errors
    /// Returns a message that says what is wrong with the address.
    pub fn parse(address: &str) -> Result<Self, String> {
        let origin = address.trim().trim_end_matches('/');
        let malformed = || format!("{address} is not an address such as https://wayin.example.org");
        let uri: Uri = origin.parse().map_err(|_| malformed())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(malformed());
        };
        let has_only_origin = uri.path_and_query().is_none_or(|path| path.as_str() == "/")
            && !authority.as_str().contains('@')
            && !origin.contains('#');
        if !has_only_origin {
            return Err(malformed());
        }
        match scheme {
            "https" => {}
            "http" if is_loopback(authority.host()) => {}
            "http" => {
                return Err(format!(
                    "{address} sends sessions without encryption; use https, or http on this machine alone"
                ));
            }
            _ => return Err(malformed()),
        }
        Ok(Self(origin.to_ascii_lowercase()))
    }

    /// The address of a service that only this machine reaches.
    pub fn on_this_machine(port: u16) -> Self {
        Self(format!("http://{}:{port}", Ipv4Addr::LOCALHOST))
    }

    /// Whether browsers reach the service over TLS.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// The absolute address of a path of the service.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_origins_over_tls_or_on_this_machine_are_public_addresses() {
        for (address, joined, is_https) in [
            ("https://wayin.example.org", "https://wayin.example.org/a", true),
            (
                "https://Wayin.example.org:8443/",
                "https://wayin.example.org:8443/a",
                true,
            ),
            (" http://127.0.0.1:8000", "http://127.0.0.1:8000/a", false),
            ("http://localhost:8000", "http://localhost:8000/a", false),
            ("http://[::1]:8000", "http://[::1]:8000/a", false),
        ] {
            let url = PublicUrl::parse(address).unwrap_or_else(|reason| panic!("{reason}"));
            assert_eq!((url.join("/a"), url.is_https()), (joined.to_owned(), is_https));
        }
        for wrong in [
            "",
            "wayin.example.org",
            "/",
            "ftp://wayin.example.org",
            "https://who@wayin.example.org",
            "https://wayin.example.org/path",
            "https://wayin.example.org?a=b",
            "https://wayin.example.org#a",
            "javascript:alert(1)",
        ] {
            let reason = PublicUrl::parse(wrong).unwrap_err();
            assert!(reason.contains("is not an address"), "{wrong}: {reason}");
        }
        let own = PublicUrl::on_this_machine(8000);
        assert_eq!(PublicUrl::parse(&own.join("/")), Ok(own));
        let reason = PublicUrl::parse("http://wayin.example.org").unwrap_err();
        assert!(reason.contains("without encryption"), "{reason}");
    }
}

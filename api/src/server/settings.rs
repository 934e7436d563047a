//! The settings of HTTP: how long clients may take, how many connections an address has, which headers pages send.

use std::time::Duration;

use axum::http::HeaderName;

/// The settings of HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// How long the head of a request may take to arrive: `HEADER_SECONDS`.
    pub header_timeout: Duration,
    /// How long a body may take, beside what its length gives it: `BODY_SECONDS`.
    pub body_timeout: Duration,
    /// How long a connection may be without a request, and an answer wait to be read: `IDLE_SECONDS`.
    pub idle_timeout: Duration,
    /// How long the service takes to stop, whatever clients do: `STOP_SECONDS`.
    pub stop_timeout: Duration,
    /// The most connections from one address; none where there is no limit: `CONNECTIONS_PER_ADDRESS`.
    pub max_connections_per_address: Option<usize>,
    /// The most connections in all; if it is not set, as many as the limit of open files leaves room for.
    pub max_connections: Option<usize>,
    /// The headers that pages of other origins may send: `CORS_HEADERS`.
    pub cors_headers: AllowedCorsHeaders,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            stop_timeout: Duration::from_secs(8),
            max_connections_per_address: Some(200),
            max_connections: None,
            cors_headers: AllowedCorsHeaders::default(),
        }
    }
}

/// The headers that pages of other origins may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedCorsHeaders {
    /// Each that a page asks for.
    Any,
    /// These.
    Only(Vec<HeaderName>),
}

/// What common clients send: Apollo Client, urql and Relay, GraphQL Hive, Sentry, and W3C Trace Context.
const DEFAULT_CORS_HEADERS: &str = "accept,authorization,cache-control,content-encoding,content-type,if-none-match,\
pragma,apollo-require-preflight,apollographql-client-name,apollographql-client-version,x-apollo-operation-id,\
x-apollo-operation-name,graphql-client-name,graphql-client-version,graphql-preflight,graphql-require-preflight,x-requested-with,\
x-request-id,traceparent,tracestate,baggage,sentry-trace";

impl Default for AllowedCorsHeaders {
    fn default() -> Self {
        Self::parse(DEFAULT_CORS_HEADERS).unwrap_or(Self::Only(Vec::new()))
    }
}

impl AllowedCorsHeaders {
    /// Reads a list of names with commas between; `*` means each that a page asks for.
    ///
    /// # Errors
    /// Which of them is not the name of a header.
    pub fn parse(list: &str) -> Result<Self, String> {
        if list.trim() == "*" {
            return Ok(Self::Any);
        }
        let named = list.split(',').map(str::trim).filter(|name| !name.is_empty());
        let named = named.map(|name| {
            let read = HeaderName::from_bytes(name.as_bytes()).ok();
            let read = read.filter(|_| name != "*");
            read.ok_or_else(|| format!("{name} is not the name of a header, such as traceparent"))
        });
        Ok(Self::Only(named.collect::<Result<_, _>>()?))
    }

    /// Whether a page may send a header.
    pub fn allows(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(these) => these
                .iter()
                .any(|one| one.as_str().eq_ignore_ascii_case(name.trim())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cors_headers_are_parsed_from_a_list() {
        let named = AllowedCorsHeaders::parse(" X-One, traceparent,").unwrap();
        assert!(named.allows("x-one") && named.allows(" TraceParent"));
        assert!(!named.allows("authorization"));
        assert!(AllowedCorsHeaders::parse("*").unwrap().allows("x-anything"));
        for wrong in ["x one", "*, accept", "x:"] {
            assert!(AllowedCorsHeaders::parse(wrong).is_err(), "{wrong}");
        }
        let usual = AllowedCorsHeaders::default();
        assert!(usual.allows("apollographql-client-name") && usual.allows("sentry-trace"));
        assert!(!usual.allows("cookie"));
    }
}

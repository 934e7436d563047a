//! The settings of HTTP: time limits, connection limits and CORS headers.

use std::time::Duration;

use axum::http::HeaderName;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// `HEADER_SECONDS`: how long the head of a request can take to arrive.
    pub header_timeout: Duration,
    /// `BODY_SECONDS`: how long a body can take, in addition to the time for its length.
    pub body_timeout: Duration,
    /// `IDLE_SECONDS`: how long a connection can be without a request, and how long a response can wait to be
    /// read.
    pub idle_timeout: Duration,
    /// `STOP_SECONDS`: how long the service takes to stop at most.
    pub stop_timeout: Duration,
    /// `CONNECTIONS_PER_ADDRESS`. None for no limit.
    pub max_connections_per_address: Option<usize>,
    /// The maximum number of connections. None to use the limit of open files.
    pub max_connections: Option<usize>,
    /// `CORS_HEADERS`: the headers that pages of other origins can send.
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

/// The headers that pages of other origins can send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedCorsHeaders {
    /// All headers.
    Any,
    Only(Vec<HeaderName>),
}

/// The headers of common clients: Apollo Client, urql, Relay, GraphQL Hive, Sentry, and W3C Trace Context.
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
    /// Parses a comma-separated list of names. `*` allows all headers.
    ///
    /// # Errors
    /// Returns a message that names the first item that is not a header name.
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

    /// Whether a page can send a header.
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

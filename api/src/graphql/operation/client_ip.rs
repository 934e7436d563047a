//! The IP address of the client that sends a request.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;

/// The header in which each proxy appends the address of its client.
const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The client IP of a request. None if it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientIp(pub Option<IpAddr>);

impl ClientIp {
    /// Determines the client IP of a request that passed a number of trusted proxies. Each of them appends
    /// the address of its client to `X-Forwarded-For`. Anyone may have written the entries before those.
    fn from_request(peer: Option<IpAddr>, headers: &HeaderMap, trusted_hops: usize) -> Self {
        if trusted_hops == 0 {
            return Self(peer);
        }
        let forwarded: Vec<&str> = headers
            .get_all(X_FORWARDED_FOR)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .collect();
        let at = forwarded.len().checked_sub(trusted_hops);
        let client = at.and_then(|at| parse_address(forwarded[at]));
        // A request that bypassed the proxies is identified by its peer.
        Self(client.or(peer))
    }
}

/// Parses an address as proxies write it, with or without a port.
fn parse_address(written: &str) -> Option<IpAddr> {
    let bare = written.trim_start_matches('[').trim_end_matches(']');
    bare.parse()
        .ok()
        .or_else(|| written.parse::<SocketAddr>().ok().map(|with_port| with_port.ip()))
}

/// The number of trusted proxies that a request passes.
#[derive(Clone, Copy, Debug)]
pub struct TrustedHops(pub usize);

/// Adds the client IP to each request.
pub async fn record_client_ip(
    State(TrustedHops(hops)): State<TrustedHops>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|ConnectInfo(address)| address.ip());
    let caller = ClientIp::from_request(peer, request.headers(), hops);
    request.extensions_mut().insert(caller);
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn address_is_taken_from_trusted_hops() {
        let peer: IpAddr = "10.0.0.1".parse().unwrap();
        let of = |forwarded: &[&'static str], hops| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append(X_FORWARDED_FOR, HeaderValue::from_static(value));
            }
            ClientIp::from_request(Some(peer), &headers, hops)
                .0
                .unwrap()
                .to_string()
        };
        assert_eq!(of(&["192.0.2.1"], 0), "10.0.0.1", "nobody is believed");
        assert_eq!(of(&["192.0.2.1"], 1), "192.0.2.1");
        assert_eq!(
            of(&["198.51.100.7, 192.0.2.1"], 1),
            "192.0.2.1",
            "what was there before is not believed"
        );
        assert_eq!(of(&["198.51.100.7", "192.0.2.1, 10.0.0.2"], 2), "192.0.2.1");
        assert_eq!(of(&["[2001:db8::1]:443"], 1), "2001:db8::1");
        assert_eq!(of(&["192.0.2.1:8080"], 1), "192.0.2.1");
        assert_eq!(of(&["2001:db8::1"], 1), "2001:db8::1");
        assert_eq!(of(&[], 1), "10.0.0.1");
        assert_eq!(of(&["unknown"], 1), "10.0.0.1");
    }
}

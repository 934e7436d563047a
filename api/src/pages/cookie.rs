//! The cookies of the pages: that of a session, and that of a browser that signs in with an issuer. They authenticate pages
//! alone, and nothing else reads them.

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::time::Duration;
use cookie::{Cookie, SameSite};

use crate::auth::oidc::attempt::ATTEMPT_LIFETIME;
use crate::error::{Error, Result};

/// The name of a cookie. Where browsers use TLS, it begins with `__Host-`: they then accept the cookie only from this host, for
/// all its paths, and with `Secure`. Without TLS, on this machine, it is plain.
#[derive(Clone, Copy)]
struct CookieName {
    secure: &'static str,
    plain: &'static str,
}

const SESSION: CookieName = CookieName {
    secure: "__Host-wayin-session",
    plain: "wayin-session",
};
const SIGN_IN: CookieName = CookieName {
    secure: "__Host-wayin-sign-in",
    plain: "wayin-sign-in",
};

impl CookieName {
    const fn choose(self, is_over_tls: bool) -> &'static str {
        if is_over_tls { self.secure } else { self.plain }
    }

    fn read(self, headers: &HeaderMap, is_over_tls: bool) -> Option<String> {
        let name = self.choose(is_over_tls);
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(Cookie::split_parse)
            .filter_map(std::result::Result::ok)
            .find(|cookie| cookie.name() == name)
            .map(|cookie| cookie.value().to_owned())
    }

    fn build(self, value: &str, is_over_tls: bool) -> Cookie<'_> {
        Cookie::build((self.choose(is_over_tls), value))
            .path("/")
            .http_only(true)
            // Strict would leave the cookie out when an issuer sends the browser back.
            .same_site(SameSite::Lax)
            .secure(is_over_tls)
            .build()
    }
}

/// Reads the secret of the session from the cookies of a request.
pub fn read_session_secret(headers: &HeaderMap, is_over_tls: bool) -> Option<String> {
    SESSION.read(headers, is_over_tls)
}

/// The value of `Set-Cookie` that gives the browser a session. The browser forgets it when it is closed.
///
/// # Errors
/// [`Error::Internal`] if the secret is not the value of a cookie.
pub fn session_cookie(secret: &str, is_over_tls: bool) -> Result<HeaderValue> {
    to_header(&SESSION.build(secret, is_over_tls))
}

/// The value of `Set-Cookie` that removes the session from the browser.
///
/// # Errors
/// Never: the value is always the same.
pub fn removal_cookie(is_over_tls: bool) -> Result<HeaderValue> {
    let mut cookie = SESSION.build("", is_over_tls);
    cookie.set_max_age(Duration::ZERO);
    to_header(&cookie)
}

/// Reads the secret of a browser that signs in with an issuer.
pub fn read_sign_in_secret(headers: &HeaderMap, is_over_tls: bool) -> Option<String> {
    SIGN_IN.read(headers, is_over_tls)
}

/// The value of `Set-Cookie` that ties sign-ins with an issuer to the browser, until the latest of them ends.
///
/// # Errors
/// [`Error::Internal`] if the secret is not the value of a cookie.
pub fn sign_in_cookie(secret: &str, is_over_tls: bool) -> Result<HeaderValue> {
    let mut cookie = SIGN_IN.build(secret, is_over_tls);
    cookie.set_max_age(Duration::seconds(ATTEMPT_LIFETIME.num_seconds()));
    to_header(&cookie)
}

fn to_header(cookie: &Cookie<'_>) -> Result<HeaderValue> {
    HeaderValue::from_str(&cookie.to_string())
        .map_err(|cause| Error::Internal(format!("a cookie cannot be sent: {cause}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers_with(cookies: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for one in cookies {
            headers.append(header::COOKIE, HeaderValue::from_static(one));
        }
        headers
    }

    #[test]
    fn cookie_has_its_attributes() {
        assert_eq!(
            session_cookie("abc", false).unwrap(),
            "wayin-session=abc; HttpOnly; SameSite=Lax; Path=/"
        );
        assert_eq!(
            session_cookie("abc", true).unwrap(),
            "__Host-wayin-session=abc; HttpOnly; SameSite=Lax; Secure; Path=/"
        );
        assert_eq!(
            removal_cookie(true).unwrap(),
            "__Host-wayin-session=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0"
        );
        assert_eq!(
            sign_in_cookie("abc", true).unwrap(),
            "__Host-wayin-sign-in=abc; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=600"
        );
        assert!(session_cookie("a\nb", false).is_err());
    }

    #[test]
    fn secret_is_read_from_the_cookie_of_the_right_name() {
        for (cookies, plain, secure) in [
            (&["wayin-session=abc"][..], Some("abc"), None),
            (&["a=b; wayin-session=abc; c=d"][..], Some("abc"), None),
            (&["a=b", "wayin-session=abc"][..], Some("abc"), None),
            (&["__Host-wayin-session=abc"][..], None, Some("abc")),
            // Over TLS, a cookie that another host could have set counts for nothing.
            (
                &["wayin-session=abc; __Host-wayin-session=def"][..],
                Some("abc"),
                Some("def"),
            ),
            (&["x-wayin-session=abc; wayin-session"][..], None, None),
            (&[][..], None, None),
        ] {
            let headers = headers_with(cookies);
            assert_eq!(
                read_session_secret(&headers, false).as_deref(),
                plain,
                "{cookies:?}"
            );
            assert_eq!(
                read_session_secret(&headers, true).as_deref(),
                secure,
                "{cookies:?}"
            );
        }
    }
}

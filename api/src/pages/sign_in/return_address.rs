//! The address to which a visitor returns after signing in.

use serde::Deserialize;
use wayin_entity::{Capability, Role};

const MAX_ADDRESS_BYTES: usize = 2_000;

/// Where the visitor wants to go.
#[derive(Debug, Default, Deserialize)]
pub struct NextAddress {
    #[serde(default)]
    pub next: String,
}

impl NextAddress {
    /// The address, if it is a path on this service. Empty if it is not.
    pub fn local(self) -> String {
        if is_local_path(&self.next) {
            self.next
        } else {
            String::new()
        }
    }
}

/// Whether an address is a path on this service, with parameters or without. Browsers read a backslash as a slash and ignore tabs
/// and line breaks, so an address with one of them could lead to another host.
pub fn is_local_path(address: &str) -> bool {
    address.len() <= MAX_ADDRESS_BYTES
        && address.starts_with('/')
        && !address.starts_with("//")
        && address
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

/// Where a member goes after signing in: to the page that the visitor wanted, or else to the page of the role.
pub fn choose_next(next: &str, role: Role) -> &str {
    if is_local_path(next) {
        return next;
    }
    if role.can(Capability::ReviewSubmissions) {
        "/review"
    } else if role.can(Capability::SubmitRecords) {
        "/send"
    } else if role.can(Capability::ActForOrganisation) {
        "/portfolio"
    } else {
        "/"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_on_this_service_are_local() {
        for local in [
            "/",
            "/send",
            "/explore?when=%7B%7D&then=%7B%7D#answer",
            "/claims/short-funding",
            "/a//b",
            "/@example.org",
            "/a:b",
            "/?next=https://example.org",
            "/%2F/example.org",
        ] {
            assert!(is_local_path(local), "{local}");
        }
        for other in [
            "",
            " /",
            "send",
            "//example.org",
            "///example.org",
            "/\\example.org",
            "\\\\example.org",
            "\\/example.org",
            "/\t/example.org",
            "/\n/example.org",
            "/\r\nSet-Cookie: a=b",
            "\t//example.org",
            "/\0",
            "/a b",
            "/é",
            "https://example.org",
            "https:example.org",
            "http:/example.org",
            "javascript:alert(1)",
            "data:text/html,a",
            "?next=/",
            "#a",
            ".",
            "./send",
        ] {
            assert!(!is_local_path(other), "{other:?}");
        }
        assert!(is_local_path(&format!("/{}", "a".repeat(MAX_ADDRESS_BYTES - 1))));
        assert!(!is_local_path(&format!("/{}", "a".repeat(MAX_ADDRESS_BYTES))));
    }

    #[test]
    fn each_role_has_a_first_page() {
        for (role, page) in [
            (Role::Funder, "/portfolio"),
            (Role::Partner, "/send"),
            (Role::Dashboard, "/"),
            (Role::Steward, "/review"),
        ] {
            assert_eq!(choose_next("", role), page);
            assert_eq!(choose_next("//example.org", role), page);
            assert_eq!(choose_next("/words", role), "/words");
        }
    }
}

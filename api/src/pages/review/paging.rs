//! Pages of lists: from addresses to arguments, and back.

use serde::{Deserialize, Serialize};

use crate::pages::operation::encode_parameter;

/// What a connection says about its page.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListPosition {
    has_previous_page: bool,
    has_next_page: bool,
    start_cursor: Option<String>,
    end_cursor: Option<String>,
}

/// The arguments of a page of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListWindow {
    first: Option<u32>,
    after: Option<String>,
    last: Option<u32>,
    before: Option<String>,
}

impl ListWindow {
    /// The page after a cursor or before one, or the first page.
    pub fn new(size: u32, after: Option<String>, before: Option<String>) -> Self {
        match (after, before) {
            (None, Some(before)) => Self {
                first: None,
                after: None,
                last: Some(size),
                before: Some(before),
            },
            (after, _) => Self {
                first: Some(size),
                after,
                last: None,
                before: None,
            },
        }
    }
}

/// The addresses of the pages before and after. Empty if there is none.
#[derive(Debug, Default)]
pub struct ListLinks {
    pub previous: String,
    pub next: String,
}

impl ListPosition {
    /// The addresses of the neighbouring pages of a list with parameters. Parameters without a value are left out.
    pub fn links(&self, path: &str, parameters: &[(&str, &str)]) -> ListLinks {
        let link = |name: &str, cursor: Option<&String>| {
            cursor.map_or_else(String::new, |cursor| {
                let all = parameters.iter().copied().chain([(name, cursor.as_str())]);
                build_address(path, all)
            })
        };
        ListLinks {
            previous: link(
                "before",
                self.start_cursor.as_ref().filter(|_| self.has_previous_page),
            ),
            next: link("after", self.end_cursor.as_ref().filter(|_| self.has_next_page)),
        }
    }
}

/// An address with the parameters that have a value.
pub fn build_address<'a>(path: &str, parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let given: Vec<String> = parameters
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encode_parameter(value)))
        .collect();
    if given.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", given.join("&"))
    }
}

/// A parameter of an address that has a value.
pub fn non_empty(parameter: Option<String>) -> Option<String> {
    parameter.filter(|value| !value.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_pages_keep_the_parameters() {
        let position = ListPosition {
            has_previous_page: false,
            has_next_page: true,
            start_cursor: Some("a".into()),
            end_cursor: Some("b=".into()),
        };
        let links = position.links("/review", &[("organisation", "O1"), ("role", "")]);
        assert_eq!(links.previous, "");
        assert_eq!(links.next, "/review?organisation=O1&after=b%3D");
    }

    #[test]
    fn page_is_after_or_before_a_cursor() {
        let after = ListWindow::new(20, Some("a".into()), None);
        assert_eq!((after.first, after.last), (Some(20), None));
        let before = ListWindow::new(20, None, Some("b".into()));
        assert_eq!((before.first, before.last), (None, Some(20)));
    }
}

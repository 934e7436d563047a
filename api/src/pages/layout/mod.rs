//! What surrounds the content of every page.

pub mod parts;

/// The pages that everyone can open: their names in the navigation, and their addresses.
pub const PUBLIC_PAGES: [(&str, &str); 4] = [
    ("Claims", "/"),
    ("Explore", "/explore"),
    ("Words", "/words"),
    ("Crises", "/crises"),
];

/// The header, the navigation and the footer of a page.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    pub title: String,
    pub navigation: Vec<NavigationItem>,
    /// Who is signed in. None for a visitor without a session.
    pub viewer: Option<LayoutViewer>,
    /// The value of the hidden field `csrf` of each form. Empty without a session.
    pub csrf: String,
    /// The address of the page's query in the explorer of the API.
    pub query_href: Option<String>,
    /// The modules that the page loads, by their file names.
    pub scripts: &'static [&'static str],
    /// Whether the page shows illustrative evidence.
    pub is_illustrative: bool,
    /// The day on which the page is rendered, such as "1 December 2026". Printed pages show it.
    pub date: String,
}

#[derive(Clone, Debug)]
pub struct NavigationItem {
    pub label: &'static str,
    pub href: &'static str,
    pub is_current: bool,
    /// How many things wait for the viewer there.
    pub count: Option<u32>,
}

#[derive(Clone, Debug)]
pub struct LayoutViewer {
    pub name: String,
    pub role: String,
}

impl Layout {
    /// The layout of a page that is shown before it is known who opens it.
    pub fn for_anyone(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            navigation: PUBLIC_PAGES
                .into_iter()
                .map(|(label, href)| NavigationItem {
                    label,
                    href,
                    is_current: false,
                    count: None,
                })
                .collect(),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn with_query(self, address: String) -> Self {
        Self {
            query_href: Some(address),
            ..self
        }
    }

    #[must_use]
    pub fn with_scripts(self, scripts: &'static [&'static str]) -> Self {
        Self { scripts, ..self }
    }

    #[must_use]
    pub fn with_illustrative_evidence(self, is_illustrative: bool) -> Self {
        Self {
            is_illustrative,
            ..self
        }
    }
}

//! Limits on what a request may ask for.

/// Why a document is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentLimitExceeded {
    /// There is too much of something.
    #[error("the document has too many {what}: at most {most} are taken")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        most: usize,
    },
    /// Something is nested too deep.
    #[error("{what} are nested too deep: at most {most} deep is taken")]
    TooDeep {
        /// What.
        what: &'static str,
        /// How deep it may be.
        most: usize,
    },
    /// A fragment spreads itself, at once or by way of others.
    #[error("the fragment {0} spreads itself")]
    Cycle(String),
}

/// In how many seconds what was refused can be asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter(pub u64);

impl std::fmt::Display for RetryAfter {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            1 => write!(to, "1 second"),
            seconds => write!(to, "{seconds} seconds"),
        }
    }
}

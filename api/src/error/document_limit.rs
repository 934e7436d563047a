//! Errors of limits.

/// A document exceeds a limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentLimitExceeded {
    #[error("the document has too many {what}: the maximum is {most}")]
    TooMany { what: &'static str, most: usize },
    #[error("{what} are nested too deep: the maximum depth is {most}")]
    TooDeep { what: &'static str, most: usize },
    /// A fragment contains itself, directly or through others.
    #[error("the fragment {0} contains itself")]
    Cycle(String),
}

/// The number of seconds after which a client can retry.
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

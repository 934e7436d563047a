//! A claim in the list of claims.

use super::operations::ListedClaim;
use crate::pages::answer::pictures::{PictureView, build_rate_bars};
use crate::pages::answer::wording::describe_unknown;

/// A claim with today's evidence.
pub struct ClaimCard {
    pub slug: String,
    pub statement: String,
    pub explore_address: String,
    pub headline: String,
    /// Of which records the figures are, if not of all.
    pub basis: Option<String>,
    /// A code of the enum `Verdict`.
    pub verdict: String,
    pub bars: PictureView,
    /// How many answers are not known.
    pub unknown: String,
    /// Who said it. None if the claim comes from no comment.
    pub origin: Option<String>,
    pub is_illustrative: bool,
}

impl ClaimCard {
    pub fn new(claim: ListedClaim) -> Self {
        let pattern = claim.pattern;
        Self {
            explore_address: claim.question.explore_address(),
            bars: PictureView::new(
                build_rate_bars(&format!("bars-{}", claim.slug), &pattern),
                &pattern.as_of,
                &pattern.licence,
            ),
            unknown: describe_unknown(&pattern),
            origin: claim.reflection.map(|reflection| reflection.describe_source()),
            is_illustrative: pattern.is_illustrative(),
            slug: claim.slug,
            statement: claim.statement,
            verdict: pattern.shown_verdict().to_owned(),
            headline: pattern.summary.headline,
            basis: pattern.summary.basis,
        }
    }
}

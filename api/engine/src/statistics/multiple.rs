//! Many tests at once.

/// The p-values corrected for how many were tried, over those that there are: the least
/// rate of false discoveries at which each would be taken for one.
///
/// Source: Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate: a
/// practical and powerful approach to multiple testing", Journal of the Royal
/// Statistical Society B 57 (1995).
pub fn benjamini_hochberg(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> = p_values
        .iter()
        .enumerate()
        .filter_map(|(at, p)| Some((at, (*p)?)))
        .collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let tried = order.len() as f64;
    let mut corrected = vec![None; p_values.len()];
    let mut least: f64 = 1.0;
    for (rank, (at, p)) in order.iter().enumerate().rev() {
        // Never under the p-value itself, by rounding either.
        least = least.min((p * tried / (rank + 1) as f64).max(*p));
        corrected[*at] = Some(least);
    }
    corrected
}

//! Correction for multiple tests.

/// The q-values of some p-values: for each, the lowest false discovery rate at which it would count as a discovery. Missing
/// p-values do not count as tests.
///
/// Source: Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate: a
/// practical and powerful approach to multiple testing", Journal of the Royal
/// Statistical Society B 57 (1995).
pub fn benjamini_hochberg(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> = p_values
        .iter()
        .enumerate()
        .filter_map(|(index, p)| Some((index, (*p)?)))
        .collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let tests = order.len() as f64;
    let mut corrected = vec![None; p_values.len()];
    let mut least: f64 = 1.0;
    for (rank, (index, p)) in order.iter().enumerate().rev() {
        // Rounding must not make a q-value smaller than its p-value.
        least = least.min((p * tests / (rank + 1) as f64).max(*p));
        corrected[*index] = Some(least);
    }
    corrected
}

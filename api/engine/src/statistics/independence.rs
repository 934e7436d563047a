//! Cells of a grid against what there would be if rows and columns were independent.

/// How many there would be; none of nothing.
pub fn expected(row: u64, column: u64, total: u64) -> Option<f64> {
    (total > 0).then(|| row as f64 * (column as f64 / total as f64))
}

/// How far a count is from what is expected, in standard errors; none where a margin is
/// empty or everything.
///
/// Source: S. J. Haberman, "The analysis of residuals in cross-classified tables",
/// Biometrics 29 (1973): the adjusted residual, R's `chisq.test(..)$stdres`.
pub fn standardised_residual(observed: u64, row: u64, column: u64, total: u64) -> Option<f64> {
    let expected = expected(row, column, total)?;
    let left = |margin: u64| 1.0 - margin as f64 / total as f64;
    let variance = expected * left(row) * left(column);
    let residual = (observed as f64 - expected) / variance.sqrt();
    (variance > 0.0 && residual.is_finite()).then_some(residual)
}

//! Cells of a grid compared with independence of rows and columns.

/// The expected count of a cell; none if the total is 0.
pub fn expected(row: u64, column: u64, total: u64) -> Option<f64> {
    (total > 0).then(|| row as f64 * (column as f64 / total as f64))
}

/// The standardised residual: the difference between a count and the expected count, in standard errors. None if a margin
/// is 0 or equals the total.
///
/// Source: S. J. Haberman, "The analysis of residuals in cross-classified tables",
/// Biometrics 29 (1973): the adjusted residual, R's `chisq.test(..)$stdres`.
pub fn standardised_residual(observed: u64, row: u64, column: u64, total: u64) -> Option<f64> {
    let expected = expected(row, column, total)?;
    let rest = |margin: u64| 1.0 - margin as f64 / total as f64;
    let variance = expected * rest(row) * rest(column);
    let residual = (observed as f64 - expected) / variance.sqrt();
    (variance > 0.0 && residual.is_finite()).then_some(residual)
}

//! The tables of a file, whatever its format.

use wayin_engine::disclosure::DisclosedCount;
use wayin_engine::statistics::Estimate;

use super::super::graphql::parts::to_graphql_count;

/// A cell of a table. Numbers are rounded in the same way in every format.
#[derive(Clone, Debug, PartialEq)]
pub enum ExportCell {
    /// Suppressed, not known or not computable.
    Empty,
    /// Words or a key.
    Text(String),
    /// A count or another whole number.
    Integer(i64),
    /// A number that is rounded to a number of decimal places.
    Decimal { value: f64, places: u8 },
    /// A number that is rounded to [`SIGNIFICANT_DIGITS`].
    Significant(f64),
}

/// The decimal places of percentages and percentage points.
const PERCENT_PLACES: u8 = 1;
/// The decimal places of ratios and of numbers without a unit.
const RATIO_PLACES: u8 = 2;
/// The significant digits of p-values.
const SIGNIFICANT_DIGITS: usize = 3;

impl ExportCell {
    /// A cell of words or of a key.
    pub fn from_text(words: impl Into<String>) -> Self {
        Self::Text(words.into())
    }

    /// The published count; empty if it is suppressed.
    pub fn from_count(shown: &DisclosedCount) -> Self {
        to_graphql_count(shown).map_or(Self::Empty, Self::Integer)
    }

    /// A share, or a difference of shares, as a percentage.
    pub fn from_share(share: Option<f64>) -> Self {
        share.map_or(Self::Empty, |share| Self::Decimal {
            value: share * 100.0,
            places: PERCENT_PLACES,
        })
    }

    /// A ratio, or another number without a unit.
    pub fn from_ratio(ratio: Option<f64>) -> Self {
        ratio.map_or(Self::Empty, |value| Self::Decimal {
            value,
            places: RATIO_PLACES,
        })
    }

    /// A p-value or a q-value.
    pub fn from_p_value(p_value: Option<f64>) -> Self {
        p_value.map_or(Self::Empty, Self::Significant)
    }

    /// Yes or no.
    pub fn from_bool(holds: bool) -> Self {
        Self::from_text(if holds { "yes" } else { "no" })
    }

    /// The digits of a number, rounded. None for a text and an empty cell.
    pub fn format_number(&self) -> Option<String> {
        match *self {
            Self::Empty | Self::Text(_) => None,
            Self::Integer(number) => Some(number.to_string()),
            Self::Decimal { value, places } => {
                let digits = format!("{value:.*}", usize::from(places));
                // A small negative number would read "-0.0".
                let is_zero = digits.chars().all(|digit| matches!(digit, '-' | '0' | '.'));
                Some(if is_zero { digits.replace('-', "") } else { digits })
            }
            Self::Significant(value) => Some(format!("{:?}", round_to_significant(value))),
        }
    }

    /// The number that [`format_number`](Self::format_number) writes.
    pub fn to_number(&self) -> Option<f64> {
        self.format_number()?.parse().ok()
    }
}

fn round_to_significant(value: f64) -> f64 {
    let digits = format!("{value:.*e}", SIGNIFICANT_DIGITS - 1);
    digits.parse().unwrap_or(value)
}

/// The cells of an estimate: its value, and the lower and the upper end of its interval. `to_cell` rounds each.
pub fn list_estimate_cells(
    estimate: Option<Estimate>,
    to_cell: fn(Option<f64>) -> ExportCell,
) -> [ExportCell; 3] {
    [
        estimate.map(|one| one.value),
        estimate.map(|one| one.lower),
        estimate.map(|one| one.upper),
    ]
    .map(to_cell)
}

/// A table: the words above its columns, and rows of as many cells.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportTable {
    /// The header of each column.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<ExportCell>>,
}

impl ExportTable {
    /// Creates a table.
    pub fn new(columns: impl IntoIterator<Item: ToString>, rows: Vec<Vec<ExportCell>>) -> Self {
        let columns = columns.into_iter().map(|header| header.to_string()).collect();
        Self { columns, rows }
    }
}

#[cfg(test)]
mod tests {
    use super::ExportCell;

    #[test]
    fn numbers_are_rounded() {
        for (cell, digits) in [
            (ExportCell::Integer(-1), "-1"),
            (ExportCell::from_share(Some(0.571_43)), "57.1"),
            (ExportCell::from_share(Some(-0.000_1)), "0.0"),
            (ExportCell::from_share(Some(-0.25)), "-25.0"),
            (ExportCell::from_ratio(Some(1.0)), "1.00"),
            (ExportCell::from_ratio(Some(12.345_6)), "12.35"),
            (ExportCell::from_p_value(Some(0.031_249)), "0.0312"),
            (ExportCell::from_p_value(Some(1.0)), "1.0"),
            (ExportCell::from_p_value(Some(1.254_9e-9)), "1.25e-9"),
        ] {
            assert_eq!(cell.format_number().as_deref(), Some(digits));
            assert_eq!(cell.to_number(), digits.parse().ok());
        }
        assert_eq!(ExportCell::from_share(None), ExportCell::Empty);
        assert_eq!(ExportCell::Empty.to_number(), None);
        assert_eq!(ExportCell::from_text("1").to_number(), None);
    }
}

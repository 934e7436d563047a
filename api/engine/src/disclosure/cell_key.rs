//! The noise that a cell key adds to a count before it is rounded.

use std::collections::HashMap;

/// The noise for each key: mean 0, variance 4, from -5 to 5. The table need not be secret, because the keys depend on the
/// secret of the instance.
#[rustfmt::skip]
const DEFAULT_NOISE_BY_KEY: [i8; 256] = [
    1, 0, 2, -2, 4, -1, 0, -1, -1, 0, 1, -5, -1, -3, 1, -1,
    -1, 2, 0, 1, -2, 3, 1, 0, 2, -3, 3, -3, -1, 0, 2, 1,
    -1, 0, -2, -2, 2, -1, 5, 1, -2, 0, -3, -3, -3, -4, 0, -2,
    1, 2, 2, 0, 0, 1, -2, 2, 0, 2, 0, -3, -1, -1, 1, -2,
    1, 1, -4, -5, 1, -1, -1, 2, -1, -2, 0, 2, -2, -1, 2, 1,
    5, -4, -2, -1, 1, -2, -1, -1, 2, 0, -2, 0, 1, 2, 1, 1,
    1, -2, 0, -3, -2, 1, -2, 0, 1, 0, -2, 1, 2, -1, 0, 0,
    2, 3, -5, -2, 0, 0, 0, 1, 2, 0, 0, -1, 4, 2, -3, 3,
    -1, 1, 2, -1, -2, -4, 3, -3, 0, 2, 4, -1, -3, 1, 3, 0,
    1, 1, -1, 5, -2, -3, 1, 3, 1, 1, 0, 1, 3, -1, -1, 0,
    1, -2, 0, 3, 0, -2, 5, -1, -3, 2, 1, -4, -2, 2, -1, -1,
    2, -3, 4, 0, 1, 1, -2, -3, -1, -1, -3, 1, 0, 0, 1, 1,
    1, 3, 3, -1, -1, -3, 3, -1, -1, 2, 2, -1, -1, -1, -1, 3,
    1, 2, -2, 0, 2, -1, -2, 3, 1, 1, 2, -2, 3, -1, 0, -3,
    -2, 0, 0, 1, 2, -1, 1, 1, 0, 3, -2, 0, -2, 1, 4, -1,
    0, 0, 2, 0, 0, -2, -1, -1, 3, -1, 0, 2, 3, 0, 0, -5,
];

/// The noise of each count and key. In the tables of the Office for National Statistics it depends on both; in the default
/// table it depends on the key only.
#[derive(Clone, Debug)]
pub struct PerturbationTable {
    /// One row for each count from 1, or a single row for all counts.
    by_count: Box<[CountPerturbation]>,
}

/// The noise of one count.
#[derive(Clone, Debug)]
struct CountPerturbation {
    by_key: Box<[i32; 256]>,
    variance: f64,
}

impl CountPerturbation {
    fn new(by_key: Box<[i32; 256]>) -> Self {
        let values = by_key.iter().map(|value| f64::from(*value));
        let (sum, squares) = values.fold((0.0, 0.0), |(sum, squares), value| {
            (sum + value, squares + value * value)
        });
        let mean = sum / 256.0;
        Self {
            by_key,
            variance: squares / 256.0 - mean * mean,
        }
    }
}

/// Why a table cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PerturbationTableError {
    /// It is not a CSV file with the columns pcv, ckey and pvalue.
    #[error("it is no CSV file with the columns pcv, ckey and pvalue of whole numbers: {0}")]
    Malformed(#[from] csv::Error),
    /// A line is out of range.
    #[error("pcv {count}, ckey {key}: pcv goes from 1 to 750, ckey from 0 to 255")]
    OutOfRange {
        /// The count.
        count: u64,
        /// The key.
        key: u64,
    },
    /// A line is missing.
    #[error("there is no line for pcv {count} and ckey {key}")]
    Missing {
        /// The count.
        count: usize,
        /// The key.
        key: usize,
    },
}

/// The number of rows of a table by count.
const TABLE_COUNTS: usize = 750;
/// How many of the last rows are repeated for larger counts.
const REPEATED_COUNTS: u64 = 250;

impl Default for PerturbationTable {
    fn default() -> Self {
        Self::from_key_values(DEFAULT_NOISE_BY_KEY)
    }
}

impl PerturbationTable {
    /// A table whose noise depends on the key only.
    pub fn from_key_values(values: [i8; 256]) -> Self {
        Self {
            by_count: Box::new([CountPerturbation::new(Box::new(values.map(i32::from)))]),
        }
    }

    /// Reads a table in the format of the Office for National Statistics: CSV with the columns `pcv` (the count, 1 to 750),
    /// `ckey` (the key, 0 to 255) and `pvalue` (the noise).
    pub fn parse(table: impl std::io::Read) -> Result<Self, PerturbationTableError> {
        let mut values: HashMap<(usize, usize), i32> = HashMap::new();
        let mut lines = csv::Reader::from_reader(table);
        for line in lines.deserialize() {
            let (count, key, value) = read_line(line?)?;
            values.insert((count, key), value);
        }
        let mut rows = vec![[0; 256]; TABLE_COUNTS];
        for (row, values_of_row) in rows.iter_mut().enumerate() {
            for (key, value) in values_of_row.iter_mut().enumerate() {
                let count = row + 1;
                *value = *values
                    .get(&(count, key))
                    .ok_or(PerturbationTableError::Missing { count, key })?;
            }
        }
        Ok(Self {
            by_count: rows
                .into_iter()
                .map(|row| CountPerturbation::new(Box::new(row)))
                .collect(),
        })
    }

    /// The noise of a count with a key.
    pub fn get(&self, count: u64, key: u8) -> i64 {
        self.find_row(count)
            .map_or(0, |row| row.by_key[usize::from(key)].into())
    }

    /// The variance of the noise of a count.
    pub fn variance(&self, count: u64) -> f64 {
        self.find_row(count).map_or(0.0, |row| row.variance)
    }

    fn find_row(&self, count: u64) -> Option<&CountPerturbation> {
        if let [row] = &*self.by_count {
            return Some(row);
        }
        let row = if count <= TABLE_COUNTS as u64 {
            count
        } else {
            (count - 1) % REPEATED_COUNTS + (TABLE_COUNTS as u64 - REPEATED_COUNTS) + 1
        };
        self.by_count.get(usize::try_from(row.checked_sub(1)?).ok()?)
    }
}

#[derive(serde::Deserialize)]
struct PerturbationRecord {
    pcv: u64,
    ckey: u64,
    pvalue: i32,
}

fn read_line(line: PerturbationRecord) -> Result<(usize, usize, i32), PerturbationTableError> {
    let PerturbationRecord { pcv, ckey, pvalue } = line;
    match (usize::try_from(pcv), usize::try_from(ckey)) {
        (Ok(count @ 1..=TABLE_COUNTS), Ok(key @ 0..=255)) => Ok((count, key, pvalue)),
        _ => Err(PerturbationTableError::OutOfRange {
            count: pcv,
            key: ckey,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn default_table_has_documented_mean_variance_and_range() {
        let values = DEFAULT_NOISE_BY_KEY.map(i64::from);
        assert_eq!(values.iter().sum::<i64>(), 0, "mean 0");
        assert_eq!(
            values.iter().map(|value| value * value).sum::<i64>(),
            4 * 256,
            "variance 4"
        );
        assert!(values.iter().all(|value| (-5..=5).contains(value)));
        assert!((PerturbationTable::default().variance(17) - 4.0).abs() < 1e-12);
    }

    fn render_table(pvalue: impl Fn(usize, usize) -> i32) -> String {
        let mut csv = "pcv,ckey,pvalue\n".to_owned();
        for count in 1..=750 {
            for key in 0..256 {
                writeln!(csv, "{count},{key},{}", pvalue(count, key)).unwrap();
            }
        }
        csv
    }

    #[test]
    fn counts_above_the_table_reuse_the_last_rows() {
        let noise = PerturbationTable::parse(
            render_table(|count, key| i32::try_from(count * 1_000 + key).unwrap()).as_bytes(),
        )
        .unwrap();
        for (count, row) in [
            (1, 1),
            (750, 750),
            (751, 501),
            (1_000, 750),
            (1_001, 501),
            (10_750, 750),
        ] {
            assert_eq!(noise.get(count, 7), row * 1_000 + 7, "{count}");
        }
        assert_eq!(noise.get(0, 7), 0);
    }

    #[test]
    fn malformed_table_is_rejected_with_its_line() {
        let whole = render_table(|_, _| 0);
        for (csv, complaint) in [
            (
                whole.replace("\n17,200,0\n", "\n"),
                "no line for pcv 17 and ckey 200",
            ),
            (whole.replace("\n17,200,0\n", "\n17,256,0\n"), "pcv 17, ckey 256"),
            (whole.replace("\n17,200,0\n", "\n17,200,x\n"), "whole numbers"),
            ("a,b\n1,2\n".into(), "pcv"),
        ] {
            let error = PerturbationTable::parse(csv.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(complaint), "{error}");
        }
    }
}

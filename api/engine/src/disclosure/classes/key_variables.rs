//! The key variables by which classes are formed, in the order of their priority, and what is published about a class.

use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate};

use crate::index::{Chunk, PlaceDictionary, from_day_number};

/// The number of key variables by which classes are formed.
const KEY_VARIABLE_COUNT: usize = 3;

/// The order in which classes are divided by key variables: the one that matters most is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPriority([KeyVariable; KEY_VARIABLE_COUNT]);

impl Default for KeyPriority {
    fn default() -> Self {
        Self([
            KeyVariable::ShortFunding,
            KeyVariable::Region,
            KeyVariable::YearStarted,
        ])
    }
}

impl KeyPriority {
    /// The steps in which classes are divided.
    fn levels(self) -> [KeyLevel; KEY_LEVEL_COUNT] {
        let of_variable = |variable| match variable {
            KeyVariable::ShortFunding => &[KeyLevel::ShortFunding][..],
            KeyVariable::Region => &[KeyLevel::Region],
            KeyVariable::YearStarted => &[KeyLevel::FiveYearsStarted, KeyLevel::YearStarted],
        };
        let mut levels = [KeyLevel::YearStarted; KEY_LEVEL_COUNT];
        let listed = self.0.into_iter().flat_map(of_variable);
        levels
            .iter_mut()
            .zip(listed)
            .for_each(|(level, next)| *level = *next);
        levels
    }

    /// Parses the codes of the key variables, separated by commas.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(list: &str) -> Result<Self, String> {
        let all = Self::default().0;
        let codes = || all.map(KeyVariable::code).join(", ");
        let find = |code: &str| {
            let found = all.into_iter().find(|variable| variable.code() == code);
            found.ok_or_else(|| format!("{code:?} is not a key variable; there are {}", codes()))
        };
        let listed: Vec<KeyVariable> = list
            .split(',')
            .map(str::trim)
            .map(find)
            .collect::<Result<_, _>>()?;
        let is_each_there = all.iter().all(|variable| listed.contains(variable));
        match <[KeyVariable; KEY_VARIABLE_COUNT]>::try_from(listed) {
            Ok(listed) if is_each_there => Ok(Self(listed)),
            _ => Err(format!("each of {} must be there once", codes())),
        }
    }
}

/// The longest duration, in months, of funding that counts as short.
pub const SHORT_FUNDING_MONTHS: i32 = 18;

/// The value of records for which it is not known.
const NOT_KNOWN: u32 = u32::MAX - 1;
/// The value of records that differ.
const MIXED: u32 = u32::MAX;

/// A key variable by which classes can be formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyVariable {
    /// Whether some funding is for 18 months or less.
    ShortFunding,
    /// The region.
    Region,
    /// The year in which it started.
    YearStarted,
}

impl KeyVariable {
    /// Its code in settings.
    const fn code(self) -> &'static str {
        match self {
            Self::ShortFunding => "SHORT_FUNDING",
            Self::Region => "REGION",
            Self::YearStarted => "YEAR_STARTED",
        }
    }
}

/// One step of dividing records into classes: by the values of a key variable, or by bands of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyLevel {
    ShortFunding,
    Region,
    /// Five years in which it started.
    FiveYearsStarted,
    YearStarted,
}

/// The number of steps in which classes are divided by key variables.
pub const KEY_LEVEL_COUNT: usize = 4;

/// How many years are in a band.
const BAND_YEARS: i32 = 5;

impl KeyLevel {
    /// The value of a record. Only equality and order matter.
    fn find_value(self, chunk: &Chunk, row: usize, places: &PlaceDictionary) -> u32 {
        let find_year = || {
            let day = chunk.started_on.get(row).and_then(from_day_number);
            day.and_then(|day| u32::try_from(day.year()).ok())
        };
        let value = match self {
            Self::ShortFunding => is_funded_for_short(chunk, row).map(u32::from),
            Self::Region => {
                let place = chunk.places.get(row).and_then(|place| u32::try_from(place).ok());
                place.and_then(|place| places.get(place).regions.first().copied())
            }
            Self::FiveYearsStarted => find_year().map(|year| year - year % BAND_YEARS.unsigned_abs()),
            Self::YearStarted => find_year(),
        };
        value.unwrap_or(NOT_KNOWN)
    }
}

/// Whether some funding is for 18 months or less, as in the condition on funding terms.
fn is_funded_for_short(chunk: &Chunk, row: usize) -> Option<bool> {
    let mut durations = chunk.term_range(row).map(|term| chunk.duration_months.get(term));
    let first = durations.next()?;
    let is_short = |months: Option<i64>| months.map(|months| months <= i64::from(SHORT_FUNDING_MONTHS));
    durations
        .map(is_short)
        .fold(is_short(first), |any, one| match (any, one) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        })
}

/// Which values of a key are mixed.
pub type KeyMask = [bool; KEY_LEVEL_COUNT];

/// The values of the key variables that some records share, and whether the records are illustrative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassKey {
    /// Illustrative records are never in one class with others.
    pub is_illustrative: bool,
    /// The values in the order in which classes are divided.
    pub values: [u32; KEY_LEVEL_COUNT],
}

impl ClassKey {
    /// The key of one record.
    pub fn of_record(chunk: &Chunk, row: usize, places: &PlaceDictionary, priority: KeyPriority) -> Self {
        Self {
            is_illustrative: chunk.illustrative.contains(row),
            values: priority
                .levels()
                .map(|level| level.find_value(chunk, row, places)),
        }
    }

    /// The key of the records of both.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let merge = |at: usize| {
            if self.values[at] == other.values[at] {
                self.values[at]
            } else {
                MIXED
            }
        };
        Self {
            values: std::array::from_fn(merge),
            ..self
        }
    }

    /// Which of its values are mixed.
    pub fn mask(self) -> KeyMask {
        self.values.map(|value| value == MIXED)
    }

    /// The key with some values mixed.
    #[must_use]
    pub fn apply_mask(self, mask: KeyMask) -> Self {
        let value = |at: usize| if mask[at] { MIXED } else { self.values[at] };
        Self {
            values: std::array::from_fn(value),
            ..self
        }
    }

    /// What is published about the records, given the priority of the key.
    pub fn describe(self, priority: KeyPriority) -> ClassDescription {
        let mut description = ClassDescription::default();
        for (level, value) in priority.levels().into_iter().zip(self.values) {
            let known = Some(value).filter(|value| !matches!(*value, NOT_KNOWN | MIXED));
            match level {
                KeyLevel::ShortFunding => description.is_funded_for_short = known.map(|value| value == 1),
                KeyLevel::Region => description.region = known,
                KeyLevel::FiveYearsStarted => {
                    description.started_in = known.and_then(|year| list_days(year, BAND_YEARS));
                }
                KeyLevel::YearStarted => {
                    let of_year = known.and_then(|year| list_days(year, 1));
                    description.started_in = of_year.or(description.started_in);
                }
            }
        }
        description
    }
}

/// The first and the last day of some years.
fn list_days(first_year: u32, years: i32) -> Option<RangeInclusive<NaiveDate>> {
    let first_year = i32::try_from(first_year).ok()?;
    let first = NaiveDate::from_ymd_opt(first_year, 1, 1)?;
    let last = NaiveDate::from_ymd_opt(first_year + years - 1, 12, 31)?;
    Some(first..=last)
}

/// What is published about all records of a class. What it does not say may differ between the records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClassDescription {
    /// Whether some funding is for [`SHORT_FUNDING_MONTHS`] or less. If so or if not, there is funding.
    pub is_funded_for_short: Option<bool>,
    /// The number of the region, which is the first one of the place.
    pub region: Option<u32>,
    /// The years in which they started: one year or five.
    pub started_in: Option<RangeInclusive<NaiveDate>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_name_each_key_variable_once() {
        let listed = KeyPriority::parse("REGION, SHORT_FUNDING,YEAR_STARTED");
        let expected = [
            KeyVariable::Region,
            KeyVariable::ShortFunding,
            KeyVariable::YearStarted,
        ];
        assert_eq!(listed, Ok(KeyPriority(expected)));
        for wrong in [
            "",
            "REGION",
            "REGION,REGION,YEAR_STARTED",
            "REGION,SHORT_FUNDING,YEAR_STARTED,REGION",
            "PLACE",
        ] {
            assert!(KeyPriority::parse(wrong).is_err(), "{wrong:?} is accepted");
        }
    }
}

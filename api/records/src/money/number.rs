//! Decimal numbers as people and programs write them, parsed without floating point.

use crate::text::quote;

/// The decimal sign of a file.
///
/// It matters for one form only: up to three digits, a sign and three digits. `1.500` is 1.5 if the decimal sign is a
/// point. If it can also be a comma, `1.500` may mean 1500. `1,500` is always ambiguous. All other numbers have one
/// meaning: `15000,50`, `1,500.00` and `1.500,00`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DecimalSign {
    /// A point.
    #[default]
    Point,
    /// A point or a comma, as in tables with columns separated by semicolons or tabs.
    PointOrComma,
}

/// Parses a number in one of the forms of JSON and spreadsheets: `15000`, `1.5e4`, `15 000,50`, `1,500,000.00`. Returns
/// `None` if the text is not a number, and an error if it has more than one meaning.
pub(super) fn parse_decimal(text: &str, sign: DecimalSign) -> Result<Option<Decimal>, String> {
    let is_plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'e' | b'E');
    if sign == DecimalSign::Point
        && text.bytes().all(|byte| is_plain(byte) || byte == b'.')
        && let Some(number) = Decimal::parse(text)
    {
        return Ok(Some(number));
    }
    let signs: Vec<(usize, char)> = text
        .char_indices()
        .filter(|(_, letter)| matches!(letter, '.' | ','))
        .collect();
    let last = signs.last().copied();
    let is_repeated = |(_, letter): (usize, char)| signs.iter().filter(|other| other.1 == letter).count() > 1;
    let is_mixed = last.is_some_and(|last| signs.iter().any(|other| other.1 != last.1));
    let decimal = match last {
        // Of two kinds of sign, the last is the decimal sign. A sign that is repeated separates thousands.
        Some(last) if is_mixed && is_repeated(last) => return Ok(None),
        Some(last) if is_repeated(last) => None,
        last => last,
    };
    let (whole, decimals) = match decimal {
        Some((at, _)) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    };
    let Some(digits) = strip_thousands_separators(whole) else {
        return Ok(None);
    };
    if let Some((_, letter)) = decimal
        && !is_mixed
        && (letter == ',' || sign == DecimalSign::PointOrComma)
        && could_be_thousands(whole, decimals)
    {
        let (thousands, fraction) = (format!("{digits}{decimals}"), format!("{digits}.{decimals}"));
        return Err(format!(
            "{} may mean {thousands} or {fraction}; write the number without a sign between thousands, with as many \
             decimals as the currency has, such as {thousands}.00",
            quote(text)
        ));
    }
    let plain = if decimal.is_some() {
        format!("{digits}.{decimals}")
    } else {
        digits
    };
    Ok(Decimal::parse(&plain))
}

/// Removes the thousands separators from the whole part. Returns `None` if they do not separate thousands.
fn strip_thousands_separators(whole: &str) -> Option<String> {
    let is_separator =
        |letter: char| matches!(letter, '.' | ',' | '\'' | '\u{2019}') || letter.is_whitespace();
    let number = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let Some(separator) = number.chars().find(|letter| is_separator(*letter)) else {
        return Some(whole.to_owned());
    };
    let mut groups = number.split(separator);
    let is_group = |group: &str| group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next()?;
    let is_first = (1..=3).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_digit());
    (is_first && groups.all(is_group)).then(|| whole.replace(separator, ""))
}

/// Returns whether the sign between the two parts can be a thousands separator.
fn could_be_thousands(whole: &str, decimals: &str) -> bool {
    let number = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    (1..=3).contains(&number.len())
        && !number.starts_with('0')
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && decimals.len() == 3
        && decimals.bytes().all(|byte| byte.is_ascii_digit())
}

/// Parses a whole number, where `12.0` is 12. Returns `None` if the text is none, or has more than one meaning.
pub(crate) fn parse_integer(text: &str, sign: DecimalSign) -> Option<i64> {
    let number = parse_decimal(text.trim(), sign).ok()??;
    let units = number.split(0).filter(|(_, excess)| excess.is_empty())?.0;
    i64::try_from(if number.negative { -units } else { units }).ok()
}

/// A decimal number: 0.d1d2d3… times ten to the power of `point`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    /// Whether the number is below zero. Never set for zero.
    pub(super) negative: bool,
    /// The significant digits in ASCII. Empty for zero.
    pub(super) digits: Vec<u8>,
    /// The position of the decimal point, relative to the first digit.
    point: i64,
}

impl Decimal {
    /// Parses a number in a form of JSON: `15000`, `15000.50`, `1.5e4`.
    fn parse(text: &str) -> Option<Self> {
        let (signed, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, parse_exponent(exponent)?),
            None => (text, 0),
        };
        let unsigned = signed.strip_prefix(['-', '+']).unwrap_or(signed);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let mut digits = [whole, fraction].concat().into_bytes();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let leading = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..leading);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()?;
        Some(Self {
            negative: signed.starts_with('-') && !digits.is_empty(),
            point: point.saturating_add(exponent),
            digits,
        })
    }

    /// Multiplies the number by ten to the power of `places` and splits it into the whole part and the digits after it.
    /// Returns `None` if the whole part has over 19 digits.
    pub(super) fn split(&self, places: i64) -> Option<(i128, &[u8])> {
        let point = self.point.saturating_add(places);
        if self.digits.is_empty() {
            return Some((0, &[]));
        }
        if point < 0 {
            return Some((0, &self.digits));
        }
        let point = usize::try_from(point).ok().filter(|point| *point <= 19)?;
        let (whole, excess) = self.digits.split_at(point.min(self.digits.len()));
        let padding = std::iter::repeat_n(&b'0', point - whole.len());
        let units = whole
            .iter()
            .chain(padding)
            .fold(0, |units, digit| units * 10 + i128::from(digit - b'0'));
        Some((units, excess))
    }

    /// Returns whether the digits after `places` decimals are half a unit or more.
    pub(super) fn is_at_least_half(&self, places: i64, excess: &[u8]) -> bool {
        // If the number begins later, the first of these digits is a zero.
        self.point.saturating_add(places) >= 0 && excess.first().is_some_and(|next| *next >= b'5')
    }

    /// Returns whether the digits after the minor unit are the rounding error of a binary float: the number has 16 or 17
    /// digits, and these begin with a run of zeros or nines.
    pub(super) fn is_float_noise(&self, excess: &[u8]) -> bool {
        const MIN_NOISE_RUN_DIGITS: usize = 4;
        excess.get(..MIN_NOISE_RUN_DIGITS).is_some_and(|run| {
            self.digits.len() >= 16
                && excess.len() < self.digits.len()
                && (run.iter().all(|d| *d == b'0') || run.iter().all(|d| *d == b'9'))
        })
    }
}

/// Parses the power of ten after an `e`. A number that is too large becomes the largest.
fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse().unwrap_or(i64::MAX);
    Some(if text.starts_with('-') { -size } else { size })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse_plain(text: &str, sign: DecimalSign) -> Result<Option<Decimal>, String> {
        parse_decimal(text, sign)
    }

    #[test]
    fn thousands_separators_and_decimal_commas_are_parsed() {
        for sign in [DecimalSign::Point, DecimalSign::PointOrComma] {
            for (text, number) in [
                ("15000,50", "15000.50"),
                ("15 000,50", "15000.5"),
                ("15\u{a0}000,50", "15000.5"),
                ("1\u{202f}500\u{202f}000", "1500000"),
                ("15'000.50", "15000.5"),
                ("1,500.00", "1500"),
                ("1.500,00", "1500"),
                ("1,500,000", "1500000"),
                ("1.500.000", "1500000"),
                ("-1.500.000,5", "-1500000.5"),
                ("15000.50", "15000.50"),
                ("12,0", "12"),
                ("0,125", "0.125"),
                ("1500,125", "1500.125"),
                ("1500.125", "1500.125"),
                ("0.125", "0.125"),
                ("1.5e4", "15000"),
            ] {
                assert_eq!(parse_plain(text, sign), Ok(Decimal::parse(number)), "{text}");
                assert!(Decimal::parse(number).is_some());
            }
            for text in [
                "1,50,000",
                "15 00",
                "1,5,0",
                "1.2.3",
                "1,500.000,00",
                "1 500 00",
                "1,,000",
                "",
                ",",
                "£15",
                "1,500,00.5",
            ] {
                assert_eq!(parse_plain(text, sign), Ok(None), "{text}");
            }
            assert!(
                parse_plain("1,500", sign)
                    .unwrap_err()
                    .contains("may mean 1500 or 1.500")
            );
        }
        assert_eq!(
            parse_plain("1.500", DecimalSign::Point),
            Ok(Decimal::parse("1.5"))
        );
        assert!(parse_plain("1.500", DecimalSign::PointOrComma).is_err());
    }

    #[test]
    fn integers_may_have_zero_decimals() {
        for (text, number) in [
            ("12.0", Some(12)),
            ("12,00", Some(12)),
            ("-3", Some(-3)),
            ("1e3", Some(1000)),
            ("12.5", None),
            ("1,500", None),
            ("year", None),
        ] {
            assert_eq!(parse_integer(text, DecimalSign::Point), number, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_number_is_the_same_with_and_without_signs_between_thousands(minor in 0_i64..10_000_000_000_000, european in any::<bool>()) {
            let (between, before) = if european { ('.', ',') } else { (',', '.') };
            let digits = (minor / 100).to_string();
            let mut grouped = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at) % 3 == 0 {
                    grouped.push(between);
                }
                grouped.push(digit);
            }
            let text = format!("{grouped}{before}{:02}", minor % 100);
            for sign in [DecimalSign::Point, DecimalSign::PointOrComma] {
                prop_assert_eq!(parse_plain(&text, sign), Ok(Decimal::parse(&format!("{digits}.{:02}", minor % 100))));
            }
        }
    }
}

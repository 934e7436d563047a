//! Amounts of money as people in Britain write them, such as `15,000`, `£15,000.50` and `15 000 GBP`.

use std::borrow::Cow;

use wayin_records::money::{DecimalSign, format_all_decimals, is_standard_currency};
use wayin_records::workbook::parse_cell::parse_amount;

/// The currency that the form suggests for an amount.
pub const SUGGESTED_CURRENCY: &str = "GBP";

/// The signs of currencies, each with the currencies that it may mean.
const CURRENCY_SIGNS: &[(&str, &[&str])] = &[
    ("£", &["GBP", "GIP", "FKP", "SHP"]),
    ("€", &["EUR"]),
    ("$", &["USD", "AUD", "CAD", "NZD", "HKD", "SGD"]),
    ("¥", &["JPY", "CNY"]),
    ("₹", &["INR"]),
];

/// Why a text is not an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// The currency is not known.
    #[error("write the currency too, such as GBP for pounds")]
    NoCurrency,
    /// The text names another currency than the record does.
    #[error("“{text}” says {written}, but the currency is {currency}. Correct one of the two")]
    OtherCurrency {
        text: String,
        written: String,
        currency: String,
    },
    /// The amount is below zero.
    #[error("“{0}” is below zero. Write the amount without a minus sign")]
    Negative(String),
    /// The amount has a fraction of the currency's smallest unit.
    #[error("“{text}” has more decimals than {currency} has. Write it as 15,000 or 15,000.50")]
    TooManyDecimals { text: String, currency: String },
    /// The text is not a number.
    #[error("“{0}” is not an amount. Write the number in digits, such as 15,000 or 15,000.50")]
    NotNumber(String),
}

/// Reads an amount in the minor unit of its currency. The text may have commas or spaces between thousands, and the sign or the
/// code of the currency before or after the number.
///
/// # Errors
/// If the text is not an amount in the currency.
pub fn read_amount(text: &str, currency: Option<&str>) -> Result<i64, AmountError> {
    let text = text.trim();
    let currency = currency.map(str::trim).filter(|currency| !currency.is_empty());
    let currency = currency.ok_or(AmountError::NoCurrency)?.to_ascii_uppercase();
    let (written, number) = split_currency(text);
    if !written.is_empty() && !can_mean(written, &currency) {
        return Err(if is_currency(written) {
            AmountError::OtherCurrency {
                text: text.to_owned(),
                written: written.to_owned(),
                currency,
            }
        } else {
            AmountError::NotNumber(text.to_owned())
        });
    }
    let number = remove_thousands_commas(number);
    let (value, problem) = parse_amount(&number, Some(&currency), DecimalSign::Point);
    match (value.as_i64(), problem) {
        (Some(minor), None) => Ok(minor),
        _ => Err(find_cause(text, &number, currency)),
    }
}

/// Finds out why a number is not an amount.
fn find_cause(text: &str, number: &str, currency: String) -> AmountError {
    let text = text.to_owned();
    let (is_negative, size) = number
        .strip_prefix('-')
        .map_or((false, number), |size| (true, size));
    let is_number = size
        .chars()
        .all(|letter| letter.is_ascii_digit() || matches!(letter, '.' | ',') || letter.is_whitespace());
    if !is_number || !size.contains(|letter: char| letter.is_ascii_digit()) {
        return AmountError::NotNumber(text);
    }
    if is_negative {
        return AmountError::Negative(text);
    }
    let unit = format_all_decimals(0, &currency);
    let most_decimals = unit.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let decimals = size.rsplit_once('.').map_or("", |(_, decimals)| decimals);
    if decimals.trim_end_matches('0').len() > most_decimals {
        AmountError::TooManyDecimals { text, currency }
    } else {
        AmountError::NotNumber(text)
    }
}

/// Splits a text into what is written before or after the number, and the number. The first part is empty if there is nothing, or
/// something on both sides.
fn split_currency(text: &str) -> (&str, &str) {
    let is_part = |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | ',' | '-' | '+');
    let (Some(start), Some(last)) = (text.find(is_part), text.rfind(is_part)) else {
        return ("", text);
    };
    // These characters have one byte.
    let (before, number, after) = (&text[..start], &text[start..=last], &text[last + 1..]);
    match (before.trim(), after.trim()) {
        (before, "") => (before, number),
        ("", after) => (after, number),
        _ => ("", text),
    }
}

fn can_mean(written: &str, currency: &str) -> bool {
    let by_sign = CURRENCY_SIGNS.iter().find(|(sign, _)| *sign == written);
    written.eq_ignore_ascii_case(currency)
        || by_sign.is_some_and(|(_, currencies)| currencies.contains(&currency))
}

fn is_currency(written: &str) -> bool {
    CURRENCY_SIGNS.iter().any(|(sign, _)| *sign == written)
        || is_standard_currency(&written.to_ascii_uppercase())
}

/// Removes the commas between thousands. The readers of files must ask what `15,000` means. In this form it has one meaning.
fn remove_thousands_commas(number: &str) -> Cow<'_, str> {
    let whole = number.split('.').next().unwrap_or(number);
    let is_digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let is_grouped = (1..=3).contains(&first.len())
        && is_digits(first)
        && groups.all(|group| group.len() == 3 && is_digits(group));
    if is_grouped && whole.contains(',') {
        Cow::Owned(number.replace(',', ""))
    } else {
        Cow::Borrowed(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, currency, minor) in [
            ("15,000", "GBP", 1_500_000),
            ("15000", "GBP", 1_500_000),
            ("15000.00", "GBP", 1_500_000),
            ("15,000.50", "gbp", 1_500_050),
            (" £15,000 ", "GBP", 1_500_000),
            ("£ 15 000", "GBP", 1_500_000),
            ("15\u{a0}000.5", "GBP", 1_500_050),
            ("1,234,567", "GBP", 123_456_700),
            ("GBP 15,000", "GBP", 1_500_000),
            ("15,000 gbp", "GBP", 1_500_000),
            ("€15,000", "EUR", 1_500_000),
            ("15 000 €", "EUR", 1_500_000),
            ("$1,500", "CAD", 150_000),
            ("¥15,000", "JPY", 15_000),
            ("1,500", "KWD", 1_500_000),
            ("15,50", "GBP", 1_550),
            ("0", "GBP", 0),
        ] {
            assert_eq!(read_amount(text, Some(currency)), Ok(minor), "{text} {currency}");
        }
    }

    #[test]
    fn other_texts_are_refused_with_their_cause() {
        for (text, cause) in [
            ("a lot", "is not an amount"),
            ("15k", "is not an amount"),
            ("about 15,000", "is not an amount"),
            ("15,00,000", "is not an amount"),
            ("£", "is not an amount"),
            ("£15 GBP", "is not an amount"),
            ("-15", "is below zero"),
            ("€15,000", "says €, but the currency is GBP"),
            ("15,000 EUR", "says EUR, but the currency is GBP"),
            ("15,000.505", "has more decimals than GBP has"),
        ] {
            let said = read_amount(text, Some("GBP")).unwrap_err().to_string();
            assert!(said.contains(cause), "{text}: {said}");
            assert!(said.contains(&format!("“{text}”")), "{text}: {said}");
        }
        for currency in [None, Some(" ")] {
            assert_eq!(read_amount("15,000", currency), Err(AmountError::NoCurrency));
        }
    }
}

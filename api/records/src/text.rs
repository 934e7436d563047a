//! Cleans texts and parses dates as people and files write them.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime};

use crate::normalisation;

/// Normalises one line of text as [`normalisation::normalise_name`] does, after replacing control characters by spaces.
/// Returns `None` if nothing is left.
pub fn clean_line(text: &str) -> Option<String> {
    let line = normalisation::normalise_name(&text.replace(char::is_control, " "));
    (!line.is_empty()).then_some(line)
}

/// Cleans a text of several lines: trims it, ends each line with a line feed, and replaces other control characters by
/// spaces (PostgreSQL cannot store NUL). Returns `None` if nothing is left.
pub fn clean_paragraphs(text: &str) -> Option<String> {
    let cleaned = normalisation::to_nfc(text)
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .replace(|c: char| c.is_control() && !matches!(c, '\n' | '\t'), " ");
    let trimmed = cleaned.trim();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

/// Shortens a text to at most `longest` characters, with an ellipsis at the end. The cut is at a space, unless that
/// would lose more than half of the text.
pub fn truncate(mut text: String, longest: usize) -> String {
    let Some((limit, _)) = text.char_indices().nth(longest.saturating_sub(1)) else {
        return text;
    };
    if text[limit..].chars().nth(1).is_none() {
        return text;
    }
    let ends_a_word = text[limit..].starts_with(char::is_whitespace);
    let end = match text[..limit].rfind(char::is_whitespace) {
        Some(space) if !ends_a_word && space > limit / 2 => space,
        _ => limit,
    };
    text.truncate(end);
    text.truncate(text.trim_end().len());
    text.push('…');
    text
}

/// Quotes a text for a message: escaped, and cut after 40 characters.
pub fn quote(text: &str) -> String {
    // Invisible characters are escaped, because they may be the problem.
    let shown = |character: char| match character {
        '\'' | '"' | '\\' => character.to_string(),
        _ => character.escape_debug().to_string(),
    };
    let shown: String = text.chars().take(40).map(shown).collect();
    let more = if text.chars().nth(40).is_some() { "…" } else { "" };
    format!("\"{shown}{more}\"")
}

/// Parses a date as `YYYY-MM-DD`, or a date and time. The date is the one that is written, whatever the offset from
/// UTC.
pub fn parse_date(text: &str) -> Result<NaiveDate, String> {
    let text = text.trim();
    match parse_iso_date(text) {
        Some(date) => require_plausible(date, text),
        None => Err(describe_invalid_date(text)),
    }
}

/// A date, and whether it is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsedDate {
    /// The date.
    pub date: NaiveDate,
    /// Whether the day and the month may be swapped.
    pub is_ambiguous: bool,
}

/// Parses a date as [`parse_date`] does, or as `31/12/2020`, `31.12.2020`, `31-12-2020` or `31 December 2020`. The day
/// comes first.
pub fn parse_any_date(text: &str) -> Result<ParsedDate, String> {
    let text = text.trim();
    let (date, is_ambiguous) = if let Some(date) = parse_iso_date(text) {
        (date, false)
    } else if let Some(date) = parse_day_first(text) {
        (date, date.day() <= 12 && date.day() != date.month())
    } else if let Some(date) = parse_date_with_month_name(text) {
        (date, false)
    } else {
        return Err(describe_invalid_date(text));
    };
    let date = require_plausible(date, text)?;
    Ok(ParsedDate { date, is_ambiguous })
}

/// Describes how an ambiguous date was read.
pub fn describe_day_first(text: &str, date: NaiveDate) -> String {
    format!("{} is read as {date}, with the day first", quote(text.trim()))
}

fn require_plausible(date: NaiveDate, text: &str) -> Result<NaiveDate, String> {
    if PLAUSIBLE_YEARS.contains(&date.year()) {
        return Ok(date);
    }
    let year = date.year();
    Err(format!(
        "{} lies in the year {year}, which cannot be right",
        quote(text)
    ))
}

/// The years that dates may be in.
pub(crate) const PLAUSIBLE_YEARS: std::ops::RangeInclusive<i32> = 1800..=2100;

fn parse_iso_date(text: &str) -> Option<NaiveDate> {
    let day = text.get(..10).filter(|day| {
        day.bytes()
            .enumerate()
            .all(|(i, b)| matches!((i, b), (4 | 7, b'-')) || (i != 4 && i != 7 && b.is_ascii_digit()))
    })?;
    let is_time = |format: &str| NaiveDateTime::parse_from_str(text, format).is_ok();
    let is_whole = text.len() == 10
        || DateTime::parse_from_rfc3339(text).is_ok()
        || [
            "%Y-%m-%dT%H:%M:%S%.f",
            "%Y-%m-%d %H:%M:%S%.f",
            "%Y-%m-%dT%H:%M",
            "%Y-%m-%d %H:%M",
        ]
        .into_iter()
        .any(is_time);
    is_whole
        .then(|| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok())
        .flatten()
}

fn describe_invalid_date(text: &str) -> String {
    let advice = match parse_day_first(text) {
        Some(date) if date.day() <= 12 => format!("{date} if the day comes first"),
        Some(date) => date.to_string(),
        None => "YYYY-MM-DD, such as 2014-06-25".to_owned(),
    };
    format!("{} is not a date; write it as {advice}", quote(text))
}

/// Parses a date with the day first, alone or before a time.
fn parse_day_first(text: &str) -> Option<NaiveDate> {
    let (day, time) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    let mut parts = day.split(['/', '.', '-']);
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let plain = [day, month, year]
        .iter()
        .all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    let is_time = time
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b'Z'));
    if parts.next().is_some() || !plain || !is_time || year.len() != 4 || day.len() > 2 || month.len() > 2 {
        return None;
    }
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

/// Parses a date such as `1 May 2020`, `01-May-2020` or `May 1, 2020`.
fn parse_date_with_month_name(text: &str) -> Option<NaiveDate> {
    let words: Vec<_> = text
        .split([' ', '-', ',', '/'])
        .filter(|word| !word.is_empty())
        .collect();
    let is_year = words.len() == 3 && words[2].len() == 4;
    let text = words.join(" ");
    ["%d %B %Y", "%B %d %Y"]
        .into_iter()
        .find_map(|format| NaiveDate::parse_from_str(&text, format).ok())
        .filter(|_| is_year)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_unchanged() {
        assert_eq!(quote(r#"don't "\x""#), "\"don't \"\\x\"\"");
        assert_eq!(quote("a\nb\u{200b}"), r#""a\nb\u{200b}""#);
    }

    #[test]
    fn lines_are_trimmed_and_joined() {
        assert_eq!(clean_line("  a\u{0}b \r\n c\u{a0}d "), Some("a b c d".into()));
        assert_eq!(clean_line(" \u{0}\n"), None);
        assert_eq!(
            clean_paragraphs(" one\r\ntwo\rthree\u{0} "),
            Some("one\ntwo\nthree".into())
        );
        assert_eq!(clean_paragraphs("\r\n"), None);
    }

    #[test]
    fn long_text_is_truncated_at_a_word() {
        assert_eq!(truncate("short".into(), 5), "short");
        assert_eq!(truncate("one two three".into(), 12), "one two…");
        assert_eq!(truncate("one two three".into(), 8), "one two…");
        assert_eq!(truncate("one two three".into(), 9), "one two…");
        assert_eq!(truncate("abcdefghij".into(), 5), "abcd…");
        assert_eq!(truncate("éééééé".into(), 3), "éé…");
        for longest in 1..40 {
            let text = truncate(
                "Ein paar Wörter — und dann noch ein längeres Ende".into(),
                longest,
            );
            assert!(text.chars().count() <= longest, "{text} in {longest}");
        }
    }

    #[test]
    fn date_ignores_the_utc_offset() {
        let day = NaiveDate::from_ymd_opt(2014, 6, 5).unwrap();
        for text in [
            "2014-06-05",
            " 2014-06-05 ",
            "2014-06-05T00:00:00+00:00",
            "2014-06-05T23:59:59-11:00",
            "2014-06-05T00:30:00.123Z",
            "2014-06-05T00:00:00",
            "2014-06-05 00:00:00",
            "2014-06-05 00:00:00.000",
            "2014-06-05 00:00",
            "2014-06-05 00:00:00+01:00",
        ] {
            assert_eq!(parse_date(text), Ok(day), "{text}");
            let is_ambiguous = false;
            assert_eq!(
                parse_any_date(text),
                Ok(ParsedDate {
                    date: day,
                    is_ambiguous
                }),
                "{text}"
            );
        }
    }

    #[test]
    fn numeric_dates_are_day_first() {
        for (text, year, month, day, is_ambiguous) in [
            ("05/06/2014", 2014, 6, 5, true),
            ("5.6.2014 00:00:00", 2014, 6, 5, true),
            ("06/06/2014", 2014, 6, 6, false),
            ("25/06/2014", 2014, 6, 25, false),
            ("25-06-2014 10:30", 2014, 6, 25, false),
            ("1 May 2020", 2020, 5, 1, false),
            ("01-may-2020", 2020, 5, 1, false),
            ("May 1, 2020", 2020, 5, 1, false),
            ("1 Sep 2020", 2020, 9, 1, false),
        ] {
            let date = NaiveDate::from_ymd_opt(year, month, day).unwrap();
            assert_eq!(
                parse_any_date(text),
                Ok(ParsedDate { date, is_ambiguous }),
                "{text}"
            );
        }
        for text in [
            "06/25/2014",
            "1/5/20",
            "1 Mai 2020",
            "2014",
            "2014-06",
            "41795",
            "31/02/2020",
            "May 2020",
            "5/6/2014 or so",
        ] {
            assert!(parse_any_date(text).is_err(), "{text}");
        }
        for text in ["01/02/2999", "0999-01-01", "1 May 1799"] {
            assert!(
                parse_any_date(text).unwrap_err().contains("cannot be right"),
                "{text}"
            );
        }
    }

    #[test]
    fn invalid_dates_explain_the_format() {
        let cases = [
            ("25/06/2014", "2014-06-25"),
            ("25.6.2014 00:00", "2014-06-25"),
            ("05-06-2014", "2014-06-05 if the day comes first"),
            ("06/25/2014", "YYYY-MM-DD, such as 2014-06-25"),
            ("2014-02-30", "YYYY-MM-DD, such as 2014-06-25"),
            ("2014-06", "YYYY-MM-DD, such as 2014-06-25"),
            ("2014-6-5", "YYYY-MM-DD, such as 2014-06-25"),
            ("2014-06-05T", "YYYY-MM-DD, such as 2014-06-25"),
            ("2014-06-05 or so", "YYYY-MM-DD, such as 2014-06-25"),
            ("41795", "YYYY-MM-DD, such as 2014-06-25"),
            ("2014-06-0é", "YYYY-MM-DD, such as 2014-06-25"),
            ("é/é/éééé", "YYYY-MM-DD, such as 2014-06-25"),
        ];
        for (text, advice) in cases {
            assert_eq!(
                parse_date(text),
                Err(format!("\"{text}\" is not a date; write it as {advice}")),
            );
        }
        assert!(parse_date("0014-06-05").unwrap_err().contains("the year 14"));
    }
}

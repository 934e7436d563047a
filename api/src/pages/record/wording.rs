//! Words about records.

use chrono::NaiveDate;
use serde_json::Value;
use wayin_entity::ImportState;

use crate::pages::answer::wording::format_date;

/// The title of a record, or what else it can be recognised by.
pub fn describe_title(record: &Value) -> String {
    let text = |name: &str| {
        let text = record.get(name)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    match (text("title"), text("externalRef")) {
        (Some(title), _) => title,
        (None, Some(reference)) => format!("Record {reference}, which has no title"),
        (None, None) => "A record without a title".into(),
    }
}

/// The state of the import of a file, and the kind of its tag.
pub const fn describe_import_state(state: ImportState) -> (&'static str, &'static str) {
    match state {
        ImportState::Queued => ("Waiting to be read", "info"),
        ImportState::Running => ("Being read", "info"),
        ImportState::Completed => ("Read", "good"),
        ImportState::Failed => ("Not read to its end", "bad"),
    }
}

/// Writes the dates in a text, such as 2020-04-01, in words.
pub fn write_british_dates(text: &str) -> String {
    const DATE_LENGTH: usize = 10;
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let length = from
            .bytes()
            .take_while(|byte| byte.is_ascii_digit() || *byte == b'-')
            .count();
        let (word, after) = from.split_at(length);
        written.push_str(before);
        match word.parse::<NaiveDate>() {
            Ok(date) if length == DATE_LENGTH => written.push_str(&format_date(date)),
            _ => written.push_str(word),
        }
        rest = after;
    }
    written.push_str(rest);
    written
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn record_without_a_title_is_recognised_by_its_reference() {
        assert_eq!(describe_title(&json!({"title": " Food "})), "Food");
        assert_eq!(
            describe_title(&json!({"title": " ", "externalRef": "7"})),
            "Record 7, which has no title"
        );
        assert_eq!(describe_title(&json!({"title": 5})), "A record without a title");
    }

    #[test]
    fn dates_in_texts_are_british() {
        for (text, written) in [
            (
                "is before 2020-04-01, 2019-12-31",
                "is before 1 April 2020, 31 December 2019",
            ),
            ("GB-CHC-1164883 and 2020-13-01", "GB-CHC-1164883 and 2020-13-01"),
            ("2020-4-1", "2020-4-1"),
            ("\u{201c}caf\u{e9} 7\u{201d}", "\u{201c}caf\u{e9} 7\u{201d}"),
        ] {
            assert_eq!(write_british_dates(text), written);
        }
    }
}

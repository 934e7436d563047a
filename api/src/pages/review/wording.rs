//! Words of the review pages.

use chrono::{DateTime, Utc};
use serde_json::Value;
use wayin_engine::summary::format_count;
use wayin_entity::{Labelled, Role, Visibility, to_heading};

/// How long ago something was, such as "3 days".
pub fn describe_wait(since: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let waited = now - since;
    let (count, unit) = match (waited.num_hours(), waited.num_days()) {
        (..1, _) => return "less than an hour".into(),
        (hours @ ..24, _) => (hours, "hour"),
        (_, days @ ..14) => (days, "day"),
        (_, days @ ..60) => (days / 7, "week"),
        (_, days) => (days / 30, "month"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// A count with its noun, such as "2 problems".
pub fn count_of(count: usize, one: &str, many: &str) -> String {
    let noun = if count == 1 { one } else { many };
    format!(
        "{} {noun}",
        format_count(u64::try_from(count).unwrap_or(u64::MAX))
    )
}

/// Who can read a record with a visibility, in a sentence.
pub fn describe_readers(visibility: Visibility) -> String {
    format!(
        "{}: {}",
        to_heading(visibility.label()),
        lower_first(visibility.definition())
    )
}

/// The visibility that a record states. Without one, it gets the most restrictive.
pub fn find_visibility(record: &Value) -> Visibility {
    let stated = record.get("visibility").and_then(Value::as_str);
    let found = Visibility::ALL
        .iter()
        .find(|visibility| stated == Some(visibility.code()));
    found.copied().unwrap_or(Visibility::AggregateOnly)
}

pub fn describe_role(role: Role) -> String {
    to_heading(role.label())
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;

    #[test]
    fn waits_are_in_words() {
        let since = DateTime::UNIX_EPOCH;
        for (waited, words) in [
            (TimeDelta::minutes(-5), "less than an hour"),
            (TimeDelta::minutes(59), "less than an hour"),
            (TimeDelta::minutes(60), "1 hour"),
            (TimeDelta::hours(23), "23 hours"),
            (TimeDelta::hours(24), "1 day"),
            (TimeDelta::days(13), "13 days"),
            (TimeDelta::days(14), "2 weeks"),
            (TimeDelta::days(59), "8 weeks"),
            (TimeDelta::days(60), "2 months"),
        ] {
            assert_eq!(describe_wait(since, since + waited), words);
        }
    }

    #[test]
    fn record_without_a_visibility_is_counted_only() {
        assert_eq!(find_visibility(&json!({"visibility": "OPEN"})), Visibility::Open);
        assert_eq!(find_visibility(&json!({})), Visibility::AggregateOnly);
    }
}

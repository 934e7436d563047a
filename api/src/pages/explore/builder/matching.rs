//! How many initiatives match the conditions of the builder, in words.

use wayin_entity::to_heading;

use crate::pages::answer::address::scope_code;
use crate::pages::answer::data::TableData;
use crate::pages::answer::wording::CountPrecision;
use crate::pages::explore::question::Question;

/// In the place of counts of all records that may not be shown.
const COUNTED_READABLE: &str =
    "These are the records that you can read, because the counts of all may not be shown.";

/// Says how many initiatives match what is chosen so far. `basis` is that of the counts, a code of the enum `RecordScope`.
pub fn describe_matching(
    question: &Question,
    basis: &str,
    table: &TableData,
    precision: CountPrecision,
) -> String {
    let say = |count: Option<u64>, what: &str| match count {
        Some(1) => format!("1 initiative {}.", what.replacen("match", "matches", 1)),
        Some(_) => format!("{} initiatives {what}.", to_heading(&precision.describe(count))),
        None => format!("Too few initiatives {what} to say how many."),
    };
    let mut sentences = match (&question.when, &question.then) {
        (Some(_), Some(_)) => {
            let known = table.both.zip(table.when_only).map(|(both, only)| both + only);
            vec![
                say(
                    known,
                    "match the first condition, with a known answer to the second",
                ),
                say(table.both, "match both"),
            ]
        }
        (None, None) => vec![say(table.population, "match")],
        _ => vec![say(table.both, "match")],
    };
    if let Some(1..) = table.unknown {
        sentences.push(format!(
            "For {} more, it is not known.",
            precision.describe(table.unknown)
        ));
    }
    if basis != scope_code(question.scope) {
        sentences.push(COUNTED_READABLE.into());
    }
    sentences.join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_are_said_with_care() {
        let table = |both| TableData {
            population: Some(2003),
            both,
            when_only: Some(201),
            then_only: Some(165),
            neither: Some(420),
            unknown: Some(951),
        };
        let mut question = Question {
            when: Some(json!({})),
            then: Some(json!({})),
            ..Question::default()
        };
        assert_eq!(
            describe_matching(&question, "ALL", &table(Some(266)), CountPrecision::Rounded),
            "About 470 initiatives match the first condition, with a known answer to the second. About 270 \
             initiatives match both. For about 950 more, it is not known."
        );
        question.then = None;
        assert_eq!(
            describe_matching(&question, "ALL", &table(None), CountPrecision::Rounded),
            "Too few initiatives match to say how many. For about 950 more, it is not known."
        );
        question.when = None;
        assert_eq!(
            describe_matching(&question, "VISIBLE", &table(Some(1)), CountPrecision::Exact),
            "2,003 initiatives match. For 951 more, it is not known. These are the records that you can read, because \
             the counts of all may not be shown."
        );
    }
}

//! Words that pages add to an answer.

use chrono::{DateTime, NaiveDate, Utc};
use wayin_engine::summary::{format_count, round_for_words};
use wayin_entity::{Dimension, Labelled as _, to_heading};

use super::data::{AsOfData, CautionData, ConditionsData, GroupData, PatternData, ShareData, has_caution};
use crate::pages::chart::PictureFooter;

/// In the place of a figure that disclosure control suppresses.
const SUPPRESSED: &str = "may not be shown";

/// How counts are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountPrecision {
    /// As they are.
    Exact,
    /// As "about 470", because disclosure control changed them.
    Rounded,
}

impl CountPrecision {
    /// The precision of the counts of a basis, in an answer with these cautions. What a reader can read is counted exactly.
    pub fn of(basis: &str, cautions: &[CautionData]) -> Self {
        if basis == "ALL" && has_caution(cautions, "PERTURBED") {
            Self::Rounded
        } else {
            Self::Exact
        }
    }

    fn format(self, count: u64) -> String {
        match self {
            Self::Exact => format_count(count),
            Self::Rounded => round_for_words(count),
        }
    }

    /// A count, such as "467" or "about 470", or that it is suppressed.
    pub fn describe(self, count: Option<u64>) -> String {
        count.map_or_else(
            || SUPPRESSED.into(),
            |count| format!("{}{}", self.about(), self.format(count)),
        )
    }

    /// A part and its whole, such as "266 of 467" or "about 270 of 470". None if one of them is suppressed.
    pub fn describe_part(self, part: Option<u64>, whole: Option<u64>) -> Option<String> {
        let (part, whole) = part.zip(whole)?;
        Some(format!(
            "{}{} of {}",
            self.about(),
            self.format(part),
            self.format(whole)
        ))
    }

    /// The counts of a share.
    pub fn describe_counts(self, share: &ShareData) -> Option<String> {
        self.describe_part(share.numerator, share.denominator)
    }

    const fn about(self) -> &'static str {
        match self {
            Self::Exact => "",
            Self::Rounded => "about ",
        }
    }
}

/// A share as people say it, such as "57 in 100". With fewer than 10 initiatives, the counts.
pub fn describe_share(share: &ShareData) -> String {
    match (share.value, share.numerator, share.denominator) {
        (_, Some(part), Some(whole @ 1..10)) => format!("{part} of {whole}"),
        (Some(value), ..) => format!("{:.0} in 100", value * 100.0),
        (None, _, Some(0)) => "none known".into(),
        _ => SUPPRESSED.into(),
    }
}

/// A code of the enum `Verdict` in words, as the macro `verdict` says it. Empty for another code.
pub fn describe_verdict(code: &str) -> &'static str {
    match code {
        "CLEAR_DIFFERENCE" => "Clear difference",
        "NO_CLEAR_DIFFERENCE" => "No clear difference",
        "DEPENDS_ON_UNKNOWNS" => "Depends on what is not known",
        "TOO_LITTLE_KNOWN" => "Too little is known",
        "SUPPRESSED" => "Suppressed, so that no record can be recognised",
        _ => "",
    }
}

/// The question in plain words. The conditions are in the past tense, so that they fit after "that" and after "how many".
pub fn describe_question(conditions: &ConditionsData) -> String {
    let ConditionsData { when, then, among } = conditions;
    match among {
        None => format!("Of the initiatives that {when}, how many {then}?"),
        Some(among) => {
            format!("Among initiatives that {among}: of those that {when}, how many {then}?")
        }
    }
}

/// The whole question of an answer, for those who see it without its page.
fn describe_whole_question(conditions: &ConditionsData, by: Option<Dimension>) -> String {
    let question = describe_question(conditions);
    match by {
        None => question,
        Some(by) => format!("{question} Grouped by {}.", by.label()),
    }
}

/// How many initiatives have an answer that is not known, such as "About 950 of 2,000 initiatives have an answer that is not
/// known."
pub fn describe_unknown(pattern: &PatternData) -> String {
    let (table, precision) = (pattern.measured_table(), pattern.precision());
    if table.unknown.is_none() {
        return "How many initiatives have an answer that is not known may not be shown.".into();
    }
    let count = precision
        .describe_part(table.unknown, table.population)
        .unwrap_or_else(|| precision.describe(table.unknown));
    let count = to_heading(&count);
    format!("{count} initiatives have an answer that is not known.")
}

/// The caution about every comparison.
pub const NOT_A_CAUSE: &str = "A difference does not show what causes it.";

/// On which records an answer rests.
pub fn describe_basis(pattern: &PatternData) -> &'static str {
    match (pattern.scope.as_str(), pattern.basis.as_str()) {
        ("ALL", "ALL") => "All published records, with disclosure control",
        ("ALL", _) => {
            "Only the records that you can read: with the others, some counts would be too small to show"
        }
        _ => "The records that you can read",
    }
}

/// On which records the groups of an answer rest: for some or all, only those that can be read can be counted.
pub fn describe_groups_basis(pattern: &PatternData, groups: &[GroupData]) -> &'static str {
    let is_visible = |group: &GroupData| group.basis == "VISIBLE";
    if pattern.basis == "VISIBLE" || !groups.iter().any(is_visible) {
        describe_basis(pattern)
    } else if groups.iter().all(is_visible) {
        "The groups count only the records that you can read: with the others, some counts would be too small to show"
    } else {
        "All published records, with disclosure control. Some groups count only the records that you \
         can read"
    }
}

/// Where the figures of a picture are from.
pub const fn describe_source(is_illustrative: bool) -> &'static str {
    if is_illustrative {
        "Wayin. Illustrative records, made up to show how Wayin works"
    } else {
        "Wayin"
    }
}

/// What a picture says about itself when it leaves the page. `by` is how its question groups initiatives, and `basis` on
/// which records it rests.
pub fn build_footer(
    pattern: &PatternData,
    by: Option<Dimension>,
    basis: &str,
    address: String,
) -> PictureFooter {
    PictureFooter {
        question: describe_whole_question(&pattern.conditions, by),
        source: describe_source(pattern.is_illustrative()).into(),
        basis: basis.into(),
        licence: pattern.licence.clone(),
        date: describe_as_of(&pattern.as_of),
        address,
    }
}

/// How to cite what was read at an address.
pub fn cite(title: &str, pattern: &PatternData, address: &str, now: DateTime<Utc>) -> String {
    format!(
        "Wayin, “{}”, evidence of {}, read on {}. {address}. Licence: {}.",
        title.trim_end_matches('.'),
        describe_as_of(&pattern.as_of),
        format_day(now),
        pattern.licence
    )
}

/// A date, such as "1 April 2020".
pub fn format_date(date: NaiveDate) -> String {
    date.format("%-d %B %Y").to_string()
}

/// The day of a moment (UTC), such as "1 April 2020".
pub fn format_day(moment: DateTime<Utc>) -> String {
    format_date(moment.date_naive())
}

/// The state of the evidence that an answer includes.
pub fn describe_as_of(as_of: &AsOfData) -> String {
    match as_of.changed_at {
        Some(moment) => format!("{} (change {})", format_day(moment), as_of.change_number),
        None => format!("change {}", as_of.change_number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_that_disclosure_control_changed_are_rounded() {
        let perturbed = [CautionData {
            code: "PERTURBED".into(),
            text: String::new(),
        }];
        let rounded = CountPrecision::of("ALL", &perturbed);
        assert_eq!(rounded.describe(Some(1_466)), "about 1,470");
        assert_eq!(
            rounded.describe_part(Some(61), Some(466)).as_deref(),
            Some("about 60 of 470")
        );
        assert_eq!(rounded.describe(None), "may not be shown");
        assert_eq!(rounded.describe_part(Some(61), None), None);
        for exact in [
            CountPrecision::of("VISIBLE", &perturbed),
            CountPrecision::of("ALL", &[]),
        ] {
            assert_eq!(exact.describe(Some(1_466)), "1,466");
            assert_eq!(
                exact.describe_part(Some(61), Some(466)).as_deref(),
                Some("61 of 466")
            );
        }
    }

    #[test]
    fn verdicts_have_the_words_of_the_macro() {
        let macros = include_str!("../layout/components.html");
        let codes: Vec<&str> = macros
            .split("verdict_code == \"")
            .skip(1)
            .filter_map(|rest| rest.split_once('"'))
            .map(|(code, _)| code)
            .collect();
        assert_eq!(codes.len(), 5);
        for code in codes {
            let words = format!("</svg>{}</span>", describe_verdict(code));
            assert!(macros.contains(&words), "{code}: {words}");
        }
    }

    #[test]
    fn question_is_a_sentence() {
        let mut conditions = ConditionsData {
            when: "had a grant".into(),
            then: "skipped a step".into(),
            among: None,
        };
        assert_eq!(
            describe_question(&conditions),
            "Of the initiatives that had a grant, how many skipped a step?"
        );
        conditions.among = Some("were in Wales".into());
        assert_eq!(
            describe_question(&conditions),
            "Among initiatives that were in Wales: of those that had a grant, how many skipped a step?"
        );
        assert_eq!(
            describe_whole_question(&conditions, Some(Dimension::Region)),
            "Among initiatives that were in Wales: of those that had a grant, how many skipped a step? Grouped by region or \
             nation."
        );
        assert_eq!(
            describe_whole_question(&conditions, None),
            describe_question(&conditions)
        );
    }
}

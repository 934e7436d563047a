//! What is not known, in words.

use std::cmp::Reverse;

use wayin_vocabulary::MissingReason;

use super::numbers::format_approximate;
use crate::answer::{DisclosedTable, PatternAnswer};
use crate::verdict::RateBounds;

/// How many initiatives have an unknown condition, why, and between which bounds the two rates are. `table` has the counts of
/// the records that the figures are of, and `when` the first condition in words. None if nothing is unknown.
pub fn render(answer: &PatternAnswer, table: &DisclosedTable, when: &str) -> Option<String> {
    let count = render_count(table)?;
    let Some(unknown) = table.unknown.count else {
        return Some(count);
    };
    let mut sentences = vec![count];
    sentences.extend(render_main_reason(answer, unknown));
    sentences.extend(render_bounds(table, &format!("those that {when}")));
    Some(sentences.join(" "))
}

/// How many initiatives have an unknown condition, as a sentence. None if there are none.
pub fn render_count(table: &DisclosedTable) -> Option<String> {
    let Some(unknown) = table.unknown.count else {
        return Some("How many more initiatives have unknown answers may not be shown.".into());
    };
    if unknown == 0 {
        return None;
    }
    let noun = if unknown == 1 {
        "initiative has"
    } else {
        "initiatives have"
    };
    let count = format_approximate(&table.unknown, unknown).replace("about", "About");
    Some(format!("{count} more {noun} unknown answers."))
}

/// Between which bounds the rate of a group, such as "Wales", and that of the rest are, as a sentence. None if a count is
/// suppressed, or if there may be no initiative in a group.
pub fn render_bounds(table: &DisclosedTable, group: &str) -> Option<String> {
    let bounds = RateBounds::of_both(table)?;
    if bounds.iter().all(RateBounds::is_almost_any) {
        return Some("With so much unknown, the records tell us almost nothing.".into());
    }
    let [with, otherwise] = bounds.map(|bounds| {
        let (least, most) = ((bounds.least * 100.0).floor(), (bounds.most * 100.0).ceil());
        format!("{least:.0} to {most:.0} in 100")
    });
    Some(format!(
        "Whatever the answers are, the rate is {with} for {group}. For the rest, it is {otherwise}."
    ))
}

/// The most frequent reason why a condition is unknown; of equals, the first of the vocabulary. A count that exceeds the
/// number of unknown initiatives, which noise allows, is left out.
fn render_main_reason(answer: &PatternAnswer, unknown: u64) -> Option<String> {
    let reasons = answer.unknown_reasons.each();
    let (Reverse(count), reason, shown) = reasons
        .map(|(reason, shown)| (reason, shown.of_basis(answer.figures_basis())))
        .filter_map(|(reason, shown)| Some((Reverse(shown.count?), reason?, shown)))
        .min_by_key(|(count, reason, _)| (*count, *reason))?;
    if count == 0 || count > unknown {
        return None;
    }
    let [one, several] = match reason {
        MissingReason::NotAsked => ["was not asked about it", "were not asked about it"],
        MissingReason::NoReply => ["was asked and did not reply", "were asked and did not reply"],
        MissingReason::Withheld => ["withholds the answer", "withhold the answer"],
        MissingReason::NotApplicable => ["says that it does not apply", "say that it does not apply"],
    };
    let verb = if count == 1 { one } else { several };
    Some(format!("Of these, {} {verb}.", format_approximate(&shown, count)))
}

//! Patterns in plain words: a few sentences that a trustee understands, with what is not known and without a claim
//! about causes.

mod clauses;
#[cfg(test)]
mod clauses_tests;
#[cfg(test)]
mod tests;

use std::fmt::Display;

use wayin_vocabulary::MissingReason;

use self::clauses::GrammaticalNumber::{self, Many, One};
use self::clauses::{Phrase, render_phrase};
use crate::answer::PatternAnswer;
use crate::cautions::MUCH_UNKNOWN_PERCENT;
use crate::disclosure::DisclosedCount;
use crate::measures::Measures;
use crate::predicate::Predicate;
use crate::query::PatternQuery;
use crate::statistics::Estimate;

/// The answer to a query in a few plain sentences.
pub fn render(query: &PatternQuery, answer: &PatternAnswer) -> String {
    Summary { query, answer }.render()
}

struct Summary<'a> {
    query: &'a PatternQuery,
    answer: &'a PatternAnswer,
}

impl Summary<'_> {
    fn render(&self) -> String {
        let table = &self.answer.table;
        let among = self.render_among(Many);
        match table.population.count {
            Some(0) => return format!("There are no initiatives{among} to ask about."),
            None => {
                return format!(
                    "There are too few initiatives{among} that may be counted to say anything about them."
                );
            }
            Some(population)
                if (table.known_when_count(), table.known_otherwise_count()) == (Some(0), Some(0)) =>
            {
                return format!(
                    "We do not know enough of any of the {}{among} to say whether those that {} also {}.{}",
                    format_initiatives(&table.population, population),
                    self.render_when(Many),
                    self.render_then(Many).text,
                    self.render_illustrative()
                );
            }
            Some(_) => {}
        }
        [
            self.render_comparison().as_str(),
            &self.render_unknown(),
            self.render_hidden(),
            " The two were reported together; that does not show that one causes the other.",
            &self.render_illustrative(),
        ]
        .concat()
    }

    fn render_when(&self, number: GrammaticalNumber) -> String {
        render_phrase(&self.query.when, number).text
    }

    fn render_then(&self, number: GrammaticalNumber) -> Phrase {
        render_phrase(&self.query.then, number)
    }

    fn is_about_all(&self) -> bool {
        self.query.among == Predicate::ALWAYS_TRUE
    }

    fn render_among(&self, number: GrammaticalNumber) -> String {
        if self.is_about_all() {
            String::new()
        } else {
            format!(" that {}", render_phrase(&self.query.among, number).text)
        }
    }

    /// "Of 214 initiatives that .., 131 (61 in 100) ..; of the 408 others, 90 (22 in 100) did."
    fn render_comparison(&self) -> String {
        let table = &self.answer.table;
        let (sentence, compares, says_then) = match (table.both.count, table.known_when_count()) {
            (Some(_), Some(0)) => {
                let known = table.known_otherwise_count().unwrap_or(0);
                let others = format_initiatives(&table.neither, known);
                let when = self.render_when(Many);
                (
                    format!("None of the {others} of which we know enough {when}"),
                    false,
                    false,
                )
            }
            (Some(both), Some(with)) => {
                let exact_or_moved = if table.both.variance > 0.0 {
                    &table.both
                } else {
                    &table.when_only
                };
                let with_when = if self.is_about_all() {
                    format_initiatives(exact_or_moved, with)
                } else {
                    format_approximate(exact_or_moved, with)
                };
                let sentence = format!(
                    "Of {with_when} that {}, {}{} {}",
                    self.render_when(GrammaticalNumber::from_count(with)),
                    format_disclosed(&table.both, both),
                    format_rate(Measures::from_table(table).rate_when),
                    self.render_then(GrammaticalNumber::from_count(both)).text
                );
                (sentence, true, true)
            }
            _ => {
                let (when, then) = (self.render_when(Many), self.render_then(Many).text);
                let sentence =
                    format!("Of initiatives that {when}, too little may be shown to say how many {then}");
                (sentence, false, true)
            }
        };
        let sentence = sentence + &self.render_others(compares, says_then) + ".";
        match table.population.count {
            Some(population) if !self.is_about_all() => {
                let among = self.render_among(GrammaticalNumber::from_count(population));
                let (first, rest) = sentence.split_at(1);
                format!(
                    "Among the {}{among}: {}{rest}",
                    format_initiatives(&table.population, population),
                    first.to_lowercase()
                )
            }
            _ => sentence,
        }
    }

    /// The rate among the other initiatives. `compares` is true if the rate among those with `when` comes before it;
    /// `says_then` is true if the phrase of `then` comes before it and need not be repeated.
    fn render_others(&self, compares: bool, says_then: bool) -> String {
        let table = &self.answer.table;
        let (Some(then_only), Some(others)) = (table.then_only.count, table.known_otherwise_count()) else {
            return "; of the others too little may be shown to say".into();
        };
        match others {
            0 if compares => return "; there are no others to compare them with".into(),
            0 => return String::new(),
            1 if compares => {
                let then = self.render_then(One);
                let did = if then_only == 1 { then.echo } else { then.denial };
                return format!("; the one other {did}");
            }
            _ => {}
        }
        let shown = if table.then_only.variance > 0.0 {
            &table.then_only
        } else {
            &table.neither
        };
        let others = format_approximate(shown, others);
        let then = self.render_then(GrammaticalNumber::from_count(then_only));
        if then_only == 0 && says_then && then.echo.ends_with("not") {
            return format!("; of the {others} others, all {}", then.denial);
        }
        format!(
            "; of {}{others} others, {}{} {}",
            if compares { "the " } else { "" },
            format_disclosed(&table.then_only, then_only),
            format_rate(Measures::from_table(table).rate_otherwise),
            if says_then { then.echo } else { &then.text }
        )
    }

    fn render_unknown(&self) -> String {
        let table = &self.answer.table;
        let unknown = match table.unknown.count {
            None => return " Of how many more we do not know enough may not be shown.".into(),
            Some(0) => return String::new(),
            Some(unknown) => unknown,
        };
        let text = format!(
            " Of {} more we do not know enough to say.{}",
            format_approximate(&table.unknown, unknown),
            self.render_main_reason(unknown)
        );
        if let (Some(population), Some((least, most))) = (table.population.count, self.answer.bounds)
            && unknown * 100 > population * MUCH_UNKNOWN_PERCENT
            && table.known_when_count().is_some_and(|with| with > 0)
        {
            let (least, most) = ((least * 100.0).floor(), (most * 100.0).ceil());
            return format!(
                "{text} Whatever the unknowns are, the first figure lies between {least} and {most} in 100."
            );
        }
        text
    }

    /// The most frequent reason why a condition is unknown; of equals, the first of the vocabulary.
    fn render_main_reason(&self, unknown: u64) -> String {
        let reasons = self.answer.unknown_reasons.each();
        let main = reasons
            .filter_map(|(reason, shown)| Some((std::cmp::Reverse(shown.count?), reason?, shown)))
            .min_by_key(|(count, reason, _)| (*count, *reason));
        let Some((std::cmp::Reverse(count), reason, shown)) = main else {
            return String::new();
        };
        if count == 0 || count > unknown {
            return String::new();
        }
        let [one, several] = match reason {
            MissingReason::NotAsked => ["was not asked", "were not asked"],
            MissingReason::NoReply => ["was asked and did not reply", "were asked and did not reply"],
            MissingReason::Withheld => ["withholds it", "withhold it"],
            MissingReason::NotApplicable => ["says that it does not apply", "say that it does not apply"],
        };
        let verb = if count == 1 { one } else { several };
        format!(" Of those, {} {verb}.", format_approximate(shown, count))
    }

    fn render_hidden(&self) -> &'static str {
        let leaves_out_hidden = |cell: &DisclosedCount| cell.count.is_some() && cell.suppressed.is_some();
        if self.answer.table.four_cells().iter().any(leaves_out_hidden) {
            " A few more that may not be shown can stand behind these counts."
        } else {
            ""
        }
    }

    fn render_illustrative(&self) -> String {
        let shown = &self.answer.illustrative;
        let subject = match shown.count {
            None if self.answer.basis.has_illustrative => "Some of the records may be".to_owned(),
            None | Some(0) => return String::new(),
            Some(count) if shown.variance > 0.0 => {
                format!("About {} of the records are", format_count(count))
            }
            count if count == self.answer.table.population.count => "These records are".to_owned(),
            Some(1) => "One of the records is".to_owned(),
            Some(count) => format!("{} of the records are", format_count(count)),
        };
        format!(" {subject} illustrative: made up to show how Wayin works.")
    }
}

/// A count with thousands separators: 12,345.
pub fn format_count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and its noun, in the singular or the plural.
pub fn format_plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", format_count(n), if n == 1 { one } else { many })
}

/// "a, b and c".
pub fn join_list(words: impl IntoIterator<Item: Display>, conjunction: &str) -> String {
    let words: Vec<String> = words.into_iter().map(|word| word.to_string()).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} {conjunction} {last}", before.join(", ")),
    }
}

/// A count; "about" if disclosure control perturbed it.
pub fn format_approximate(shown: &DisclosedCount, n: u64) -> String {
    let about = if shown.variance > 0.0 { "about " } else { "" };
    format!("{about}{}", format_count(n))
}

fn format_disclosed(shown: &DisclosedCount, n: u64) -> String {
    if n == 0 {
        "none".into()
    } else {
        format_approximate(shown, n)
    }
}

fn format_initiatives(shown: &DisclosedCount, n: u64) -> String {
    let noun = if n == 1 { "initiative" } else { "initiatives" };
    format!("{} {noun}", format_approximate(shown, n))
}

fn format_rate(rate: Option<Estimate>) -> String {
    match rate.map(|rate| rate.value * 100.0) {
        None | Some(0.0) => String::new(),
        Some(percent) if percent < 1.0 => " (fewer than 1 in 100)".into(),
        Some(percent) if percent > 99.0 && percent < 100.0 => " (more than 99 in 100)".into(),
        Some(percent) => format!(" ({percent:.0} in 100)"),
    }
}

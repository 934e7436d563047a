//! Patterns in plain words: a sentence or two that a trustee understands, with
//! what is not known, and with no claim about causes.

mod clauses;
#[cfg(test)]
mod clauses_tests;
#[cfg(test)]
mod tests;

use wayin_vocabulary::MissingReason;

use self::clauses::{GrammaticalNumber, render_phrase};
use super::answer::PatternAnswer;
use super::cautions::MUCH_UNKNOWN_PERCENT;
use super::disclosure::DisclosedCount;
use super::measures::Measures;
use super::query::PatternQuery;
use super::statistics::Estimate;
use crate::predicate::{InitiativePredicate, Predicate};

/// The answer to a question in a few plain sentences.
pub fn render(question: &PatternQuery, answer: &PatternAnswer) -> String {
    let table = &answer.table;
    let among = PopulationPhrase(&question.among);
    let told = match table.population.count {
        Some(0) => {
            return format!(
                "There are no initiatives{} to ask about.",
                among.render_condition(GrammaticalNumber::Many)
            );
        }
        None => {
            return format!(
                "There are too few initiatives{} that may be counted to say anything about them.",
                among.render_condition(GrammaticalNumber::Many)
            );
        }
        Some(population) => among.render_opening(population, &table.population),
    };
    if (table.known_when_count(), table.known_otherwise_count()) == (Some(0), Some(0)) {
        let of_whom = format_initiatives(&table.population, table.population.count.unwrap_or(0));
        return format!(
            "We do not know enough of any of the {of_whom}{} to say whether those that {} also {}.{}",
            among.render_condition(GrammaticalNumber::Many),
            render_phrase(&question.when, GrammaticalNumber::Many).text,
            render_phrase(&question.then, GrammaticalNumber::Many).text,
            render_illustrative(answer)
        );
    }
    let sentences = [
        told + &render_comparison(question, answer),
        render_unknown(answer),
        render_hidden(answer),
        " The two were reported together; that does not show that one causes the other.".to_owned(),
        render_illustrative(answer),
    ];
    sentences.concat()
}

/// The population that is asked about.
struct PopulationPhrase<'a>(&'a InitiativePredicate);

impl PopulationPhrase<'_> {
    fn is_everything(&self) -> bool {
        *self.0 == Predicate::ALWAYS_TRUE
    }

    fn render_condition(&self, number: GrammaticalNumber) -> String {
        if self.is_everything() {
            String::new()
        } else {
            format!(" that {}", render_phrase(self.0, number).text)
        }
    }

    fn render_opening(&self, population: u64, shown: &DisclosedCount) -> String {
        if self.is_everything() {
            return String::new();
        }
        let number = GrammaticalNumber::from_count(population);
        format!(
            "Among the {}{}: ",
            format_initiatives(shown, population),
            self.render_condition(number)
        )
    }
}

/// "Of 214 initiatives that .., 131 (61 in 100) ..; of the 408 others, 90 (22 in 100) did."
fn render_comparison(question: &PatternQuery, answer: &PatternAnswer) -> String {
    let table = &answer.table;
    let figures = Measures::from_table(table);
    let first = PopulationPhrase(&question.among).is_everything();
    let says = |count: u64| render_phrase(&question.then, GrammaticalNumber::from_count(count)).text;
    let opening = |word: &str, rest: &str| {
        let word = if first {
            word.to_owned()
        } else {
            word.to_lowercase()
        };
        format!("{word}{rest}")
    };
    let (Some(both), Some(with)) = (table.both.count, table.known_when_count()) else {
        let when = render_phrase(&question.when, GrammaticalNumber::Many).text;
        let start = opening(
            "Of",
            &format!(
                " initiatives that {when}, too little may be shown to say how many {}",
                says(2)
            ),
        );
        return start + &render_others(question, answer, false, true) + ".";
    };
    if with == 0 {
        let known = table.known_otherwise_count().unwrap_or(0);
        let when = render_phrase(&question.when, GrammaticalNumber::Many).text;
        let none = opening(
            "None",
            &format!(
                " of the {} of which we know enough {when}",
                format_initiatives(&table.neither, known)
            ),
        );
        return none + &render_others(question, answer, false, false) + ".";
    }
    let with_shown = if table.both.variance > 0.0 {
        &table.both
    } else {
        &table.when_only
    };
    let when = render_phrase(&question.when, GrammaticalNumber::from_count(with)).text;
    let noun = if first {
        format_initiatives(with_shown, with)
    } else {
        format_approximate(with_shown, with)
    };
    let start = opening(
        "Of",
        &format!(
            " {noun} that {when}, {}{} {}",
            format_disclosed(&table.both, both),
            format_rate(figures.rate_when),
            says(both)
        ),
    );
    start + &render_others(question, answer, true, true) + "."
}

/// What became of the others: `compared` with those that were spoken of before, and where
/// what they did was `said` there, it is not said again.
fn render_others(question: &PatternQuery, answer: &PatternAnswer, compared: bool, said: bool) -> String {
    let table = &answer.table;
    let then = |number: GrammaticalNumber| render_phrase(&question.then, number);
    let (Some(then_only), Some(others)) = (table.then_only.count, table.known_otherwise_count()) else {
        return "; of the others too little may be shown to say".into();
    };
    match others {
        0 if compared => "; there are no others to compare them with".into(),
        0 => String::new(),
        1 if compared => {
            let one = then(GrammaticalNumber::One);
            format!(
                "; the one other {}",
                if then_only == 1 { one.echo } else { one.denied }
            )
        }
        _ => {
            let shown = if table.then_only.variance > 0.0 {
                &table.then_only
            } else {
                &table.neither
            };
            let others_then = then(GrammaticalNumber::from_count(then_only));
            if then_only == 0 && said && others_then.echo.ends_with("not") {
                return format!(
                    "; of the {} others, all {}",
                    format_approximate(shown, others),
                    others_then.denied
                );
            }
            format!(
                "; of {}{} others, {}{} {}",
                if compared { "the " } else { "" },
                format_approximate(shown, others),
                format_disclosed(&table.then_only, then_only),
                format_rate(Measures::from_table(table).rate_otherwise),
                if said {
                    others_then.echo.to_owned()
                } else {
                    others_then.text
                }
            )
        }
    }
}

fn render_unknown(answer: &PatternAnswer) -> String {
    let table = &answer.table;
    let Some(unknown) = table.unknown.count else {
        return " Of how many more we do not know enough may not be shown.".into();
    };
    if unknown == 0 {
        return String::new();
    }
    let text = format!(
        " Of {} more we do not know enough to say.{}",
        format_approximate(&table.unknown, unknown),
        render_main_reason(answer, unknown)
    );
    if let (Some(population), Some((least, most))) = (table.population.count, answer.bounds)
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

/// The reason that most of those give of which too little is known.
fn render_main_reason(answer: &PatternAnswer, unknown: u64) -> String {
    let given = answer.unknown_reasons.each();
    let given = given.filter_map(|(why, shown)| Some((why?, shown, shown.count?)));
    // Of several that as many give, the first of the vocabulary is told.
    let most = given.min_by_key(|(why, _, many)| (std::cmp::Reverse(*many), *why));
    let Some((why, shown, many)) = most.filter(|(_, _, many)| (1..=unknown).contains(many)) else {
        return String::new();
    };
    let [one, several] = match why {
        MissingReason::NotAsked => ["was not asked", "were not asked"],
        MissingReason::NoReply => ["was asked and did not reply", "were asked and did not reply"],
        MissingReason::Withheld => ["withholds it", "withhold it"],
        MissingReason::NotApplicable => ["says that it does not apply", "say that it does not apply"],
    };
    let does = if many == 1 { one } else { several };
    format!(" Of those, {} {does}.", format_approximate(shown, many))
}

fn render_hidden(answer: &PatternAnswer) -> String {
    let table = &answer.table;
    let four = [table.both, table.when_only, table.then_only, table.neither];
    let left_out = four
        .iter()
        .any(|cell| cell.count.is_some() && cell.suppressed.is_some());
    if left_out {
        " A few more that may not be shown can stand behind these counts.".into()
    } else {
        String::new()
    }
}

fn render_illustrative(answer: &PatternAnswer) -> String {
    let shown = &answer.illustrative;
    match shown.count {
        None if answer.basis.has_illustrative => {
            " Some of the records may be illustrative: made up to show how Wayin works.".into()
        }
        None | Some(0) => String::new(),
        Some(many) if shown.variance > 0.0 => {
            format!(
                " About {} of the records are illustrative: made up to show how Wayin works.",
                format_count(many)
            )
        }
        Some(many) if Some(many) == answer.table.population.count => {
            " These records are illustrative: made up to show how Wayin works.".into()
        }
        Some(1) => " One of the records is illustrative: made up to show how Wayin works.".into(),
        Some(many) => {
            format!(
                " {} of the records are illustrative: made up to show how Wayin works.",
                format_count(many)
            )
        }
    }
}

/// A count with its thousands set apart: 12,345.
pub fn format_count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of something, in words that agree.
pub fn format_plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", format_count(n), if n == 1 { one } else { many })
}

/// "a, b and c".
pub fn join_list(words: impl Iterator<Item = String>, with: &str) -> String {
    let words: Vec<String> = words.collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} {with} {last}", before.join(", ")),
    }
}

/// A count, or, where it was moved, about so many.
pub fn format_approximate(shown: &DisclosedCount, n: u64) -> String {
    format!(
        "{}{}",
        if shown.variance > 0.0 { "about " } else { "" },
        format_count(n)
    )
}

fn format_disclosed(shown: &DisclosedCount, n: u64) -> String {
    if n == 0 {
        "none".into()
    } else {
        format_approximate(shown, n)
    }
}

fn format_initiatives(shown: &DisclosedCount, n: u64) -> String {
    format!(
        "{} {}",
        format_approximate(shown, n),
        if n == 1 { "initiative" } else { "initiatives" }
    )
}

fn format_rate(rate: Option<Estimate>) -> String {
    let Some(rate) = rate else {
        return String::new();
    };
    let percent = rate.value * 100.0;
    if rate.value == 0.0 {
        String::new()
    } else if percent < 1.0 {
        " (fewer than 1 in 100)".into()
    } else if rate.value < 1.0 && percent > 99.0 {
        " (more than 99 in 100)".into()
    } else {
        format!(" ({percent:.0} in 100)")
    }
}

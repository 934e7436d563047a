//! Patterns in plain words: a sentence or two that a trustee understands, with
//! what is not known, and with no claim about causes.

mod clauses;
#[cfg(test)]
mod clauses_tests;
#[cfg(test)]
mod tests;

use wayin_vocabulary::MissingReason;

use self::clauses::{Number, phrase};
use super::answer::PatternAnswer;
use super::cautions::MUCH_UNKNOWN;
use super::disclosure::Shown;
use super::measures::Figures;
use super::query::Question;
use super::statistics::Estimate;
use crate::predicate::{Condition, InitiativeCondition};

/// The answer to a question in a few plain sentences.
pub fn render(question: &Question, answer: &PatternAnswer) -> String {
    let table = &answer.table;
    let among = Among(&question.among);
    let told = match table.population.count {
        Some(0) => {
            return format!(
                "There are no initiatives{} to ask about.",
                among.said(Number::Many)
            );
        }
        None => {
            return format!(
                "There are too few initiatives{} that may be counted to say anything about them.",
                among.said(Number::Many)
            );
        }
        Some(population) => among.opening(population, &table.population),
    };
    if (table.when(), table.otherwise()) == (Some(0), Some(0)) {
        let of_whom = initiatives(&table.population, table.population.count.unwrap_or(0));
        return format!(
            "We do not know enough of any of the {of_whom}{} to say whether those that {} also {}.{}",
            among.said(Number::Many),
            phrase(&question.when, Number::Many).text,
            phrase(&question.then, Number::Many).text,
            illustrative(answer)
        );
    }
    let sentences = [
        told + &compared(question, answer),
        unknown(answer),
        of_hidden(answer),
        " The two were reported together; that does not show that one causes the other.".to_owned(),
        illustrative(answer),
    ];
    sentences.concat()
}

/// The population that is asked about.
struct Among<'a>(&'a InitiativeCondition);

impl Among<'_> {
    fn is_everything(&self) -> bool {
        *self.0 == Condition::EVERYTHING
    }

    fn said(&self, number: Number) -> String {
        if self.is_everything() {
            String::new()
        } else {
            format!(" that {}", phrase(self.0, number).text)
        }
    }

    fn opening(&self, population: u64, shown: &Shown) -> String {
        if self.is_everything() {
            return String::new();
        }
        let number = Number::of(population);
        format!(
            "Among the {}{}: ",
            initiatives(shown, population),
            self.said(number)
        )
    }
}

/// "Of 214 initiatives that .., 131 (61 in 100) ..; of the 408 others, 90 (22 in 100) did."
fn compared(question: &Question, answer: &PatternAnswer) -> String {
    let table = &answer.table;
    let figures = Figures::of(table);
    let first = Among(&question.among).is_everything();
    let says = |count: u64| phrase(&question.then, Number::of(count)).text;
    let opening = |word: &str, rest: &str| {
        let word = if first {
            word.to_owned()
        } else {
            word.to_lowercase()
        };
        format!("{word}{rest}")
    };
    let (Some(both), Some(with)) = (table.both.count, table.when()) else {
        let when = phrase(&question.when, Number::Many).text;
        let start = opening(
            "Of",
            &format!(
                " initiatives that {when}, too little may be shown to say how many {}",
                says(2)
            ),
        );
        return start + &of_the_others(question, answer, false, true) + ".";
    };
    if with == 0 {
        let known = table.otherwise().unwrap_or(0);
        let when = phrase(&question.when, Number::Many).text;
        let none = opening(
            "None",
            &format!(
                " of the {} of which we know enough {when}",
                initiatives(&table.neither, known)
            ),
        );
        return none + &of_the_others(question, answer, false, false) + ".";
    }
    let with_shown = if table.both.variance > 0.0 {
        &table.both
    } else {
        &table.when_only
    };
    let when = phrase(&question.when, Number::of(with)).text;
    let noun = if first {
        initiatives(with_shown, with)
    } else {
        about(with_shown, with)
    };
    let start = opening(
        "Of",
        &format!(
            " {noun} that {when}, {}{} {}",
            number_of(&table.both, both),
            in_100(figures.rate_when),
            says(both)
        ),
    );
    start + &of_the_others(question, answer, true, true) + "."
}

/// What became of the others: `compared` with those that were spoken of before, and where
/// what they did was `said` there, it is not said again.
fn of_the_others(question: &Question, answer: &PatternAnswer, compared: bool, said: bool) -> String {
    let table = &answer.table;
    let then = |number: Number| phrase(&question.then, number);
    let (Some(then_only), Some(others)) = (table.then_only.count, table.otherwise()) else {
        return "; of the others too little may be shown to say".into();
    };
    match others {
        0 if compared => "; there are no others to compare them with".into(),
        0 => String::new(),
        1 if compared => {
            let one = then(Number::One);
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
            let others_then = then(Number::of(then_only));
            if then_only == 0 && said && others_then.echo.ends_with("not") {
                return format!(
                    "; of the {} others, all {}",
                    about(shown, others),
                    others_then.denied
                );
            }
            format!(
                "; of {}{} others, {}{} {}",
                if compared { "the " } else { "" },
                about(shown, others),
                number_of(&table.then_only, then_only),
                in_100(Figures::of(table).rate_otherwise),
                if said {
                    others_then.echo.to_owned()
                } else {
                    others_then.text
                }
            )
        }
    }
}

fn unknown(answer: &PatternAnswer) -> String {
    let table = &answer.table;
    let Some(unknown) = table.unknown.count else {
        return " Of how many more we do not know enough may not be shown.".into();
    };
    if unknown == 0 {
        return String::new();
    }
    let text = format!(
        " Of {} more we do not know enough to say.{}",
        about(&table.unknown, unknown),
        because(answer, unknown)
    );
    if let (Some(population), Some((least, most))) = (table.population.count, answer.bounds)
        && unknown * 100 > population * MUCH_UNKNOWN
        && table.when().is_some_and(|with| with > 0)
    {
        let (least, most) = ((least * 100.0).floor(), (most * 100.0).ceil());
        return format!(
            "{text} Whatever the unknowns are, the first figure lies between {least} and {most} in 100."
        );
    }
    text
}

/// The reason that most of those give of which too little is known.
fn because(answer: &PatternAnswer, unknown: u64) -> String {
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
    format!(" Of those, {} {does}.", about(shown, many))
}

fn of_hidden(answer: &PatternAnswer) -> String {
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

fn illustrative(answer: &PatternAnswer) -> String {
    let shown = &answer.illustrative;
    match shown.count {
        None if answer.basis.any_illustrative => {
            " Some of the records may be illustrative: made up to show how Wayin works.".into()
        }
        None | Some(0) => String::new(),
        Some(many) if shown.variance > 0.0 => {
            format!(
                " About {} of the records are illustrative: made up to show how Wayin works.",
                count(many)
            )
        }
        Some(many) if Some(many) == answer.table.population.count => {
            " These records are illustrative: made up to show how Wayin works.".into()
        }
        Some(1) => " One of the records is illustrative: made up to show how Wayin works.".into(),
        Some(many) => {
            format!(
                " {} of the records are illustrative: made up to show how Wayin works.",
                count(many)
            )
        }
    }
}

/// A count with its thousands set apart: 12,345.
pub fn count(n: u64) -> String {
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
pub fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// "a, b and c".
pub fn listed(words: impl Iterator<Item = String>, with: &str) -> String {
    let words: Vec<String> = words.collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} {with} {last}", before.join(", ")),
    }
}

/// A count, or, where it was moved, about so many.
pub fn about(shown: &Shown, n: u64) -> String {
    format!("{}{}", if shown.variance > 0.0 { "about " } else { "" }, count(n))
}

fn number_of(shown: &Shown, n: u64) -> String {
    if n == 0 { "none".into() } else { about(shown, n) }
}

fn initiatives(shown: &Shown, n: u64) -> String {
    format!(
        "{} {}",
        about(shown, n),
        if n == 1 { "initiative" } else { "initiatives" }
    )
}

fn in_100(rate: Option<Estimate>) -> String {
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

//! Patterns in plain words: a sentence or two that a trustee understands, with
//! what is not known, and with no claim about causes.

mod phrase;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use self::phrase::phrase;
use super::{Answer, Figures, Question};
use crate::condition::Condition;

/// A known cell under this is a small number.
pub const SMALL: u64 = 10;
/// The share of the population that may be unknown before it is much.
pub const MUCH_UNKNOWN: f64 = 0.2;

/// What to mind when reading a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caution {
    /// A known cell is small.
    SmallNumbers,
    /// Much is not known.
    MuchUnknown,
    /// An initiative may stand in several strata.
    StrataOverlap,
    /// Records that were made up are among those counted.
    Illustrative,
}

/// The cautions that an answer's figures call for.
pub fn cautions(answer: &Answer) -> Vec<Caution> {
    let table = answer.counts.table();
    let smallest = [table.both, table.when_only, table.then_only, table.neither]
        .into_iter()
        .min();
    let mut cautions = Vec::new();
    if smallest.is_some_and(|count| count < SMALL) {
        cautions.push(Caution::SmallNumbers);
    }
    if table.population > 0 && table.unknown as f64 > MUCH_UNKNOWN * table.population as f64 {
        cautions.push(Caution::MuchUnknown);
    }
    if answer.strata.as_ref().is_some_and(|strata| strata.overlap) {
        cautions.push(Caution::StrataOverlap);
    }
    if answer.illustrative > 0 {
        cautions.push(Caution::Illustrative);
    }
    cautions
}

impl Caution {
    /// The caution in a sentence.
    pub fn text(&self, answer: &Answer) -> String {
        let table = answer.counts.table();
        match self {
            Self::SmallNumbers => {
                format!("At least one of the four counts is under {SMALL}: a few initiatives more or less would change the picture.")
            }
            Self::MuchUnknown => {
                format!("Of {} not enough is known, out of {} in all.", count(table.unknown), count(table.population))
            }
            Self::StrataOverlap => {
                "An initiative counts once in each stratum that it stands in, so the strata add up to more than the whole."
                    .into()
            }
            Self::Illustrative => format!(
                "{} made up to show how Wayin works: {} evidence about real places.",
                if answer.illustrative == 1 { "One of the records counted was".into() } else { format!("{} of the records counted were", count(answer.illustrative)) },
                if answer.illustrative == 1 { "it is no" } else { "they are no" },
            ),
        }
    }
}

/// The answer to a question in a few plain sentences.
pub fn reading(question: &Question, answer: &Answer) -> String {
    let table = answer.counts.table();
    let figures = Figures::from(&table);
    let among = match &question.among {
        Condition::All(parts) if parts.is_empty() => String::new(),
        among => format!(" that {}", phrase(among).text),
    };
    if table.population == 0 {
        return format!("There are no initiatives{among} to ask about.");
    }
    let (when, then) = (phrase(&question.when), phrase(&question.then));
    let mut text = String::new();
    if !among.is_empty() {
        let _ = write!(text, "Among the {}{among}: ", initiatives(table.population));
    }
    let with = table.when();
    let others = table.otherwise();
    let known = with + others;
    if known == 0 {
        let _ = write!(
            text,
            "We do not know enough of any of the {} to say whether those that {} also {}.",
            initiatives(table.population),
            when.text,
            then.text
        );
        close(&mut text, answer, false);
        return text;
    }
    if with == 0 {
        let _ = write!(
            text,
            "None of the {} of which we know enough {}",
            initiatives(known),
            when.text
        );
        let _ = write!(
            text,
            "; of {} {}{} {}",
            count(others),
            count(table.then_only),
            in_100(figures.rate_otherwise),
            then.text
        );
    } else {
        let _ = write!(
            text,
            "Of {} that {}, {}{} {}",
            initiatives(with),
            when.text,
            number_of(table.both),
            in_100(figures.rate_when),
            then.text
        );
        match others {
            0 => text.push_str("; there are no others to compare them with"),
            1 => {
                let did = if table.then_only == 1 {
                    then.echo.to_owned()
                } else {
                    format!("{} not", then.echo.trim_end_matches(" so too"))
                };
                let _ = write!(text, "; the one other {did}");
            }
            _ => {
                let _ = write!(
                    text,
                    "; of the {} others, {}{} {}",
                    count(others),
                    number_of(table.then_only),
                    in_100(figures.rate_otherwise),
                    then.echo
                );
            }
        }
    }
    text.push('.');
    if table.unknown > 0 {
        let _ = write!(
            text,
            " Of {} more we do not know enough to say.",
            count(table.unknown)
        );
        if table.unknown as f64 > MUCH_UNKNOWN * table.population as f64
            && let Some((least, most)) = answer.counts.bounds()
        {
            let _ = write!(
                text,
                " Whatever the unknowns are, the first figure lies between {} and {} in 100.",
                (least * 100.0).floor(),
                (most * 100.0).ceil()
            );
        }
    }
    close(&mut text, answer, true);
    text
}

fn close(text: &mut String, answer: &Answer, compared: bool) {
    if compared {
        text.push_str(" The two were reported together; that does not show that one causes the other.");
    }
    if answer.illustrative == answer.counts.table().population && answer.illustrative > 0 {
        text.push_str(" These records are illustrative: made up to show how Wayin works.");
    } else if answer.illustrative > 0 {
        let _ = write!(
            text,
            " {} of the records are illustrative: made up to show how Wayin works.",
            count(answer.illustrative)
        );
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

fn number_of(n: u64) -> String {
    if n == 0 { "none".into() } else { count(n) }
}

fn initiatives(n: u64) -> String {
    format!(
        "{} {}",
        count(n),
        if n == 1 { "initiative" } else { "initiatives" }
    )
}

fn in_100(rate: Option<super::Estimate>) -> String {
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

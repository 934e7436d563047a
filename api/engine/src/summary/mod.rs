//! Answers in plain words: a few short sentences that a trustee understands. They say what was found, how sure it is, where
//! it differs and what is not known, and claim nothing about causes.
//!
//! Every figure is one that the answer publishes. If a count that a sentence needs is suppressed, the sentence is about the
//! records that the reader can read, and says so.

mod clauses;
#[cfg(test)]
mod clauses_tests;
pub mod comparison;
mod numbers;
#[cfg(test)]
mod tests;
mod unknowns;
mod where_different;

use self::clauses::GrammaticalNumber::{self, Many, One};
use self::clauses::{Phrase, render_phrase};
pub use self::numbers::{
    format_approximate, format_count, format_plural, format_with_noun, join_list, round_for_words,
};
use self::numbers::{format_points, format_rate};
use crate::answer::{DisclosedTable, HiddenCounting, PatternAnswer};
use crate::cautions::{self, Caution, CautionCode, SMALL_CELL_COUNT};
use crate::disclosure::DisclosedCount;
use crate::measures::Measures;
use crate::predicate::{InitiativePredicate, Predicate};
use crate::query::{PatternQuery, RecordScope};
use crate::statistics::Estimate;
use crate::verdict::{Direction, Finding, Verdict};

/// The answer to a query in plain words, in parts that a page can set apart. Each part is a few sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The verdict and the two rates, or the counts if there are few initiatives.
    pub headline: String,
    /// Of which records the figures are, if they are not of all records that the query is about. None if they are.
    pub basis: Option<String>,
    /// How sure the answer is: the interval of the difference, and how many initiatives are compared. None if nothing is
    /// compared.
    pub certainty: Option<String>,
    /// How many answers are unknown, and what they could change. None if nothing is unknown.
    pub unknowns: Option<String>,
    /// Which groups differ from the rest; none without groups.
    pub where_different: Option<String>,
    /// What to consider before using the answer; none if there is nothing.
    pub cautions: Option<String>,
    /// The sentence about causes, with which the cautions begin; none if no difference is claimed.
    pub about_causes: Option<&'static str>,
}

impl Summary {
    /// All parts in one text.
    pub fn text(&self) -> String {
        let parts = [
            Some(&self.headline),
            self.basis.as_ref(),
            self.certainty.as_ref(),
            self.unknowns.as_ref(),
            self.where_different.as_ref(),
            self.cautions.as_ref(),
        ];
        parts
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// The sentence about causes, for an answer that finds a difference.
const NOT_A_CAUSE: &str = "Being reported together does not show that one causes the other.";

/// Puts a condition in words that follow "initiatives that".
pub fn render_condition(condition: &InitiativePredicate) -> String {
    render_phrase(condition, Many).text
}

/// Puts the answer to a query in words.
pub fn render(query: &PatternQuery, answer: &PatternAnswer) -> Summary {
    let writer = SummaryWriter {
        query,
        answer,
        basis: answer.figures_basis(),
        table: answer.measured_table(),
    };
    if answer.table.population.count == Some(0) {
        let headline = format!(
            "There are no initiatives{} to ask about.",
            writer.render_among(Many)
        );
        return Summary {
            headline,
            basis: None,
            certainty: None,
            unknowns: None,
            where_different: None,
            // Others may exist that are not counted.
            cautions: (answer.basis.hidden == HiddenCounting::NoneCounted)
                .then(|| writer.render_cautions())
                .flatten(),
            about_causes: None,
        };
    }
    Summary {
        headline: writer.render_headline(),
        basis: writer.render_basis(),
        certainty: render_certainty(&writer.table),
        unknowns: unknowns::render(answer, &writer.table, &writer.render_when(Many)),
        where_different: where_different::render(answer, &writer.render_when(Many)),
        cautions: writer.render_cautions(),
        about_causes: writer.render_about_causes(),
    }
}

/// The sentence about causes, and the cautions that a summary says.
fn join_cautions(
    about_causes: Option<&str>,
    cautions: Vec<Caution>,
    says: impl Fn(CautionCode) -> bool,
) -> Option<String> {
    let said = cautions.into_iter().filter(|caution| says(caution.code));
    let texts: Vec<String> = about_causes
        .map(str::to_owned)
        .into_iter()
        .chain(said.map(|caution| caution.text))
        .collect();
    (!texts.is_empty()).then(|| texts.join(" "))
}

struct SummaryWriter<'a> {
    query: &'a PatternQuery,
    answer: &'a PatternAnswer,
    /// Which records the figures are of.
    basis: RecordScope,
    /// The counts of these records.
    table: DisclosedTable,
}

impl SummaryWriter<'_> {
    fn render_when(&self, number: GrammaticalNumber) -> String {
        render_phrase(&self.query.when, number).text
    }

    fn render_then(&self, number: GrammaticalNumber) -> Phrase {
        render_phrase(&self.query.then, number)
    }

    fn render_among(&self, number: GrammaticalNumber) -> String {
        render_population(&self.query.among, number)
    }

    /// Whether the figures are of fewer records than the query is about.
    fn is_visible_fallback(&self) -> bool {
        self.basis != self.answer.basis.scope
    }

    fn render_headline(&self) -> String {
        if self.is_visible_fallback() && self.table.population.count.unwrap_or(0) == 0 {
            return ALL_COUNTS_SUPPRESSED.into();
        }
        let mut sentences = vec![self.render_finding()];
        if self.is_visible_fallback() {
            sentences.push("This counts only records that can be read in full.".into());
        }
        let among = self.render_among(Many);
        if !among.is_empty() {
            sentences.push(format!("This is about initiatives{among}."));
        }
        sentences.join(" ")
    }

    /// The verdict on the figures.
    fn render_finding(&self) -> String {
        let finding = self.finding();
        match finding.verdict {
            Verdict::ClearDifference => {
                let verdict = match finding.direction {
                    Some(Direction::Less) => "They tend not to coincide",
                    _ => "They go together",
                };
                format!("{verdict}: {}", self.render_rates())
            }
            Verdict::NoClearDifference => {
                format!("There is no clear difference: {}", self.render_rates())
            }
            Verdict::DependsOnUnknowns => {
                format!(
                    "It depends on what we do not know. So far, {}",
                    self.render_rates()
                )
            }
            Verdict::TooLittleKnown | Verdict::Suppressed => {
                format!("Too little is known to say. {}", self.render_counts())
            }
        }
    }

    /// "57 in 100 of those that .. did. Of the rest, 28 in 100 did."
    fn render_rates(&self) -> String {
        let [with, otherwise] = self.rates();
        let then = self.render_then(Many);
        format!(
            "{} of those that {} {}. Of the rest, {}.",
            format_rate(with),
            self.render_when(Many),
            then.text,
            render_echo(&format_rate(otherwise), &then)
        )
    }

    fn rates(&self) -> [Option<Estimate>; 2] {
        let measures = Measures::from_table(&self.table);
        [measures.rate_when, measures.rate_otherwise]
    }

    /// "Of the 4 that .., 3 ... Of the 30 others, 10 did." A large group has a rate instead.
    fn render_counts(&self) -> String {
        // A measured table has all counts.
        let with = self.table.known_when_count().unwrap_or(0);
        let others = self.table.known_otherwise_count().unwrap_or(0);
        let [rate_when, rate_otherwise] = self.rates();
        let of_when = match (with, others) {
            (0, 0) => return "No record answers both questions.".into(),
            (0, _) => format!("We know of no initiative that {}.", self.render_when(One)),
            (1, _) => self.render_single(self.table.both.count == Some(1)),
            _ => {
                let share = render_share(self.table.both.count, with, rate_when);
                format!(
                    "Of the {} that {}, {share} {}.",
                    format_with_noun(&self.table.both, with),
                    self.render_when(Many),
                    self.render_then(number_of(&share)).text
                )
            }
        };
        let then = self.render_then(GrammaticalNumber::from_count(others));
        let of_others = match (with, others) {
            (_, 0) => "There are no others to compare with.".into(),
            (0, 1) => {
                let has_then = self.table.then_only.count == Some(1);
                format!("The one other {}.", self.render_outcome(has_then))
            }
            (_, 1) if self.table.then_only.count == Some(1) => format!("The one other {}.", then.echo),
            (_, 1) => format!("The one other {}.", then.denial),
            (0, _) => {
                let share = render_share(self.table.then_only.count, others, rate_otherwise);
                format!(
                    "Of the {} others, {share} {}.",
                    format_approximate(&self.table.neither, others),
                    self.render_then(number_of(&share)).text
                )
            }
            _ => {
                let share = render_share(self.table.then_only.count, others, rate_otherwise);
                format!(
                    "Of the {} others, {}.",
                    format_approximate(&self.table.neither, others),
                    render_echo(&share, &self.render_then(number_of(&share)))
                )
            }
        };
        format!("{of_when} {of_others}")
    }

    /// "The one initiative that .. skipped ..".
    fn render_single(&self, has_then: bool) -> String {
        format!(
            "The one initiative that {} {}.",
            self.render_when(One),
            self.render_outcome(has_then)
        )
    }

    /// "skipped .." or "did not skip ..", of one initiative.
    fn render_outcome(&self, has_then: bool) -> String {
        if has_then {
            self.render_then(One).text
        } else {
            render_phrase(&self.query.then.clone().negated(), One).text
        }
    }

    /// The verdict on the records that the figures are of.
    fn finding(&self) -> Finding {
        Finding::from_table(&self.table)
    }

    /// That the figures are of the records that the reader can read, because those of all records are suppressed.
    fn render_basis(&self) -> Option<String> {
        let has_figures = self.table.population.count.unwrap_or(0) > 0;
        (self.is_visible_fallback() && has_figures)
            .then(|| introduce_visible_figures(ALL_COUNTS_SUPPRESSED, &self.table.population))
    }

    /// The cautions that change how the sentences are to be read.
    fn render_cautions(&self) -> Option<String> {
        let cautions = cautions::list_pattern_cautions(self.answer);
        join_cautions(self.render_about_causes(), cautions, |code| {
            self.says_caution(code)
        })
    }

    fn render_about_causes(&self) -> Option<&'static str> {
        let claims_difference = self.finding().verdict.is_difference();
        (claims_difference && !is_about_missing_data(self.query)).then_some(NOT_A_CAUSE)
    }

    /// Whether the summary says a caution. What is unknown or suppressed is said elsewhere.
    fn says_caution(&self, code: CautionCode) -> bool {
        match code {
            CautionCode::Illustrative
            | CautionCode::NotASample
            | CautionCode::ReversesWithinGroups
            | CautionCode::GroupsDiffer
            | CautionCode::FewPlaces
            | CautionCode::Clustered
            | CautionCode::HiddenNotCounted => true,
            CautionCode::Perturbed => !self.is_visible_fallback(),
            _ => false,
        }
    }
}

/// " that ..", or nothing if `among` selects all initiatives.
fn render_population(among: &InitiativePredicate, number: GrammaticalNumber) -> String {
    if *among == Predicate::ALWAYS_TRUE {
        String::new()
    } else {
        format!(" that {}", render_phrase(among, number).text)
    }
}

const ALL_COUNTS_SUPPRESSED: &str = "The counts of all records may not be shown.";

/// Says that figures are of the records that the reader can read, after the sentence `suppressed` about those of all records.
fn introduce_visible_figures(suppressed: &str, population: &DisclosedCount) -> String {
    match population.count {
        Some(count @ 1..) => format!(
            "{suppressed} These are the figures of the {} that can be read in full; there may be more.",
            format_with_noun(population, count)
        ),
        _ => suppressed.into(),
    }
}

/// "Allowing for chance, the rate is higher by 22 to 36 in 100. This compares about 400 initiatives with about 300
/// others." None if the headline has counts of a few initiatives.
fn render_certainty(table: &DisclosedTable) -> Option<String> {
    let with = table.known_when_count()?;
    let others = table.known_otherwise_count()?;
    if with.min(others) < SMALL_CELL_COUNT {
        return None;
    }
    let difference = Measures::from_table(table).risk_difference?;
    Some(format!(
        "{} This compares {} with {} others.",
        format_points(&difference),
        format_with_noun(&table.both, with),
        format_approximate(&table.neither, others)
    ))
}

/// "57 in 100", or "3" of a few initiatives.
fn render_share(part: Option<u64>, all: u64, rate: Option<Estimate>) -> String {
    match part {
        _ if all >= SMALL_CELL_COUNT => format_rate(rate),
        None | Some(0) => "none".into(),
        Some(part) => format_count(part),
    }
}

/// The number that a verb after a share agrees with.
fn number_of(share: &str) -> GrammaticalNumber {
    if share == "1" { One } else { Many }
}

/// "28 in 100 did". For none, a negative phrase is turned round, so that nothing reads "none did not".
fn render_echo(share: &str, then: &Phrase) -> String {
    if share == "none" && then.echo.ends_with("not") {
        return format!("all {}", then.denial);
    }
    format!("{share} {}", then.echo)
}

/// Whether a condition of the query asks only which answers are recorded.
fn is_about_missing_data(query: &PatternQuery) -> bool {
    [&query.when, &query.then].into_iter().any(|condition| {
        let mut only_recorded = true;
        condition.for_each_test(&mut |test| only_recorded &= test.asks_if_recorded());
        only_recorded
    })
}

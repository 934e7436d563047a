//! Comparisons of groups in plain words: which groups differ clearly from the rest, and a sentence or two on each.

use super::clauses::GrammaticalNumber::{self, Many};
use super::clauses::render_phrase;
use super::numbers::{format_approximate, format_count, format_rate, join_list};
use super::{introduce_visible_figures, render_certainty, render_population, unknowns};
use crate::answer::{ComparisonAnswer, ComparisonQuery, DisclosedTable};
use crate::cautions::{self, CautionCode, SMALL_CELL_COUNT};
use crate::disclosure::DisclosedCount;
use crate::group_comparison::GroupComparison;
use crate::measures::Measures;
use crate::statistics::Estimate;
use crate::verdict::{Direction, Finding, Verdict};

/// A comparison in plain words, in parts that a page can set apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupsSummary {
    /// Which groups have a clearly higher or lower rate than the rest.
    pub headline: String,
    /// For each group, in the order of the query: its rate and that of the rest, and how many answers are unknown. Empty if
    /// there are no initiatives.
    pub by_group: Vec<String>,
    /// Of one group, the interval of the difference. Of several, how many were compared. None if nothing is compared.
    pub certainty: Option<String>,
    /// What to consider before using the answer; none if there is nothing.
    pub cautions: Option<String>,
}

impl GroupsSummary {
    /// All parts in one text.
    pub fn text(&self) -> String {
        let parts = std::iter::once(&self.headline)
            .chain(&self.by_group)
            .chain(&self.certainty)
            .chain(&self.cautions);
        parts.map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// Puts the answer to a query in words. `labels` are the names of the groups, in the order of the query.
pub fn render(query: &ComparisonQuery, labels: &[String], answer: &ComparisonAnswer) -> GroupsSummary {
    let writer = ComparisonWriter {
        query,
        labels,
        answer,
        tables: answer.measured_tables(),
        comparison: answer.compare_groups(),
    };
    let population = answer.tables.first().and_then(|table| table.population.count);
    if population == Some(0) {
        let among = render_population(&query.among, Many);
        return GroupsSummary {
            headline: format!("There are no initiatives{among} to ask about."),
            by_group: Vec::new(),
            certainty: None,
            cautions: None,
        };
    }
    GroupsSummary {
        headline: writer.render_headline(),
        by_group: writer.render_groups(),
        certainty: writer.render_certainty(),
        cautions: writer.render_cautions(),
    }
}

struct ComparisonWriter<'a> {
    query: &'a ComparisonQuery,
    labels: &'a [String],
    answer: &'a ComparisonAnswer,
    /// The tables that the figures are computed from.
    tables: Vec<DisclosedTable>,
    /// Which groups differ clearly.
    comparison: GroupComparison,
}

impl ComparisonWriter<'_> {
    /// Whether the figures are of fewer records than the query is about.
    fn is_visible_fallback(&self) -> bool {
        self.answer.figures_basis != self.answer.basis.scope
    }

    fn render_headline(&self) -> String {
        let mut sentences = Vec::new();
        if let (true, Some(table)) = (self.is_visible_fallback(), self.tables.first()) {
            sentences.push(introduce_visible_figures(&table.population));
        }
        sentences.push(match (self.labels, self.tables.as_slice()) {
            ([label], [table]) => render_single_verdict(label, table),
            _ => self.render_differences(),
        });
        let among = render_population(&self.query.among, Many);
        if !among.is_empty() {
            sentences.push(format!("This is about initiatives{among}."));
        }
        sentences.join(" ")
    }

    /// "Wales and Scotland have a clearly higher rate than the rest."
    fn render_differences(&self) -> String {
        if self.comparison.compared == 0 {
            return "Too little is known to say whether a group differs from the rest.".into();
        }
        let render = |direction| {
            let different = self.comparison.different.iter();
            let named = different.filter(|one| one.direction == direction);
            let labels: Vec<&str> = named.map(|one| self.labels[one.group].as_str()).collect();
            (!labels.is_empty()).then(|| render_difference(&labels, direction))
        };
        let sentences: Vec<String> = [Direction::More, Direction::Less]
            .into_iter()
            .filter_map(render)
            .collect();
        if sentences.is_empty() {
            return "No group differs clearly from the rest.".into();
        }
        sentences.join(" ")
    }

    fn render_groups(&self) -> Vec<String> {
        let groups = self.labels.iter().zip(&self.tables);
        groups
            .map(|(label, table)| {
                let mut sentences = vec![format!("{label}: {}", self.render_rates(table))];
                sentences.extend(unknowns::render_count(table));
                if Finding::from_table(table).verdict == Verdict::DependsOnUnknowns {
                    sentences.extend(unknowns::render_bounds(table));
                }
                sentences.join(" ")
            })
            .collect()
    }

    /// "57 in 100 skipped .., against 28 in 100 of the rest."
    fn render_rates(&self, table: &DisclosedTable) -> String {
        let (Some(with), Some(others)) = (table.known_when_count(), table.known_otherwise_count()) else {
            return "a count may not be shown, because it would include too few hidden records.".into();
        };
        if with == 0 {
            return "no initiative of this group has a known answer.".into();
        }
        let measures = Measures::from_table(table);
        let of_rest = match others {
            0 => "and there are no others to compare with".into(),
            _ => format!(
                "against {}",
                render_rest(
                    table.then_only.count,
                    &table.neither,
                    others,
                    measures.rate_otherwise
                )
            ),
        };
        let (share, number) = render_group_share(&table.both, with, measures.rate_when);
        let then = render_phrase(&self.query.then, number).text;
        format!("{share} {then}, {of_rest}.")
    }

    fn render_certainty(&self) -> Option<String> {
        match (self.tables.as_slice(), self.comparison.compared) {
            ([table], _) => render_certainty(table),
            (_, 0 | 1) => None,
            (_, compared) => Some(format!(
                "This allows for chance among the {} groups compared.",
                format_count(compared as u64)
            )),
        }
    }

    /// The cautions that change how the sentences are to be read.
    fn render_cautions(&self) -> Option<String> {
        let mut texts = Vec::new();
        if self.claims_difference() {
            texts.push("A difference does not show what causes it.".to_owned());
        }
        let cautions = cautions::list_comparison_cautions(self.answer).into_iter();
        texts.extend(
            cautions
                .filter(|caution| self.says_caution(caution.code))
                .map(|caution| caution.text),
        );
        (!texts.is_empty()).then(|| texts.join(" "))
    }

    fn claims_difference(&self) -> bool {
        match self.tables.as_slice() {
            [table] => matches!(
                Finding::from_table(table).verdict,
                Verdict::ClearDifference | Verdict::DependsOnUnknowns
            ),
            _ => !self.comparison.different.is_empty(),
        }
    }

    /// Whether the summary says a caution. What is unknown or suppressed is said for each group.
    fn says_caution(&self, code: CautionCode) -> bool {
        match code {
            CautionCode::Illustrative
            | CautionCode::NotASample
            | CautionCode::GroupsOverlap
            | CautionCode::HiddenNotCounted => true,
            CautionCode::Perturbed => !self.is_visible_fallback(),
            _ => false,
        }
    }
}

/// Whether the only group differs from the rest.
fn render_single_verdict(label: &str, table: &DisclosedTable) -> String {
    let finding = Finding::from_table(table);
    match (finding.verdict, finding.direction) {
        (Verdict::ClearDifference, Some(direction)) => render_difference(&[label], direction),
        (Verdict::ClearDifference | Verdict::NoClearDifference, _) => {
            format!("There is no clear difference between {label} and the rest.")
        }
        (Verdict::DependsOnUnknowns, _) => {
            format!("Whether {label} differs from the rest depends on what we do not know.")
        }
        (Verdict::TooLittleKnown | Verdict::Suppressed, _) => {
            format!("Too little is known to say whether {label} differs from the rest.")
        }
    }
}

fn render_difference(labels: &[&str], direction: Direction) -> String {
    let verb = if labels.len() == 1 { "has" } else { "have" };
    let rate = match direction {
        Direction::More => "higher",
        Direction::Less => "lower",
    };
    let labels = join_list(labels, "and");
    format!("{labels} {verb} a clearly {rate} rate than the rest.")
}

/// "57 in 100", or "3 of 4" of a small group, with the number that a verb agrees with. `all` is not 0.
fn render_group_share(
    part: &DisclosedCount,
    all: u64,
    rate: Option<Estimate>,
) -> (String, GrammaticalNumber) {
    let count = part.count.unwrap_or(0);
    if all >= SMALL_CELL_COUNT {
        return (format_rate(rate), Many);
    }
    let share = format!("{} of {}", render_few(count), format_approximate(part, all));
    (share, GrammaticalNumber::from_count(count))
}

/// "28 in 100 of the rest", or "3 of the 8 others" if they are few. `neither` says whether counts are approximate.
fn render_rest(part: Option<u64>, neither: &DisclosedCount, all: u64, rate: Option<Estimate>) -> String {
    if all >= SMALL_CELL_COUNT {
        return format!("{} of the rest", format_rate(rate));
    }
    let noun = if all == 1 { "other" } else { "others" };
    format!(
        "{} of the {} {noun}",
        render_few(part.unwrap_or(0)),
        format_approximate(neither, all)
    )
}

fn render_few(count: u64) -> String {
    match count {
        0 => "none".into(),
        count => format_count(count),
    }
}

#[cfg(test)]
mod tests {
    use wayin_vocabulary::{Challenge, ChallengeStep};

    use super::*;
    use crate::answer::{Basis, HiddenCounting};
    use crate::index::AsOf;
    use crate::predicate::{Comparison, InitiativePredicate, InitiativeTest, Predicate};
    use crate::query::{RecordScope, Viewpoint};
    use crate::visibility::Reader;

    /// A table of exact counts: both, when only, then only, neither and unknown.
    fn table([both, when_only, then_only, neither, unknown]: [u64; 5]) -> DisclosedTable {
        let population = both + when_only + then_only + neither + unknown;
        let counts = [
            population, both, when_only, then_only, neither, unknown, unknown, unknown,
        ];
        DisclosedTable::new(counts.map(DisclosedCount::exact))
    }

    fn suppress_both(table: &DisclosedTable) -> DisclosedTable {
        let both = DisclosedCount {
            count: None,
            ..table.both
        };
        DisclosedTable { both, ..*table }
    }

    /// The summary of a comparison of groups A, B and so on. The figures are of the records of `figures_basis`.
    fn summarise(
        tables: Vec<DisclosedTable>,
        figures_basis: RecordScope,
        among: InitiativePredicate,
    ) -> GroupsSummary {
        let step = Comparison::OneOf(vec![ChallengeStep::Skipped]);
        let query = ComparisonQuery {
            groups: vec![Predicate::ALWAYS_TRUE; tables.len()],
            then: Predicate::Test(InitiativeTest::Step(Challenge::DefiningAmbitions, step)),
            among,
            viewpoint: Viewpoint {
                reader: Reader::Dashboard,
                scope: RecordScope::All,
            },
        };
        let labels: Vec<String> = ('A'..).take(tables.len()).map(String::from).collect();
        let answer = ComparisonAnswer {
            tables,
            overlap: false,
            illustrative: DisclosedCount::exact(0),
            figures_basis,
            basis: Basis {
                scope: RecordScope::All,
                hidden: HiddenCounting::NotControlled,
                as_of: AsOf::default(),
                hidden_as_of: AsOf::default(),
                has_illustrative: false,
                rests_on_few_hidden: false,
            },
        };
        render(&query, &labels, &answer)
    }

    fn summarise_all(tables: &[[u64; 5]]) -> GroupsSummary {
        let tables = tables.iter().copied().map(table).collect();
        summarise(tables, RecordScope::All, Predicate::ALWAYS_TRUE)
    }

    #[test]
    fn single_group_has_a_verdict_and_an_interval() {
        for (counts, headline) in [
            ([60, 40, 25, 75, 0], "A has a clearly higher rate than the rest."),
            ([25, 75, 60, 40, 0], "A has a clearly lower rate than the rest."),
            (
                [26, 74, 26, 74, 0],
                "There is no clear difference between A and the rest.",
            ),
            (
                [60, 40, 25, 75, 200],
                "Whether A differs from the rest depends on what we do not know.",
            ),
            (
                [3, 1, 25, 75, 0],
                "Too little is known to say whether A differs from the rest.",
            ),
        ] {
            assert_eq!(summarise_all(&[counts]).headline, headline, "{counts:?}");
        }
        let summary = summarise_all(&[[60, 40, 25, 75, 2]]);
        assert_eq!(
            summary.by_group,
            [
                "A: 60 in 100 skipped defining their ambitions, against 25 in 100 of the rest. 2 more initiatives have \
              unknown answers."
            ]
        );
        assert_eq!(
            summary.certainty.as_deref(),
            Some(
                "Allowing for chance, the difference is between 21 and 47 in 100. This compares 100 initiatives with 100 others."
            )
        );
        assert!(
            summary
                .text()
                .contains("A difference does not show what causes it. The records were sent in"),
            "{}",
            summary.text()
        );
    }

    #[test]
    fn several_groups_are_named_if_they_differ_clearly() {
        let summary = summarise_all(&[
            [90, 10, 110, 190, 0],
            [50, 50, 150, 150, 0],
            [10, 90, 190, 110, 0],
            [85, 15, 115, 185, 0],
        ]);
        assert_eq!(
            summary.headline,
            "A and D have a clearly higher rate than the rest. C has a clearly lower rate than the rest."
        );
        assert_eq!(
            summary.certainty.as_deref(),
            Some("This allows for chance among the 4 groups compared.")
        );
        // Alone, the first would differ clearly. Among ten groups, it may be chance.
        let chance = [62, 38, 477, 523, 0];
        let mut groups = vec![[50, 50, 500, 500, 0]; 9];
        groups.push(chance);
        assert_eq!(
            summarise_all(&[chance]).headline,
            "A has a clearly higher rate than the rest."
        );
        let summary = summarise_all(&groups);
        assert_eq!(summary.headline, "No group differs clearly from the rest.");
        assert!(!summary.text().contains("causes"), "{}", summary.text());
    }

    #[test]
    fn small_and_empty_groups_have_counts() {
        let summary = summarise_all(&[
            [3, 1, 25, 75, 0],
            [0, 4, 25, 75, 0],
            [1, 0, 0, 100, 0],
            [0, 0, 25, 75, 0],
            [25, 75, 0, 1, 0],
            [25, 75, 0, 0, 0],
        ]);
        let start = "skipped defining their ambitions,";
        assert_eq!(
            summary.by_group,
            [
                format!("A: 3 of 4 {start} against 25 in 100 of the rest."),
                format!("B: none of 4 {start} against 25 in 100 of the rest."),
                "C: 1 of 1 skipped defining its ambitions, against none of the rest.".into(),
                "D: no initiative of this group has a known answer.".into(),
                format!("E: 25 in 100 {start} against none of the 1 other."),
                format!("F: 25 in 100 {start} and there are no others to compare with."),
            ]
        );
        assert_eq!(
            summary.headline,
            "Too little is known to say whether a group differs from the rest."
        );
        assert_eq!(summary.certainty, None);
    }

    #[test]
    fn suppressed_counts_are_left_out() {
        let suppressed = suppress_both(&table([60, 40, 25, 75, 0]));
        let groups = vec![table([60, 40, 25, 75, 0]), suppressed];
        let summary = summarise(groups, RecordScope::All, Predicate::ALWAYS_TRUE);
        assert_eq!(
            summary.by_group[1],
            "B: a count may not be shown, because it would include too few hidden records."
        );
        let summary = summarise(vec![suppressed], RecordScope::Visible, Predicate::ALWAYS_TRUE);
        assert_eq!(
            summary.headline,
            "The counts of all records may not be shown. These are the figures of the 200 initiatives that can be read in full; \
             there may be more. A has a clearly higher rate than the rest."
        );
    }

    #[test]
    fn population_is_named() {
        let among = Predicate::Test(InitiativeTest::PlaceKnown(true));
        let summary = summarise(vec![table([60, 40, 25, 75, 0])], RecordScope::All, among.clone());
        assert!(
            summary
                .headline
                .ends_with(" This is about initiatives that said where they work."),
            "{}",
            summary.headline
        );
        let summary = summarise(vec![table([0; 5])], RecordScope::All, among);
        assert_eq!(
            summary.text(),
            "There are no initiatives that said where they work to ask about."
        );
    }
}

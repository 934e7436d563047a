//! Comparisons of groups in plain words: which groups differ clearly from the rest, and a sentence or two on each.

use super::clauses::GrammaticalNumber::{self, Many};
use super::clauses::render_phrase;
use super::numbers::{format_approximate, format_count, format_rate, join_list};
use super::{
    ALL_COUNTS_SUPPRESSED, introduce_visible_figures, join_cautions, render_certainty, render_population,
    unknowns,
};
use crate::answer::{ComparisonAnswer, ComparisonQuery, DisclosedTable, HiddenCounting};
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
    /// there are no initiatives, or no figures that may be shown.
    pub by_group: Vec<String>,
    /// Of one group, the interval of the difference. Of several, how many were compared. None if nothing is compared.
    pub certainty: Option<String>,
    /// What to consider before using the answer; none if there is nothing.
    pub cautions: Option<String>,
    /// The sentence about causes, with which the cautions begin; none if no difference is claimed.
    pub about_causes: Option<&'static str>,
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

/// The sentence about causes, for an answer that finds a difference.
const DIFFERENCE_NOT_A_CAUSE: &str = "A difference does not show what causes it.";
/// The introduction of readable figures if the verdicts on some groups are about all records.
const SOME_COUNTS_SUPPRESSED: &str = "Some counts of all records may not be shown.";

/// Puts the answer to a query in words. `labels` are the names of the groups, in the order of the query.
pub fn render(query: &ComparisonQuery, labels: &[String], answer: &ComparisonAnswer) -> GroupsSummary {
    let writer = ComparisonWriter {
        query,
        labels,
        answer,
        tables: answer.measured_tables(),
        findings: answer.findings(),
        comparison: answer.compare_groups(),
    };
    let population = answer.tables.first().and_then(|table| table.population.count);
    if population == Some(0) {
        let among = render_population(&query.among, Many);
        return GroupsSummary {
            headline: format!("There are no initiatives{among} to ask about."),
            by_group: Vec::new(),
            certainty: None,
            // Others may exist that are not counted.
            cautions: (answer.basis.hidden == HiddenCounting::NoneCounted)
                .then(|| writer.render_cautions())
                .flatten(),
            about_causes: None,
        };
    }
    GroupsSummary {
        headline: writer.render_headline(),
        by_group: writer.render_groups(),
        certainty: writer.render_certainty(),
        cautions: writer.render_cautions(),
        about_causes: writer.render_about_causes(),
    }
}

struct ComparisonWriter<'a> {
    query: &'a ComparisonQuery,
    labels: &'a [String],
    answer: &'a ComparisonAnswer,
    /// The tables that the figures are computed from.
    tables: Vec<DisclosedTable>,
    /// The findings on the groups, over the records that were asked about.
    findings: Vec<Finding>,
    /// Which groups differ clearly.
    comparison: GroupComparison,
}

impl ComparisonWriter<'_> {
    /// Whether the figures are of fewer records than the query is about.
    fn is_visible_fallback(&self) -> bool {
        self.answer.figures_basis != self.answer.basis.scope
    }

    /// The labels of the groups with a suppressed count. Nothing is claimed of them.
    fn list_suppressed_labels(&self) -> Vec<&str> {
        let groups = self.labels.iter().zip(&self.findings);
        groups
            .filter(|(_, finding)| finding.verdict == Verdict::Suppressed)
            .map(|(label, _)| label.as_str())
            .collect()
    }

    /// What the verdicts say, and then the introduction of figures of fewer records.
    fn render_headline(&self) -> String {
        let mut sentences = match (self.labels, self.findings.as_slice()) {
            ([label], [finding]) => vec![render_single_verdict(label, *finding)],
            _ => self.list_differences(),
        };
        let among = render_population(&self.query.among, Many);
        if !among.is_empty() {
            sentences.push(format!("This is about initiatives{among}."));
        }
        if let (true, Some(table)) = (self.is_visible_fallback(), self.tables.first()) {
            let suppressed = if self.list_suppressed_labels().len() == self.labels.len() {
                ALL_COUNTS_SUPPRESSED
            } else {
                SOME_COUNTS_SUPPRESSED
            };
            sentences.push(introduce_visible_figures(suppressed, &table.population));
        }
        sentences.join(" ")
    }

    /// "Wales and Scotland have a clearly higher rate than the rest." as sentences.
    fn list_differences(&self) -> Vec<String> {
        let suppressed = self.list_suppressed_labels();
        if suppressed.len() == self.labels.len() {
            return vec!["Whether a group differs from the rest cannot be said.".into()];
        }
        let unsaid = (!suppressed.is_empty()).then(|| {
            let labels = join_list(&suppressed, "or");
            format!("Whether {labels} differs from the rest cannot be said.")
        });
        let other = if suppressed.is_empty() { "" } else { "other " };
        if self.comparison.compared == 0 {
            let article = if suppressed.is_empty() { "a" } else { "another" };
            let unknown =
                format!("Too little is known to say whether {article} group differs from the rest.");
            return unsaid.into_iter().chain([unknown]).collect();
        }
        let render = |direction| {
            let different = self.comparison.different.iter();
            let named = different.filter(|one| one.direction == direction);
            let labels: Vec<&str> = named.map(|one| self.labels[one.group].as_str()).collect();
            (!labels.is_empty()).then(|| render_difference(&labels, direction))
        };
        let different: Vec<String> = [Direction::More, Direction::Less]
            .into_iter()
            .filter_map(render)
            .collect();
        if different.is_empty() {
            let none = format!("No {other}group differs clearly from the rest.");
            return unsaid.into_iter().chain([none]).collect();
        }
        different.into_iter().chain(unsaid).collect()
    }

    fn render_groups(&self) -> Vec<String> {
        let population = self.tables.first().and_then(|table| table.population.count);
        if self.is_visible_fallback() && population.unwrap_or(0) == 0 {
            return Vec::new();
        }
        let groups = self.labels.iter().zip(&self.tables).zip(&self.findings);
        groups
            .map(|((label, table), finding)| {
                let mut sentences = vec![format!("{label}: {}", self.render_rates(table))];
                sentences.extend(unknowns::render_count(table));
                if finding.verdict == Verdict::DependsOnUnknowns {
                    sentences.extend(unknowns::render_bounds(table, label));
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
        let cautions = cautions::list_comparison_cautions(self.answer);
        join_cautions(self.render_about_causes(), cautions, |code| {
            self.says_caution(code)
        })
    }

    fn render_about_causes(&self) -> Option<&'static str> {
        self.claims_difference().then_some(DIFFERENCE_NOT_A_CAUSE)
    }

    fn claims_difference(&self) -> bool {
        match self.findings.as_slice() {
            [finding] => finding.verdict.is_difference(),
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
fn render_single_verdict(label: &str, finding: Finding) -> String {
    match (finding.verdict, finding.direction) {
        (Verdict::ClearDifference, Some(direction)) => render_difference(&[label], direction),
        (Verdict::ClearDifference | Verdict::NoClearDifference, _) => {
            format!("There is no clear difference between {label} and the rest.")
        }
        (Verdict::DependsOnUnknowns, _) => {
            format!("Whether {label} differs from the rest depends on what we do not know.")
        }
        (Verdict::TooLittleKnown, _) => {
            format!("Too little is known to say whether {label} differs from the rest.")
        }
        (Verdict::Suppressed, _) => {
            format!("Whether {label} differs from the rest cannot be said.")
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
                "Allowing for chance, the rate is higher by 21 to 47 in 100. This compares 100 initiatives with 100 others."
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
        assert_eq!(
            summary.headline,
            "A has a clearly higher rate than the rest. Whether B differs from the rest cannot be said."
        );
    }

    #[test]
    fn readable_figures_claim_no_difference() {
        let suppressed = suppress_both(&table([60, 40, 25, 75, 0]));
        let readable = "60 in 100 skipped defining their ambitions, against 25 in 100 of the rest.";
        let summary = summarise(vec![suppressed], RecordScope::Visible, Predicate::ALWAYS_TRUE);
        assert_eq!(
            summary.headline,
            "Whether A differs from the rest cannot be said. The counts of all records may not be shown. These are the \
             figures of the 200 initiatives that can be read in full; there may be more."
        );
        assert_eq!(summary.by_group, [format!("A: {readable}")]);
        assert!(!summary.text().contains("causes"), "{}", summary.text());
        let several = vec![suppressed; 2];
        let summary = summarise(several, RecordScope::Visible, Predicate::ALWAYS_TRUE);
        assert_eq!(
            summary.headline,
            "Whether a group differs from the rest cannot be said. The counts of all records may not be shown. These \
             are the figures of the 200 initiatives that can be read in full; there may be more."
        );
        assert_eq!(
            summary.by_group,
            [format!("A: {readable}"), format!("B: {readable}")]
        );
        assert_eq!(summary.certainty, None);
        assert!(!summary.text().contains("causes"), "{}", summary.text());
    }

    #[test]
    fn groups_with_a_verdict_are_named_beside_readable_figures() {
        let suppressed = suppress_both(&table([60, 40, 25, 75, 0]));
        let introduction = "Some counts of all records may not be shown. These are the figures of the 200 initiatives \
                            that can be read in full; there may be more.";
        for (other, verdicts) in [
            (
                [60, 40, 25, 75, 0],
                "B has a clearly higher rate than the rest. Whether A differs from the rest cannot be said.",
            ),
            (
                [26, 74, 26, 74, 0],
                "Whether A differs from the rest cannot be said. No other group differs clearly from the rest.",
            ),
            (
                [3, 1, 25, 171, 0],
                "Whether A differs from the rest cannot be said. Too little is known to say whether another group \
                 differs from the rest.",
            ),
        ] {
            let groups = vec![suppressed, table(other)];
            let summary = summarise(groups, RecordScope::Visible, Predicate::ALWAYS_TRUE);
            assert_eq!(summary.headline, format!("{verdicts} {introduction}"));
        }
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

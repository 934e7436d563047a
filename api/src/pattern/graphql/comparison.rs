//! Comparisons of groups over GraphQL.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object, SimpleObject};

use super::super::service::{ComparedFilter, ComparisonInput, PatternService};
use super::parts::{
    Caution, ContingencyTable, DisclosureControl, Estimate, Proportion, Suppression, to_graphql_count,
};
use crate::error::{Error, Result};
use crate::graphql::app_from_context;
use crate::graphql::as_of::AsOf;
use crate::graphql::filter::AskerOrganisation;
use crate::initiative::filter_input::InitiativeFilter;
use wayin_engine::answer::{ComparisonAnswer, ComparisonQuery, DisclosedTable};
use wayin_engine::cautions;
use wayin_engine::measures::Measures;
use wayin_engine::query::{MAX_COMPARED_GROUPS, RecordScope};
use wayin_engine::summary::comparison::{self, GroupsSummary};
use wayin_engine::verdict::{Direction, Finding, Verdict};

/// The label of the group that `portfolio` asks about.
const PORTFOLIO_LABEL: &str = "Your portfolio";
/// The maximum length of a label in characters.
const MAX_LABEL_CHARACTERS: usize = 100;

/// A group to compare with the rest.
#[derive(InputObject)]
pub struct ComparisonGroupInput {
    /// The name of your choice, which identifies the group in the answer: from 1 to 100 characters, different
    /// from those of the other groups.
    pub label: String,
    /// Selects the group: the initiatives for which it is TRUE. The rest are those for which it is FALSE.
    pub filter: InitiativeFilter,
}

/// Lists the groups of the arguments.
///
/// # Errors
/// [`Error::BadInput`] unless exactly one of `groups` and `portfolio: true` is given, with 1 to
/// [`MAX_COMPARED_GROUPS`] groups, and for a label that is empty, too long or repeated.
pub fn list_compared_groups(
    groups: Option<Vec<ComparisonGroupInput>>,
    portfolio: bool,
    asker: AskerOrganisation,
) -> Result<Vec<ComparedFilter>> {
    match (groups, portfolio) {
        (Some(groups), false) => list_labelled_groups(groups),
        (None, true) => Ok(vec![build_portfolio(asker)?]),
        (Some(_), true) => Err(Error::bad_input(
            "portfolio",
            "groups are given too; give either `groups` or `portfolio: true`",
        )),
        (None, false) => Err(Error::bad_input(
            "groups",
            "there is nothing to compare; give either `groups` or `portfolio: true`",
        )),
    }
}

fn list_labelled_groups(groups: Vec<ComparisonGroupInput>) -> Result<Vec<ComparedFilter>> {
    if !(1..=MAX_COMPARED_GROUPS).contains(&groups.len()) {
        return Err(Error::bad_input(
            "groups",
            format!(
                "{} are given; from 1 to {MAX_COMPARED_GROUPS} can be",
                groups.len()
            ),
        ));
    }
    let mut listed: Vec<ComparedFilter> = Vec::with_capacity(groups.len());
    for (at, group) in groups.into_iter().enumerate() {
        let label = group.label.trim().to_owned();
        let length = label.chars().count();
        let problem = match length {
            0 => Some("is empty".to_owned()),
            _ if length > MAX_LABEL_CHARACTERS => Some(format!(
                "has {length} characters; at most {MAX_LABEL_CHARACTERS} are allowed"
            )),
            _ if listed.iter().any(|other| other.label == label) => {
                Some("is the label of another group too".to_owned())
            }
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(Error::bad_input(&format!("groups.{at}.label"), problem));
        }
        listed.push(ComparedFilter {
            label,
            filter: group.filter,
            path: format!("groups.{at}.filter"),
        });
    }
    Ok(listed)
}

/// The initiatives that the asker's organisation funds or leads.
fn build_portfolio(asker: AskerOrganisation) -> Result<ComparedFilter> {
    let path = "portfolio".to_owned();
    asker.require_id(&path)?;
    let funded = InitiativeFilter {
        funded_by_me: Some(true),
        ..InitiativeFilter::default()
    };
    let led = InitiativeFilter {
        led_by_me: Some(true),
        ..InitiativeFilter::default()
    };
    Ok(ComparedFilter {
        label: PORTFOLIO_LABEL.into(),
        filter: InitiativeFilter {
            or: Some(vec![funded, led]),
            ..InitiativeFilter::default()
        },
        path,
    })
}

/// How a share differs between groups and the rest.
pub struct Comparison {
    labels: Arc<[String]>,
    query: ComparisonQuery,
    result: ComparisonAnswer,
}

impl Comparison {
    /// Runs the query.
    pub async fn load(asker: &PatternService, input: ComparisonInput) -> Result<Self> {
        let labels = input.list_labels();
        let (query, result) = Box::pin(asker.query_comparison(input)).await?;
        Ok(Self {
            labels: labels.into(),
            query,
            result,
        })
    }
}

/// How the share of initiatives that have `then` differs between each group and the rest.
#[Object]
impl Comparison {
    /// The answer in plain words, in parts: which groups differ clearly from the rest, and the shares of each.
    /// It makes no claim about causes.
    async fn summary(&self) -> ComparisonSummary {
        ComparisonSummary::from(comparison::render(&self.query, &self.labels, &self.result))
    }

    /// The groups, in the order of your list.
    async fn groups(&self) -> Vec<ComparedGroup> {
        let tables = self.result.tables.iter().enumerate();
        tables
            .map(|(at, table)| ComparedGroup {
                labels: Arc::clone(&self.labels),
                at,
                table: *table,
                basis: self.result.figures_basis,
            })
            .collect()
    }

    /// Whether an initiative that you can read in full is in several groups.
    async fn overlap(&self) -> bool {
        self.result.overlap
    }

    /// The number of illustrative initiatives in the population: records made up to show how Wayin works.
    /// Null if suppressed.
    async fn illustrative(&self) -> Option<i64> {
        to_graphql_count(&self.result.illustrative)
    }

    /// Cautions to consider before you use this answer. For those about one group, see its `cautions`.
    pub(super) async fn cautions(&self) -> Vec<Caution> {
        Caution::list(cautions::list_comparison_cautions(&self.result))
    }

    /// Which records the shares, the differences and the summary are computed from. VISIBLE if counts of too
    /// many groups are suppressed.
    pub(super) async fn basis(&self) -> RecordScope {
        self.result.figures_basis
    }

    /// Which records were counted.
    pub(super) async fn scope(&self) -> RecordScope {
        self.result.basis.scope
    }

    /// How disclosure control changed the answer. For a group, see its `suppressed`.
    pub(super) async fn disclosure(&self) -> DisclosureControl {
        DisclosureControl::of(&self.result.basis, [("illustrative", &self.result.illustrative)])
    }

    /// The newest change that this answer includes.
    pub(super) async fn as_of(&self) -> AsOf {
        self.result.basis.as_of.into()
    }

    /// The licence under which you can reuse the answer.
    pub(super) async fn licence<'a>(&self, ctx: &Context<'a>) -> &'a str {
        app_from_context(ctx).engine.licence()
    }
}

/// A group, compared with the rest.
pub struct ComparedGroup {
    labels: Arc<[String]>,
    at: usize,
    table: DisclosedTable,
    basis: RecordScope,
}

impl ComparedGroup {
    fn measured_table(&self) -> DisclosedTable {
        self.table.of_basis(self.basis)
    }

    fn measures(&self) -> Measures {
        Measures::from_table(&self.measured_table())
    }
}

/// A group, compared with the rest: the initiatives for which its filter is FALSE. Its figures are those of a
/// pattern with the filter as `when`.
#[Object]
impl ComparedGroup {
    /// The label of the group.
    async fn label(&self) -> &str {
        &self.labels[self.at]
    }

    /// Whether the share of initiatives that have `then` differs between the group and the rest. It is not
    /// corrected for the number of groups; the summary is.
    async fn verdict(&self) -> Verdict {
        Finding::from_table(&self.table).verdict
    }

    /// The verdict on the exact counts of the records that you can read in full. Use it if `verdict` is `SUPPRESSED`.
    async fn visible_verdict(&self) -> Verdict {
        Finding::from_table(&self.table.visible_only()).verdict
    }

    /// Whether `then` is more or less frequent in the group. Null unless the verdict is `CLEAR_DIFFERENCE` or
    /// `DEPENDS_ON_UNKNOWNS`.
    async fn direction(&self) -> Option<Direction> {
        Finding::from_table(&self.table).direction
    }

    /// Which records the shares and the differences of all groups are computed from, so that you can compare
    /// them. VISIBLE if counts of too many groups are suppressed.
    async fn basis(&self) -> RecordScope {
        self.basis
    }

    /// The contingency table, in which `when` is the filter of the group. A count of scope ALL includes hidden
    /// records, or is null.
    async fn table(&self) -> ContingencyTable {
        ContingencyTable::from(&self.table)
    }

    /// The exact counts of the records that you can read in full.
    async fn visible_table(&self) -> ContingencyTable {
        ContingencyTable::from(&self.table.visible_only())
    }

    /// The share of initiatives in the group that have `then`.
    async fn rate(&self) -> Proportion {
        let table = self.measured_table();
        Proportion::from_estimate(
            table.both.count,
            table.known_when_count(),
            self.measures().rate_when,
        )
    }

    /// The share of the rest that have `then`.
    async fn rate_of_rest(&self) -> Proportion {
        let table = self.measured_table();
        Proportion::from_estimate(
            table.then_only.count,
            table.known_otherwise_count(),
            self.measures().rate_otherwise,
        )
    }

    /// The share in the group minus the share of the rest, with Newcombe's 95% confidence interval. Null if
    /// either share is not known.
    async fn difference(&self) -> Option<Estimate> {
        self.measures().risk_difference.map(Estimate::from)
    }

    /// Cautions to consider before you use this group.
    async fn cautions(&self) -> Vec<Caution> {
        Caution::list(cautions::list_table_cautions(&self.measured_table()))
    }

    /// The suppressed counts, with the rule.
    async fn suppressed(&self) -> Vec<Suppression> {
        Suppression::list(self.table.named_counts())
    }
}

/// A comparison in plain words. Each part has a few short sentences.
#[derive(SimpleObject)]
pub struct ComparisonSummary {
    /// Which groups have a clearly higher or lower share than the rest. With several groups, those that differ
    /// after a correction for the number of groups.
    headline: String,
    /// For each group, in the order of your list, its share and that of the rest. Empty if there are no
    /// initiatives.
    by_group: Vec<String>,
    /// How sure the answer is. Null if too little is known.
    certainty: Option<String>,
    /// What to consider before you use the answer. Null if there is nothing to consider.
    cautions: Option<String>,
    /// All parts together.
    text: String,
}

impl From<GroupsSummary> for ComparisonSummary {
    fn from(summary: GroupsSummary) -> Self {
        Self {
            text: summary.text(),
            headline: summary.headline,
            by_group: summary.by_group,
            certainty: summary.certainty,
            cautions: summary.cautions,
        }
    }
}

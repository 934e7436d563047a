//! A pattern over GraphQL.

use std::sync::Arc;

use async_graphql::{Context, Object, Result, SimpleObject};

use super::super::service::{PatternInput, PatternService};
use super::groups::{self, PatternGroup, PatternGroupOrder};
use super::parts::{Caution, DisclosureControl, Estimate, TableFigures, UnknownReasonCount};
use crate::error::Error;
use crate::graphql::as_of::AsOf;
use crate::graphql::{app_from_context, connection::NodeConnection};
use crate::paging::PageArguments;
use wayin_engine::answer;
use wayin_engine::answer::PatternAnswer;
use wayin_engine::predicate::Predicate;
use wayin_engine::query::{PatternQuery, RecordScope};
use wayin_engine::verdict::{Direction, Finding, Verdict};
use wayin_engine::{cautions, measures, summary};

/// How often two conditions coincide.
#[derive(Clone)]
pub struct Pattern {
    query: PatternQuery,
    result: Arc<PatternAnswer>,
}

impl Pattern {
    /// Runs the query.
    pub async fn load(asker: &PatternService, input: PatternInput) -> Result<Self, Error> {
        let (question, answer) = Box::pin(asker.query_pattern(input)).await?;
        Ok(Self {
            query: question,
            result: Arc::new(answer),
        })
    }

    /// Whether two answers to the same query are equal, apart from the change numbers that they are based on.
    pub fn is_same_result(&self, other: &Self) -> bool {
        self.result.is_same_result(&other.result)
    }
}

/// How often two conditions coincide, in words and numbers.
#[Object]
impl Pattern {
    /// The answer in plain words, in parts: what was found, how sure it is, what is not known and where it
    /// differs. It makes no claim about causes.
    async fn summary(&self) -> PatternSummary {
        PatternSummary::from(summary::render(&self.query, &self.result))
    }

    /// The conditions of the question in words.
    async fn conditions(&self) -> PatternConditions {
        PatternConditions {
            when: summary::render_condition(&self.query.when),
            then: summary::render_condition(&self.query.then),
            among: (self.query.among != Predicate::ALWAYS_TRUE)
                .then(|| summary::render_condition(&self.query.among)),
        }
    }

    /// Whether the share of initiatives that have `then` differs between those with `when` and the others.
    async fn verdict(&self) -> Verdict {
        self.result.finding().verdict
    }

    /// The verdict on the exact counts of the records that you can read in full. Use it if `verdict` is `SUPPRESSED`.
    async fn visible_verdict(&self) -> Verdict {
        Finding::from_table(&self.result.table.visible_only()).verdict
    }

    /// Whether `then` is more or less frequent with `when`. Null unless the verdict is
    /// `CLEAR_DIFFERENCE` or `DEPENDS_ON_UNKNOWNS`.
    async fn direction(&self) -> Option<Direction> {
        self.result.finding().direction
    }

    /// Which records the shares, the measures and the summary are computed from. VISIBLE if a count that
    /// they need is suppressed.
    pub(super) async fn basis(&self) -> RecordScope {
        self.result.figures_basis()
    }

    #[graphql(flatten)]
    async fn figures(&self) -> TableFigures {
        TableFigures::new(self.result.table, self.result.figures_basis())
    }

    /// Why conditions are not known for the initiatives that `unknown` counts. There is one count for each
    /// reason, with the initiatives that give no reason last. An initiative that gives several reasons
    /// counts once for each, so the counts do not always add up.
    async fn unknown_reasons(&self) -> Vec<UnknownReasonCount> {
        let each = self.result.unknown_reasons.each();
        each.map(|(reason, shown)| UnknownReasonCount::of(reason, shown))
            .collect()
    }

    /// The conditional maximum likelihood estimate of the odds ratio, as used by Fisher's exact test. Null
    /// if it is zero or infinite, or if counts are not exact.
    async fn conditional_odds_ratio(&self) -> Option<f64> {
        measures::compute_conditional_odds_ratio(&self.result.measured_table())
    }

    /// The p-value of Fisher's exact test, two-sided. Null if counts are not exact, or all four are 0.
    async fn p_value(&self) -> Option<f64> {
        measures::compute_p_value(&self.result.measured_table())
    }

    /// Estimates adjusted for the groups of `by`: initiatives are compared only with others in the same
    /// group. Null without `by`, if groups overlap, or if too much is suppressed. The cautions say why.
    async fn adjusted(&self) -> Option<AdjustedEstimates> {
        let groups = self.result.groups.as_ref()?;
        groups.adjusted.as_ref().ok().map(AdjustedEstimates::from)
    }

    /// The same counts for each group of `by`. All possible groups are included, with initiatives without a
    /// recorded value last. Null without `by`.
    async fn groups(
        &self,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
        #[graphql(desc = "The sort order. By default, names are in alphabetical order.")] order_by: Option<
            PatternGroupOrder,
        >,
    ) -> Result<Option<NodeConnection<PatternGroup>>> {
        let Some(groups) = &self.result.groups else {
            return Ok(None);
        };
        let page = PageArguments::new(first, after, last, before);
        Ok(Some(groups::load_group_page(groups, order_by, &page)?))
    }

    /// Cautions to consider before you use this answer.
    pub(super) async fn cautions(&self) -> Vec<Caution> {
        Caution::list(cautions::list_pattern_cautions(&self.result))
    }

    /// Which records were counted.
    pub(super) async fn scope(&self) -> RecordScope {
        self.result.basis.scope
    }

    /// How disclosure control changed the answer.
    pub(super) async fn disclosure(&self) -> DisclosureControl {
        DisclosureControl::of(&self.result.basis, self.result.table.named_counts())
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

/// The conditions of a question. Each is in words that follow "initiatives that".
#[derive(SimpleObject)]
pub struct PatternConditions {
    /// The first condition, such as "had some funding of 18 months or less".
    when: String,
    /// The second condition.
    then: String,
    /// The condition that selects the initiatives that the question is about. Null if it is about all.
    among: Option<String>,
}

/// An answer in plain words. Each part has a few short sentences.
#[derive(SimpleObject)]
pub struct PatternSummary {
    /// The verdict and the two shares. If few initiatives are known, their numbers.
    headline: String,
    /// Which records the figures are of, if counts of all records are suppressed. Null if the figures are of all
    /// records that you asked about.
    basis: Option<String>,
    /// How sure the answer is: the interval of the difference, and how many initiatives are compared. Null if
    /// fewer than 10 are known in one group.
    certainty: Option<String>,
    /// How many initiatives have unknown answers, and between which bounds the two shares are. Null if
    /// nothing is unknown.
    unknowns: Option<String>,
    /// Which groups of `by` have a clearly higher or lower share than the rest. Null without `by`.
    #[graphql(name = "where")]
    where_different: Option<String>,
    /// What to consider before you use the answer. Null if there is nothing to consider.
    cautions: Option<String>,
    /// All parts together.
    text: String,
}

impl From<summary::Summary> for PatternSummary {
    fn from(summary: summary::Summary) -> Self {
        Self {
            text: summary.text(),
            headline: summary.headline,
            basis: summary.basis,
            certainty: summary.certainty,
            unknowns: summary.unknowns,
            where_different: summary.where_different,
            cautions: summary.cautions,
        }
    }
}

/// Estimates that compare initiatives only with others in the same group, combined over all groups.
#[derive(SimpleObject)]
pub struct AdjustedEstimates {
    /// The Mantel-Haenszel odds ratio, with a 95% confidence interval (Robins, Breslow and Greenland). Null
    /// if it cannot be computed.
    odds_ratio: Option<Estimate>,
    /// The Mantel-Haenszel risk ratio, with a 95% confidence interval (Greenland and Robins). Null if it
    /// cannot be computed.
    risk_ratio: Option<Estimate>,
    /// The Cochran-Mantel-Haenszel test. Null if counts are not exact, or if no group has enough data.
    test: Option<AdjustedTest>,
    /// The test of whether the groups have the same odds ratio. Null if counts are not exact, or if it
    /// cannot be computed.
    homogeneity: Option<Homogeneity>,
    /// Why there is no homogeneity test. Null if `homogeneity` has one.
    homogeneity_suppressed: Option<String>,
    /// The number of groups with at least one initiative for which both conditions are known.
    group_count: i32,
    /// The number of groups that all estimates leave out, because one of their counts is suppressed.
    groups_left_out: i32,
    /// The least number of initiatives in the groups that all estimates leave out.
    initiatives_left_out: i64,
    /// The number of groups that the odds ratio and the tests leave out, because a row or a column of their
    /// table is empty.
    odds_ratio_groups_left_out: i32,
    /// The number of initiatives in the groups that this estimate leaves out.
    odds_ratio_initiatives_left_out: i64,
    /// The number of groups that the risk ratio leaves out, because a row of their table is empty or none
    /// of their initiatives has `then`.
    risk_ratio_groups_left_out: i32,
    /// The number of initiatives in the groups that this estimate leaves out.
    risk_ratio_initiatives_left_out: i64,
}

/// The Cochran-Mantel-Haenszel test: whether `when` and `then` are associated, after adjusting for the
/// groups.
#[derive(SimpleObject)]
pub struct AdjustedTest {
    /// The test statistic, without continuity correction.
    statistic: f64,
    /// The p-value of the test statistic.
    p_value: f64,
    /// The test statistic, with continuity correction.
    corrected_statistic: f64,
    /// The p-value of the test statistic with continuity correction.
    corrected_p_value: f64,
}

/// The Breslow-Day test of whether the groups have the same odds ratio, with Tarone's correction.
#[derive(SimpleObject)]
pub struct Homogeneity {
    /// The test statistic.
    statistic: f64,
    /// The degrees of freedom.
    degrees: u32,
    /// The p-value of the test statistic.
    p_value: f64,
}

impl From<&answer::AdjustedResults> for AdjustedEstimates {
    fn from(adjusted: &answer::AdjustedResults) -> Self {
        let small = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        Self {
            odds_ratio: adjusted.odds_ratio.map(Estimate::from),
            risk_ratio: adjusted.risk_ratio.map(Estimate::from),
            test: adjusted.test.as_ref().map(|test| AdjustedTest {
                statistic: test.statistic,
                p_value: test.p_value,
                corrected_statistic: test.corrected_statistic,
                corrected_p_value: test.corrected_p_value,
            }),
            homogeneity: adjusted
                .homogeneity
                .as_ref()
                .and_then(|tested| tested.as_ref().ok())
                .map(|tested| Homogeneity {
                    statistic: tested.statistic,
                    degrees: tested.degrees,
                    p_value: tested.p_value,
                }),
            homogeneity_suppressed: match &adjusted.homogeneity {
                Some(Ok(_)) => None,
                Some(Err(why)) => Some(why.to_string()),
                None => Some("counts under disclosure control are not exact".into()),
            },
            group_count: small(adjusted.groups),
            groups_left_out: small(adjusted.suppressed_groups),
            initiatives_left_out: adjusted.suppressed_initiatives.cast_signed(),
            odds_ratio_groups_left_out: small(adjusted.excluded_from_odds_ratio.strata),
            odds_ratio_initiatives_left_out: adjusted.excluded_from_odds_ratio.initiatives.cast_signed(),
            risk_ratio_groups_left_out: small(adjusted.excluded_from_risk_ratio.strata),
            risk_ratio_initiatives_left_out: adjusted.excluded_from_risk_ratio.initiatives.cast_signed(),
        }
    }
}

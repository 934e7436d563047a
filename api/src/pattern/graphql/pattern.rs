//! A pattern over GraphQL.

use std::sync::Arc;

use async_graphql::{Context, Object, Result, SimpleObject};

use super::super::ask::{Asker, PatternInput};
use super::groups::{self, PatternGroup, PatternGroupOrder};
use super::parts::{
    AsOf, Caution, ContingencyTable, DisclosureControl, Estimate, Proportion, UnknownReasonCount,
};
use crate::error::Error;
use crate::graphql::{app, connection::Connection};
use crate::paging::PageArguments;
use wayin_engine::answer;
use wayin_engine::answer::PatternAnswer;
use wayin_engine::query::{Question, RecordScope};
use wayin_engine::{cautions, measures, summary};

/// How often two conditions coincide.
#[derive(Clone)]
pub struct Pattern {
    question: Question,
    answer: Arc<PatternAnswer>,
}

impl Pattern {
    /// Answers what is asked.
    pub async fn answer(asker: &Asker, input: PatternInput) -> Result<Self, Error> {
        let (question, answer) = Box::pin(asker.pattern(input)).await?;
        Ok(Self {
            question,
            answer: Arc::new(answer),
        })
    }

    /// Whether it answers the same as another: whatever of it one may ask for, but how far the log was read.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.answer.says_the_same(&other.answer)
    }

    fn figures(&self) -> measures::Figures {
        measures::Figures::of(&self.answer.table)
    }
}

/// How often two conditions coincide, told in plain words and in figures.
#[Object]
impl Pattern {
    /// The answer in plain words, what is not known included, with no claim about causes.
    async fn summary(&self) -> String {
        summary::render(&self.question, &self.answer)
    }

    /// The four counts, and how many are not known.
    async fn table(&self) -> ContingencyTable {
        ContingencyTable::from(&self.answer.table)
    }

    /// Why those are not known that `unknown` counts: how many for each reason, those that give none
    /// last. An initiative that gives several counts under each, so that they need not add up.
    async fn unknown_reasons(&self) -> Vec<UnknownReasonCount> {
        let each = self.answer.unknown_reasons.each();
        each.map(|(reason, shown)| UnknownReasonCount::of(reason, shown))
            .collect()
    }

    /// The share of those with `when` that have `then` too.
    async fn rate_when(&self) -> Proportion {
        let table = &self.answer.table;
        Proportion::of(table.both.count, table.when(), self.figures().rate_when)
    }

    /// The share of the others that have `then`.
    async fn rate_otherwise(&self) -> Proportion {
        let table = &self.answer.table;
        Proportion::of(
            table.then_only.count,
            table.otherwise(),
            self.figures().rate_otherwise,
        )
    }

    /// How much greater the share is with `when` than without, with Newcombe's interval; null where a
    /// rate is not known.
    async fn risk_difference(&self) -> Option<Estimate> {
        self.figures().risk_difference.map(Estimate::from)
    }

    /// How many times as likely `then` is with `when` as without, with Katz's interval; null where a rate
    /// is not known, or zero.
    async fn risk_ratio(&self) -> Option<Estimate> {
        self.figures().risk_ratio.map(Estimate::from)
    }

    /// The sample's odds ratio, with Wald's interval; null where a count is suppressed, or zero.
    async fn odds_ratio(&self) -> Option<Estimate> {
        self.figures().odds_ratio.map(Estimate::from)
    }

    /// The odds ratio that is likeliest given the margins, as Fisher's test has it; null where it would be
    /// zero or infinite, and where counts are not exact.
    async fn conditional_odds_ratio(&self) -> Option<f64> {
        measures::conditional_odds_ratio(&self.answer.table)
    }

    /// How closely the two go together, from -1 to 1; null where a margin is empty or a count suppressed.
    async fn phi(&self) -> Option<f64> {
        self.figures().phi
    }

    /// The p-value of Fisher's exact test, two-sided; null if counts are not exact, or if all four are 0.
    async fn p_value(&self) -> Option<f64> {
        measures::p_value(&self.answer.table)
    }

    /// What is found over the groups of `by`, each compared only within itself; null without `by`, where
    /// groups overlap, and where too much is suppressed. The cautions say why.
    async fn adjusted(&self) -> Option<AdjustedEstimates> {
        let groups = self.answer.groups.as_ref()?;
        groups.adjusted.as_ref().ok().map(AdjustedEstimates::from)
    }

    /// The same counts for each group of `by`, every group of the dimension's domain, those that
    /// do not say last; null without `by`.
    async fn groups(
        &self,
        #[graphql(desc = "The first so many, at most 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "The order; by name where nothing is said.")] order_by: Option<PatternGroupOrder>,
    ) -> Result<Option<Connection<PatternGroup>>> {
        let Some(groups) = &self.answer.groups else {
            return Ok(None);
        };
        let page = PageArguments::new(first, after, last, before);
        Ok(Some(groups::page(groups, &self.answer.basis, order_by, &page)?))
    }

    /// What to mind when reading it.
    async fn cautions(&self) -> Vec<Caution> {
        cautions::of_pattern(&self.answer)
            .into_iter()
            .map(Caution::from)
            .collect()
    }

    /// Which records were counted.
    async fn scope(&self) -> RecordScope {
        self.answer.basis.scope
    }

    /// What disclosure control did to it.
    async fn disclosure(&self) -> DisclosureControl {
        DisclosureControl::of(&self.answer.basis, self.answer.table.named())
    }

    /// The newest change that this answer has seen.
    async fn as_of(&self) -> AsOf {
        self.answer.basis.as_of.into()
    }

    /// The licence under which this answer may be used again.
    async fn licence<'a>(&self, ctx: &Context<'a>) -> &'a str {
        app(ctx).engine.licence()
    }
}

/// Estimates over all groups.
#[derive(SimpleObject)]
pub struct AdjustedEstimates {
    /// The Mantel-Haenszel odds ratio, with the interval of Robins, Breslow and Greenland.
    odds_ratio: Option<Estimate>,
    /// The Mantel-Haenszel risk ratio, with the interval of Greenland and Robins.
    risk_ratio: Option<Estimate>,
    /// The Cochran-Mantel-Haenszel test; null under disclosure control, or where no group tells anything.
    test: Option<AdjustedTest>,
    /// Whether the groups agree; null under disclosure control, or where that cannot be tested.
    homogeneity: Option<Homogeneity>,
    /// Why it cannot be tested whether the groups agree; null where it is.
    homogeneity_suppressed: Option<String>,
    /// How many groups hold any initiative of which both conditions are known.
    group_count: i32,
    /// How many groups no estimate uses, because a count of theirs is suppressed.
    groups_left_out: i32,
    /// How many initiatives those hold at least.
    initiatives_left_out: i64,
    /// How many groups the odds ratio and the tests do not use, because a row or a column of their table is empty.
    odds_ratio_groups_left_out: i32,
    /// How many initiatives those hold.
    odds_ratio_initiatives_left_out: i64,
    /// How many groups the risk ratio does not use, because a row of their table is empty, or nobody in them has `then`.
    risk_ratio_groups_left_out: i32,
    /// How many initiatives those hold.
    risk_ratio_initiatives_left_out: i64,
}

/// The Cochran-Mantel-Haenszel test.
#[derive(SimpleObject)]
pub struct AdjustedTest {
    /// The statistic, without continuity correction.
    statistic: f64,
    /// Its p-value.
    p_value: f64,
    /// The statistic with continuity correction.
    corrected_statistic: f64,
    /// Its p-value.
    corrected_p_value: f64,
}

/// Breslow and Day's test of whether the groups have one odds ratio, with Tarone's correction.
#[derive(SimpleObject)]
pub struct Homogeneity {
    /// The statistic.
    statistic: f64,
    /// Its degrees of freedom.
    degrees: u32,
    /// Its p-value.
    p_value: f64,
}

impl From<&answer::Adjusted> for AdjustedEstimates {
    fn from(adjusted: &answer::Adjusted) -> Self {
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
                None => Some("under disclosure control nothing is tested".into()),
            },
            group_count: small(adjusted.groups),
            groups_left_out: small(adjusted.left_out),
            initiatives_left_out: adjusted.initiatives_left_out.cast_signed(),
            odds_ratio_groups_left_out: small(adjusted.left_out_of_odds_ratio.strata),
            odds_ratio_initiatives_left_out: adjusted.left_out_of_odds_ratio.initiatives.cast_signed(),
            risk_ratio_groups_left_out: small(adjusted.left_out_of_risk_ratio.strata),
            risk_ratio_initiatives_left_out: adjusted.left_out_of_risk_ratio.initiatives.cast_signed(),
        }
    }
}

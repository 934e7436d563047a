//! Pairs of conditions over GraphQL.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object};

use super::parts::{AsOf, Caution, ContingencyTable, DisclosureControl, Estimate, Proportion, number};
use crate::graphql::app;
use crate::initiative::filter_input::InitiativeFilter;
use wayin_engine::answer::Association as Found;
use wayin_engine::cautions;
use wayin_engine::measures::Figures;
use wayin_engine::query::RecordScope;

/// A condition, with a name to know it by in the answer.
#[derive(InputObject)]
pub struct NamedCondition {
    /// The name, of your choice.
    pub name: String,
    /// The condition.
    pub condition: InitiativeFilter,
}

/// How often two of the conditions coincide.
pub struct Association {
    /// The names of the conditions.
    pub names: Arc<[String]>,
    /// What was found.
    pub found: Found,
}

impl Association {
    fn figures(&self) -> Figures {
        Figures::of(&self.found.table)
    }
}

/// How often two of the conditions coincide.
#[Object]
impl Association {
    /// The name of the one condition, the earlier in the list.
    async fn when(&self) -> &str {
        &self.names[self.found.when]
    }

    /// The name of the other.
    async fn then(&self) -> &str {
        &self.names[self.found.then]
    }

    /// The four counts, and how many are not known.
    async fn table(&self) -> ContingencyTable {
        ContingencyTable::from(&self.found.table)
    }

    /// The share of those with `when` that have `then` too.
    async fn rate_when(&self) -> Proportion {
        let table = &self.found.table;
        Proportion::of(table.both.count, table.when(), self.figures().rate_when)
    }

    /// The share of the others that have `then`.
    async fn rate_otherwise(&self) -> Proportion {
        let table = &self.found.table;
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

    /// How many times as likely `then` is with `when` as without; null where a rate is not known, or zero.
    async fn risk_ratio(&self) -> Option<Estimate> {
        self.figures().risk_ratio.map(Estimate::from)
    }

    /// The odds ratio, with Wald's interval; null where a count is suppressed, or zero.
    async fn odds_ratio(&self) -> Option<Estimate> {
        self.figures().odds_ratio.map(Estimate::from)
    }

    /// How closely the two go together, from -1 to 1; null where a margin is empty or a count suppressed.
    async fn phi(&self) -> Option<f64> {
        self.figures().phi
    }

    /// The p-value of Fisher's exact test, two-sided; null under disclosure control, or if all four counts are 0.
    async fn p_value(&self) -> Option<f64> {
        self.found.p_value
    }

    /// The p-value corrected for how many pairs were tried, after Benjamini and Hochberg: of the pairs with
    /// at most 0.05 about 1 in 20 goes together by chance alone. Null under disclosure control.
    async fn q_value(&self) -> Option<f64> {
        self.found.q_value
    }

    /// How many of all that were asked about were made up to show how Wayin works; null where that is
    /// suppressed.
    async fn illustrative(&self) -> Option<i64> {
        number(&self.found.illustrative)
    }

    /// What to mind when reading it.
    async fn cautions(&self) -> Vec<Caution> {
        cautions::of_pair(&self.found)
            .into_iter()
            .map(Caution::from)
            .collect()
    }

    /// Which records were counted.
    async fn scope(&self) -> RecordScope {
        self.found.basis.scope
    }

    /// What disclosure control did to its counts.
    async fn disclosure(&self) -> DisclosureControl {
        DisclosureControl::of(&self.found.basis, self.found.table.named())
    }

    /// The newest change that this answer has seen.
    async fn as_of(&self) -> AsOf {
        self.found.basis.as_of.into()
    }

    /// The licence under which this answer may be used again.
    async fn licence<'a>(&self, ctx: &Context<'a>) -> &'a str {
        app(ctx).engine.licence()
    }
}

//! Associations over GraphQL.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object};

use super::parts::{Caution, DisclosureControl, Suppression, TableFigures, to_graphql_count};
use crate::graphql::app_from_context;
use crate::graphql::as_of::AsOf;
use crate::initiative::filter_input::InitiativeFilter;
use wayin_engine::query::RecordScope;
use wayin_engine::verdict::{Direction, Finding, Verdict};
use wayin_engine::{answer, cautions};

/// A condition with a name.
#[derive(InputObject)]
pub struct NamedCondition {
    /// The name of your choice, which identifies the condition in the answer.
    pub name: String,
    /// The condition.
    pub condition: InitiativeFilter,
}

/// How often the conditions in each pair from a list coincide.
pub struct Associations {
    names: Arc<[String]>,
    result: answer::Associations,
}

impl Associations {
    /// Wraps an answer. `names` are the names of the conditions, in the order of the query.
    pub fn new(names: Arc<[String]>, result: answer::Associations) -> Self {
        Self { names, result }
    }
}

/// How often the conditions in each pair from a list coincide.
#[Object]
impl Associations {
    /// The pairs, in the order of your list.
    async fn pairs(&self) -> Vec<Association> {
        let pairs = self.result.pairs.iter().map(|pair| Association {
            names: Arc::clone(&self.names),
            pair: *pair,
        });
        pairs.collect()
    }

    /// The number of illustrative initiatives in the population: records made up to show how Wayin works.
    /// Null if suppressed.
    async fn illustrative(&self) -> Option<i64> {
        to_graphql_count(&self.result.illustrative)
    }

    /// Cautions to consider before you use this answer. For those about one pair, see its `cautions`.
    pub(super) async fn cautions(&self) -> Vec<Caution> {
        Caution::list(cautions::list_association_cautions(&self.result))
    }

    /// Which records the figures of all pairs are computed from: VISIBLE if a pair needs a suppressed count.
    /// Each pair has its own `basis`.
    pub(super) async fn basis(&self) -> RecordScope {
        let mut pairs = self.result.pairs.iter();
        if pairs.any(|pair| pair.basis == RecordScope::Visible) {
            RecordScope::Visible
        } else {
            self.result.basis.scope
        }
    }

    /// Which records were counted.
    pub(super) async fn scope(&self) -> RecordScope {
        self.result.basis.scope
    }

    /// How disclosure control changed the answer. For a pair, see its `suppressed`.
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

/// How often two of the conditions coincide.
pub struct Association {
    names: Arc<[String]>,
    pair: answer::Association,
}

/// How often two of the conditions coincide.
#[Object]
impl Association {
    /// The name of the first condition: the earlier one in your list.
    async fn when(&self) -> &str {
        &self.names[self.pair.when_index]
    }

    /// The name of the second condition.
    async fn then(&self) -> &str {
        &self.names[self.pair.then_index]
    }

    /// Whether the share of initiatives that have `then` differs between those with `when` and the others.
    async fn verdict(&self) -> Verdict {
        Finding::from_table(&self.pair.table).verdict
    }

    /// Whether `then` is more or less frequent with `when`. Null unless the verdict is
    /// `CLEAR_DIFFERENCE` or `DEPENDS_ON_UNKNOWNS`.
    async fn direction(&self) -> Option<Direction> {
        Finding::from_table(&self.pair.table).direction
    }

    /// Which records the shares and the measures are computed from. VISIBLE if a count that they need is
    /// suppressed.
    async fn basis(&self) -> RecordScope {
        self.pair.basis
    }

    #[graphql(flatten)]
    async fn figures(&self) -> TableFigures {
        TableFigures::new(self.pair.table, self.pair.basis)
    }

    /// The p-value of Fisher's exact test, two-sided. Null under disclosure control, or if all four counts
    /// are 0.
    async fn p_value(&self) -> Option<f64> {
        self.pair.p_value
    }

    /// The p-value corrected for the number of pairs tested (Benjamini and Hochberg). Of the pairs with a
    /// value of at most 0.05, about 1 in 20 is associated by chance alone. Null under disclosure control.
    async fn q_value(&self) -> Option<f64> {
        self.pair.q_value
    }

    /// Cautions to consider before you use this pair.
    async fn cautions(&self) -> Vec<Caution> {
        Caution::list(cautions::list_pair_cautions(&self.pair))
    }

    /// The suppressed counts, with the rule.
    async fn suppressed(&self) -> Vec<Suppression> {
        Suppression::list(self.pair.table.named_counts())
    }
}

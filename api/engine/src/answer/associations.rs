//! Which pairs of several conditions are associated.

use super::{Basis, DisclosedTable, build_tables, count_illustrative, disclose_cells};
use crate::cancellation::Cancelled;
use crate::count::{EvaluationContext, PopulationCounter, RawCell, list_pairs};
use crate::disclosure::DisclosedCount;
use crate::evaluate::PreparedPredicate;
use crate::measures;
use crate::predicate::InitiativePredicate;
use crate::query::{RecordScope, Viewpoint};
use crate::statistics::multiple_testing;

/// Which pairs of these conditions are associated?
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AssociationsQuery {
    /// The conditions.
    pub conditions: Vec<InitiativePredicate>,
    /// Selects the population: the initiatives for which it is TRUE.
    pub among: InitiativePredicate,
    /// Who asks, over which records.
    pub viewpoint: Viewpoint,
}

/// The answer to an [`AssociationsQuery`].
#[derive(Clone, Debug)]
pub struct Associations {
    /// Every pair, in the order of the conditions.
    pub pairs: Vec<Association>,
    /// The number of illustrative records in the population.
    pub illustrative: DisclosedCount,
    /// Which records the answer is based on.
    pub basis: Basis,
}

/// How two of the conditions go together.
#[derive(Clone, Copy, Debug)]
pub struct Association {
    /// The index of the first condition.
    pub when_index: usize,
    /// The index of the second condition.
    pub then_index: usize,
    /// The table of both conditions.
    pub table: DisclosedTable,
    /// Which records the measures are computed from.
    pub basis: RecordScope,
    /// The p-value of Fisher's exact test; none under disclosure control.
    pub p_value: Option<f64>,
    /// The p-value, corrected for the number of pairs.
    pub q_value: Option<f64>,
}

/// Answers a query.
pub fn compute_associations(
    context: EvaluationContext<'_>,
    query: &AssociationsQuery,
) -> Result<Associations, Cancelled> {
    let counter = PopulationCounter::new(context, query.viewpoint, &query.among);
    let prepared: Vec<PreparedPredicate<'_>> = query
        .conditions
        .iter()
        .map(|condition| counter.prepare(condition))
        .collect();
    let prepared: Vec<&PreparedPredicate<'_>> = prepared.iter().collect();
    let cells = counter.count_pairs(&prepared)?;
    let tables = build_tables(&disclose_cells(&cells, &counter));
    let illustrative = count_illustrative(&counter)?;
    counter.cache_results(&prepared);
    let p_value = |table| {
        (!counter.is_controlled())
            .then(|| measures::compute_p_value(table))
            .flatten()
    };
    let p_values: Vec<Option<f64>> = tables.iter().map(p_value).collect();
    let q_values = multiple_testing::benjamini_hochberg(&p_values);
    let pairs = list_pairs(prepared.len()).into_iter().zip(tables);
    let pairs = pairs.zip(p_values.into_iter().zip(q_values));
    Ok(Associations {
        pairs: pairs
            .map(
                |(((when_index, then_index), table), (p_value, q_value))| Association {
                    when_index,
                    then_index,
                    table,
                    basis: table.basis(query.viewpoint.scope),
                    p_value,
                    q_value,
                },
            )
            .collect(),
        illustrative,
        basis: Basis::from_counter(&counter, &list_overall_cells(&cells)),
    })
}

/// The population of the first pair, and the initiatives with both conditions of each pair.
fn list_overall_cells(cells: &[RawCell]) -> Vec<RawCell> {
    let (tables, _) = cells.as_chunks::<8>();
    let population = tables.first().map(|[population, ..]| *population);
    let both = tables.iter().map(|[_, both, ..]| *both);
    population.into_iter().chain(both).collect()
}

//! Which pairs out of several conditions coincide more than chance.

use super::super::cancellation::Cancelled;
use super::super::count::{EvaluationContext, PopulationCounter};
use super::super::disclosure::DisclosedCount;
use super::super::evaluate::PreparedPredicate;
use super::super::query::Viewpoint;
use super::super::statistics::{fisher, multiple};
use super::{Basis, DisclosedTable, build_tables, count_illustrative, disclose_cells};
use crate::predicate::InitiativePredicate;

/// Which pairs of these conditions coincide more than chance?
#[derive(Clone, Debug)]
pub struct AssociationsQuery {
    /// The conditions.
    pub conditions: Vec<InitiativePredicate>,
    /// Which initiatives are asked about: those of which this is TRUE.
    pub among: InitiativePredicate,
    /// Who asks.
    pub viewpoint: Viewpoint,
}

/// How often each two of the conditions coincide.
#[derive(Clone, Debug)]
pub struct Associations {
    /// Every pair, in the order of the list.
    pub pairs: Vec<Association>,
    /// How many of all that were asked about were made up to show how Wayin works.
    pub illustrative: DisclosedCount,
    /// Which records the answer is from.
    pub basis: Basis,
}

/// How often two of the conditions coincide.
#[derive(Clone, Copy, Debug)]
pub struct Association {
    /// The place of the one condition in the list.
    pub when_index: usize,
    /// The place of the other.
    pub then_index: usize,
    /// Their table.
    pub table: DisclosedTable,
    /// Fisher's exact test; none under disclosure control.
    pub p_value: Option<f64>,
    /// The same, corrected for how many pairs there are.
    pub q_value: Option<f64>,
}

/// Answers a question.
pub fn compute_associations(
    base: EvaluationContext<'_>,
    question: &AssociationsQuery,
) -> Result<Associations, Cancelled> {
    let counting = PopulationCounter::new(base, question.viewpoint, &question.among);
    let prepared: Vec<PreparedPredicate<'_>> = question
        .conditions
        .iter()
        .map(|one| counting.prepare(one))
        .collect();
    let pairs = (0..prepared.len()).flat_map(|when| (when + 1..prepared.len()).map(move |then| (when, then)));
    let of_pairs = build_tables(&disclose_cells(
        &counting.count_pairs(&prepared.iter().collect::<Vec<_>>())?,
        &counting,
        base,
    ));
    let illustrative = count_illustrative(base, &counting)?;
    counting.cache_results(&prepared.iter().collect::<Vec<_>>());
    let p_values: Vec<Option<f64>> = of_pairs
        .iter()
        .map(|table| {
            if counting.is_controlled() {
                None
            } else {
                let four = table.known_cells().filter(|four| four.total() > 0);
                four.map(|four| fisher::two_sided_p_value(&four))
            }
        })
        .collect();
    let q_values = multiple::benjamini_hochberg(&p_values);
    let pairs = pairs.zip(of_pairs).zip(p_values.into_iter().zip(q_values)).map(
        |(((when_index, then_index), table), (p_value, q_value))| Association {
            when_index,
            then_index,
            table,
            p_value,
            q_value,
        },
    );
    Ok(Associations {
        pairs: pairs.collect(),
        illustrative,
        basis: Basis::from_context(base, question.viewpoint),
    })
}

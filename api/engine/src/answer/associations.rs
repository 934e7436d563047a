//! Which pairs out of several conditions coincide more than chance.

use super::super::cancellation::Stopped;
use super::super::count::{Base, Counting};
use super::super::disclosure::Shown;
use super::super::evaluate::Prepared;
use super::super::query::Viewpoint;
use super::super::statistics::{fisher, multiple};
use super::{Basis, Table, illustrative, shown_cells, tables};
use crate::predicate::InitiativeCondition;

/// Which pairs of these conditions coincide more than chance?
#[derive(Clone, Debug)]
pub struct AssociationsQuestion {
    /// The conditions.
    pub conditions: Vec<InitiativeCondition>,
    /// Which initiatives are asked about: those of which this is TRUE.
    pub among: InitiativeCondition,
    /// Who asks.
    pub viewpoint: Viewpoint,
}

/// How often two of the conditions coincide.
#[derive(Clone, Copy, Debug)]
pub struct Association {
    /// The place of the one condition in the list.
    pub when: usize,
    /// The place of the other.
    pub then: usize,
    /// Their table.
    pub table: Table,
    /// How many of all that were asked about were made up to show how Wayin works.
    pub illustrative: Shown,
    /// Fisher's exact test; none under disclosure control.
    pub p_value: Option<f64>,
    /// The same, corrected for how many pairs there are.
    pub q_value: Option<f64>,
    /// Which records the answer is from.
    pub basis: Basis,
}

/// Answers a question: every pair, in the order of the list.
pub fn associations(base: Base<'_>, question: &AssociationsQuestion) -> Result<Vec<Association>, Stopped> {
    let counting = Counting::new(base, question.viewpoint, &question.among);
    let prepared: Vec<Prepared<'_>> = question
        .conditions
        .iter()
        .map(|one| counting.prepare(one))
        .collect();
    let pairs = (0..prepared.len()).flat_map(|when| (when + 1..prepared.len()).map(move |then| (when, then)));
    let of_pairs = tables(&shown_cells(
        &counting.pairs(&prepared.iter().collect::<Vec<_>>())?,
        &counting,
        base,
    ));
    let illustrative = illustrative(base, &counting)?;
    counting.keep(&prepared.iter().collect::<Vec<_>>());
    let p_values: Vec<Option<f64>> = of_pairs
        .iter()
        .map(|table| {
            if counting.is_controlled() {
                None
            } else {
                let four = table.four().filter(|four| four.total() > 0);
                four.map(|four| fisher::p_two_sided(&four))
            }
        })
        .collect();
    let q_values = multiple::benjamini_hochberg(&p_values);
    let basis = Basis::of(base, question.viewpoint);
    Ok(pairs
        .zip(of_pairs)
        .zip(p_values.into_iter().zip(q_values))
        .map(|(((when, then), table), (p_value, q_value))| Association {
            when,
            then,
            table,
            illustrative,
            p_value,
            q_value,
            basis,
        })
        .collect())
}

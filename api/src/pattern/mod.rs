//! Patterns: how often two conditions coincide, over everything that is published.
//!
//! The [`loader`] reads the base, and then its change log, into the index of [`wayin_engine`]. The [`engine`] holds the
//! index and answers questions from it on its own threads. A question comes in by [`service`] and leaves over [`graphql`], or
//! as a [`csv`] file.

pub mod csv;
pub mod engine;
pub mod graphql;
pub mod loader;
pub mod service;

use uuid::Uuid;

use wayin_engine::evaluate::PreparedPredicate;
use wayin_engine::index::Snapshot;
use wayin_engine::predicate::InitiativePredicate;
use wayin_engine::predicate_cache::TruthCache;

/// The ids of the initiatives of which a condition is TRUE, and of which it is FALSE, in order.
pub fn find_matching_initiatives(
    snapshot: &Snapshot,
    condition: &InitiativePredicate,
) -> (Vec<Uuid>, Vec<Uuid>) {
    let prepared = PreparedPredicate::new(condition, snapshot, &TruthCache::new(0), snapshot.chunks.len());
    let (mut yes, mut no) = (Vec::new(), Vec::new());
    for (position, chunk) in snapshot.chunks.iter().enumerate() {
        let truths = prepared.evaluate(position, chunk);
        yes.extend(truths.true_rows.iter().map(|row| chunk.ids()[row]));
        no.extend(truths.false_rows.iter().map(|row| chunk.ids()[row]));
    }
    (yes, no)
}

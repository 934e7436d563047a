//! Patterns: how often two conditions coincide in the published records.
//!
//! The [`loader`] loads the records, and then the changes to them, into the index of [`wayin_engine`]. The [`engine`]
//! holds the index and runs queries on its own threads, each on a [`view`] of one moment. It puts hidden records into classes. An [`asker`] asks, and the [`service`]
//! turns the arguments into a query. The [`answer_cache`] keeps the answers until the index changes. An answer goes out
//! over [`graphql`] or as a [`csv`] file. The [`question_audit`] counts who asks.

pub mod answer_cache;
pub mod asker;
mod class_formation;
pub mod engine;
pub mod files;
pub mod graphql;
mod index_rows;
pub mod loader;
mod old_rows;
pub mod question_audit;
mod releases;
pub mod service;
pub mod view;

use uuid::Uuid;

use wayin_engine::evaluate::PreparedPredicate;
use wayin_engine::index::Snapshot;
use wayin_engine::predicate::InitiativePredicate;
use wayin_engine::predicate_cache::TruthCache;

/// The ids of the initiatives for which a predicate is TRUE, and those for which it is FALSE. Both are in the order of
/// the snapshot.
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

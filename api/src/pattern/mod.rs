//! Patterns: how often two conditions coincide, over everything that is published.
//!
//! The [`loader`] reads the base, and then its change log, into the index of [`wayin_engine`]. The [`engine`] holds the
//! index and answers questions from it on its own threads. A question comes in by [`ask`] and leaves over [`graphql`], or
//! as a [`csv`] file.

pub mod ask;
pub mod csv;
pub mod engine;
pub mod graphql;
pub mod loader;

use uuid::Uuid;

use wayin_engine::evaluate::Prepared;
use wayin_engine::index::Snapshot;
use wayin_engine::predicate::InitiativeCondition;
use wayin_engine::truth_cache::Kept;

/// The ids of the initiatives of which a condition is TRUE, and of which it is FALSE, in order.
pub fn initiatives_where(snapshot: &Snapshot, condition: &InitiativeCondition) -> (Vec<Uuid>, Vec<Uuid>) {
    let prepared = Prepared::new(condition, snapshot, &Kept::new(0), snapshot.chunks.len());
    let (mut yes, mut no) = (Vec::new(), Vec::new());
    for (position, chunk) in snapshot.chunks.iter().enumerate() {
        let truths = prepared.of(position, chunk);
        yes.extend(truths.yes.rows().map(|row| chunk.ids()[row]));
        no.extend(truths.no.rows().map(|row| chunk.ids()[row]));
    }
    (yes, no)
}

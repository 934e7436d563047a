//! Patterns: how often two conditions coincide, over everything that is published.
//!
//! A change is read from the log into the [`index`]; a question comes in by [`ask`];
//! its conditions are [prepared](evaluate) and worked out on the index as three-valued
//! sets of rows; what falls into which cell is [counted](count), passes through
//! [`disclosure`] control, and becomes an [`answer`]: figures by [`statistics`], plain
//! words by [`reading`], and [`cautions`]. It leaves over [`graphql`], or as a [`csv`] file.

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

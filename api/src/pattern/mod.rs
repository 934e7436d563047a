//! Patterns: how often two conditions coincide, over everything that is published.
//!
//! A change is read from the log into the [`index`]; a question's conditions are
//! [prepared](evaluate) and worked out on it as three-valued sets of rows; the nine
//! [counts](table) of each stratum of a [dimension] become figures by
//! [`statistics`] and a sentence by [`reading`].

pub mod dimension;
pub mod engine;
pub mod evaluate;
pub mod graphql;
pub mod index;
pub mod reading;
pub mod statistics;
pub mod table;

use uuid::Uuid;
use wayin_entity::Dimension;

use self::{
    dimension::{Domain, StratumName},
    evaluate::Prepared,
    index::{AsOf, Bits, Chunk, Snapshot},
    statistics::Estimate,
    table::{Nine, Table},
};
use crate::{auth::visibility::Reader, condition::InitiativeCondition};

/// How often does `then` coincide with `when`, among whom, told apart by what?
#[derive(Clone, Debug)]
pub struct Question {
    /// The one condition.
    pub when: InitiativeCondition,
    /// The other.
    pub then: InitiativeCondition,
    /// Which initiatives are asked about: those of which this is TRUE.
    pub among: InitiativeCondition,
    /// What they are told apart by.
    pub by: Option<Dimension>,
}

/// The answer to a [`Question`].
#[derive(Clone, Debug)]
pub struct Answer {
    /// The question's counts.
    pub counts: Nine,
    /// The counts of each stratum, where the question tells them apart.
    pub strata: Option<Strata>,
    /// How many of those counted were made up to show how Wayin works.
    pub illustrative: u64,
    /// How far the answer has read the change log.
    pub as_of: AsOf,
}

/// The counts of each stratum of a dimension.
#[derive(Clone, Debug)]
pub struct Strata {
    /// Whether an initiative may stand in several.
    pub overlap: bool,
    /// Every stratum of the dimension's domain, with its counts.
    pub counts: Vec<(StratumName, Nine)>,
}

/// How many initiatives stand in each stratum of a dimension.
#[derive(Clone, Debug)]
pub struct Distribution {
    /// Every stratum of the domain, with how many stand in it.
    pub bins: Vec<(StratumName, u64)>,
}

/// Figures that are worked out from a table of counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// The share of `then` among those with `when`.
    pub rate_when: Option<Estimate>,
    /// The share of `then` among the others.
    pub rate_otherwise: Option<Estimate>,
    /// How many times as likely `then` is with `when`.
    pub risk_ratio: Option<Estimate>,
}

impl From<&Table> for Figures {
    fn from(table: &Table) -> Self {
        Self {
            rate_when: statistics::proportion(table.both, table.when()),
            rate_otherwise: statistics::proportion(table.then_only, table.otherwise()),
            risk_ratio: statistics::risk_ratio(table.both, table.when(), table.then_only, table.otherwise()),
        }
    }
}

/// Answers a question by the records that `reader` may read whole.
pub fn answer(snapshot: &Snapshot, question: &Question, reader: Reader) -> Answer {
    let when = Prepared::new(&question.when, snapshot);
    let then = Prepared::new(&question.then, snapshot);
    let among = Prepared::new(&question.among, snapshot);
    let organisation = organisation_number(snapshot, reader);
    let readable = |chunk: &Chunk| readable(chunk, reader, organisation);
    let domain = question.by.map(|by| Domain::new(by, snapshot, &readable));
    let mut counts = Nine::default();
    let mut by_stratum = vec![Nine::default(); domain.as_ref().map_or(0, |domain| domain.strata().len())];
    let mut illustrative = 0;
    let mut found = Vec::new();
    for chunk in &snapshot.chunks {
        let asked = among.of(chunk).yes.and(&readable(chunk));
        let (when, then) = (when.of(chunk), then.of(chunk));
        counts += Nine::count(&when, &then, &asked);
        illustrative += asked.rows().filter(|row| chunk.illustrative(*row)).count() as u64;
        let Some(domain) = &domain else { continue };
        for row in asked.rows() {
            domain.strata_of(snapshot, chunk, row, &mut found);
            for stratum in &found {
                by_stratum[*stratum].add(when.at(row), then.at(row));
            }
        }
    }
    let strata = domain.map(|domain| Strata {
        overlap: domain.overlaps(snapshot),
        counts: domain.strata().iter().cloned().zip(by_stratum).collect(),
    });
    Answer {
        counts,
        strata,
        illustrative,
        as_of: snapshot.as_of,
    }
}

/// Counts the records that `reader` may read whole by the strata of a dimension.
pub fn distribution(
    snapshot: &Snapshot,
    of: Dimension,
    among: &InitiativeCondition,
    reader: Reader,
) -> Distribution {
    let organisation = organisation_number(snapshot, reader);
    let readable = |chunk: &Chunk| readable(chunk, reader, organisation);
    let domain = Domain::new(of, snapshot, &readable);
    let among = Prepared::new(among, snapshot);
    let mut counts = vec![0; domain.strata().len()];
    let mut found = Vec::new();
    for chunk in &snapshot.chunks {
        let asked = among.of(chunk).yes.and(&readable(chunk));
        for row in asked.rows() {
            domain.strata_of(snapshot, chunk, row, &mut found);
            for stratum in &found {
                counts[*stratum] += 1;
            }
        }
    }
    Distribution {
        bins: domain.strata().iter().cloned().zip(counts).collect(),
    }
}

/// The ids of the initiatives of which a condition is TRUE, and of which it is FALSE, in order.
pub fn initiatives_where(snapshot: &Snapshot, condition: &InitiativeCondition) -> (Vec<Uuid>, Vec<Uuid>) {
    let prepared = Prepared::new(condition, snapshot);
    let (mut yes, mut no) = (Vec::new(), Vec::new());
    for chunk in &snapshot.chunks {
        let truths = prepared.of(chunk);
        yes.extend(truths.yes.rows().map(|row| chunk.ids()[row]));
        no.extend(truths.no.rows().map(|row| chunk.ids()[row]));
    }
    (yes, no)
}

/// The number of the reader's organisation in the index; one that it does not know leads and funds nothing.
fn organisation_number(snapshot: &Snapshot, reader: Reader) -> Option<u32> {
    reader
        .organisation()
        .and_then(|id| snapshot.organisations.number(id))
}

/// The initiatives of a chunk that the reader may read whole.
fn readable(chunk: &Chunk, reader: Reader, organisation: Option<u32>) -> Bits {
    if reader == Reader::Steward {
        return Bits::all(chunk.len());
    }
    Bits::of(chunk.len(), |row| {
        let ours = |number: u32| organisation == Some(number);
        let funds =
            chunk.shared_with_funders(row) && chunk.terms_of(row).any(|term| ours(chunk.funder(term)));
        reader.reads_whole(
            chunk.visibility(row),
            chunk.shared_with_funders(row),
            ours(chunk.lead(row)),
            funds,
        )
    })
}

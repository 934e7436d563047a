//! What the answers of patterns have in common over GraphQL.

use async_graphql::{Context, Result, SimpleObject};
use chrono::{DateTime, Utc};
use wayin_entity::MissingReason;

use crate::graphql::loader;
use crate::id::NodeKind;
use crate::initiative::graphql::{Organisation, Place};
use crate::organisation::loaders::OrganisationById;
use crate::place::loaders::PlaceById;
use wayin_engine::answer;
use wayin_engine::answer::Basis;
use wayin_engine::cautions;
use wayin_engine::cautions::CautionCode;
use wayin_engine::dimension::GroupKey;
use wayin_engine::disclosure::{Rule, Shown};
use wayin_engine::{index, statistics};

/// A count as GraphQL gives it; null where it is suppressed.
pub fn number(shown: &Shown) -> Option<i64> {
    shown.count.map(u64::cast_signed)
}

/// How far an answer has read the change log.
#[derive(SimpleObject)]
pub struct AsOf {
    /// The number of the newest change that it has seen; 0 before the first.
    change_number: i64,
    /// When that change was made (UTC); null before the first.
    changed_at: Option<DateTime<Utc>>,
}

impl From<index::AsOf> for AsOf {
    fn from(as_of: index::AsOf) -> Self {
        Self {
            change_number: as_of.change,
            changed_at: as_of.at,
        }
    }
}

/// What disclosure control did to an answer.
#[derive(SimpleObject)]
pub struct DisclosureControl {
    /// Whether it was applied: with scope ALL, for everybody but stewards.
    applied: bool,
    /// The counts that do not hold the records that may only be counted, and why.
    suppressed: Vec<Suppression>,
    /// How far the answer has read the change log as to records that may only be counted:
    /// they are taken up in batches, so that no answer tells of one publication.
    hidden_as_of: AsOf,
}

/// A count that does not hold the records that may only be counted.
#[derive(SimpleObject)]
pub struct Suppression {
    /// The name of the count's field.
    count: &'static str,
    /// The rule that suppresses them.
    rule: Rule,
    /// Whether the count is suppressed completely, as there is none that you may read whole either.
    complete: bool,
}

impl DisclosureControl {
    /// What was done to counts, given with their names.
    pub fn of<'a>(basis: &Basis, counts: impl IntoIterator<Item = (&'static str, &'a Shown)>) -> Self {
        let suppressed = counts.into_iter().filter_map(|(count, shown)| {
            Some(Suppression {
                count,
                rule: shown.suppressed?,
                complete: shown.count.is_none(),
            })
        });
        Self {
            applied: basis.controlled,
            suppressed: suppressed.collect(),
            hidden_as_of: basis.hidden_as_of.into(),
        }
    }
}

/// The two-by-two table of what is known, and how many are not. A count is null where disclosure control suppresses it.
#[derive(SimpleObject)]
pub struct ContingencyTable {
    /// All that were asked about.
    population: Option<i64>,
    /// Both conditions hold.
    both: Option<i64>,
    /// `when` holds and `then` does not.
    when_only: Option<i64>,
    /// `then` holds and `when` does not.
    then_only: Option<i64>,
    /// Neither holds.
    neither: Option<i64>,
    /// Of these one condition or both are not known.
    unknown: Option<i64>,
    /// Of these it is not known whether `when` holds.
    when_unknown: Option<i64>,
    /// Of these it is not known whether `then` holds.
    then_unknown: Option<i64>,
}

impl From<&answer::Table> for ContingencyTable {
    fn from(table: &answer::Table) -> Self {
        Self {
            population: number(&table.population),
            both: number(&table.both),
            when_only: number(&table.when_only),
            then_only: number(&table.then_only),
            neither: number(&table.neither),
            unknown: number(&table.unknown),
            when_unknown: number(&table.when_unknown),
            then_unknown: number(&table.then_unknown),
        }
    }
}

/// How many initiatives are not known for one reason.
#[derive(SimpleObject)]
pub struct UnknownReasonCount {
    /// Why the answers are missing that it would take; null for those that do not say.
    reason: Option<MissingReason>,
    /// How many; null where that is suppressed.
    count: Option<i64>,
    /// The rule by which records that may only be counted are not in the count; null where they are.
    suppressed: Option<SuppressedCell>,
}

impl UnknownReasonCount {
    /// So many for a reason; none for those that do not say.
    pub fn of(reason: Option<MissingReason>, shown: &Shown) -> Self {
        Self {
            reason,
            count: number(shown),
            suppressed: SuppressedCell::of(shown),
        }
    }
}

/// Why a cell does not hold the records that may only be counted.
#[derive(SimpleObject)]
pub struct SuppressedCell {
    /// The rule that suppresses them.
    rule: Rule,
    /// Whether the count is suppressed completely, as there is none that you may read whole either.
    complete: bool,
}

impl SuppressedCell {
    /// What a count tells of itself; none where nothing is suppressed.
    pub fn of(shown: &Shown) -> Option<Self> {
        shown.suppressed.map(|rule| Self {
            rule,
            complete: shown.count.is_none(),
        })
    }
}

/// A share, with Wilson's 95% interval.
#[derive(SimpleObject)]
pub struct Proportion {
    /// How many there are of it; null where that is suppressed.
    numerator: Option<i64>,
    /// Out of how many; null where that is suppressed.
    denominator: Option<i64>,
    /// The share, from 0 to 1; null out of none, or where a count is suppressed.
    value: Option<f64>,
    /// The interval's lower end; null where the share is.
    lower: Option<f64>,
    /// The interval's upper end; null where the share is.
    upper: Option<f64>,
}

impl Proportion {
    /// A part of a whole, with the share that was worked out of it.
    pub fn of(part: Option<u64>, whole: Option<u64>, share: Option<statistics::Estimate>) -> Self {
        Self {
            numerator: part.map(u64::cast_signed),
            denominator: whole.map(u64::cast_signed),
            value: share.map(|share| share.value),
            lower: share.map(|share| share.lower),
            upper: share.map(|share| share.upper),
        }
    }
}

/// A figure with its 95% interval.
#[derive(SimpleObject)]
pub struct Estimate {
    /// The figure.
    value: f64,
    /// The interval's lower end.
    lower: f64,
    /// The interval's upper end.
    upper: f64,
}

impl From<statistics::Estimate> for Estimate {
    fn from(estimate: statistics::Estimate) -> Self {
        Self {
            value: estimate.value,
            lower: estimate.lower,
            upper: estimate.upper,
        }
    }
}

/// Something to mind when reading an answer.
#[derive(SimpleObject)]
pub struct Caution {
    /// What it is about.
    code: CautionCode,
    /// The same in a sentence.
    text: String,
}

impl From<cautions::Caution> for Caution {
    fn from(caution: cautions::Caution) -> Self {
        Self {
            code: caution.code,
            text: caution.text,
        }
    }
}

/// Names a group the same way for all who ask.
pub fn key_text(key: &GroupKey) -> Option<String> {
    match key {
        GroupKey::Code(code) => Some(code.clone()),
        GroupKey::Place(id) => Some(NodeKind::Place.id(*id)),
        GroupKey::Organisation(id) => Some(NodeKind::Organisation.id(*id)),
        GroupKey::Others => Some("OTHERS".into()),
        GroupKey::NotKnown => None,
    }
}

/// The place that a group stands for.
pub async fn place_of(ctx: &Context<'_>, key: &GroupKey) -> Result<Option<Place>> {
    let GroupKey::Place(id) = key else {
        return Ok(None);
    };
    Ok(loader::of(ctx).load_one(PlaceById(*id)).await?.map(Place))
}

/// The organisation that a group stands for.
pub async fn organisation_of(ctx: &Context<'_>, key: &GroupKey) -> Result<Option<Organisation>> {
    let GroupKey::Organisation(id) = key else {
        return Ok(None);
    };
    Ok(loader::of(ctx)
        .load_one(OrganisationById(*id))
        .await?
        .map(Organisation))
}

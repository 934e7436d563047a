//! GraphQL types that several answers share.

use async_graphql::{Context, Object, Result, SimpleObject};
use wayin_entity::MissingReason;

use crate::graphql::{as_of::AsOf, loader};
use crate::id::NodeKind;
use crate::initiative::graphql::{Organisation, Place};
use crate::organisation::loaders::OrganisationById;
use crate::place::loaders::PlaceById;
use wayin_engine::answer;
use wayin_engine::answer::Basis;
use wayin_engine::cautions;
use wayin_engine::cautions::CautionCode;
use wayin_engine::dimension::GroupKey;
use wayin_engine::disclosure::{DisclosedCount, SuppressionRule};
use wayin_engine::measures::Measures;
use wayin_engine::query::RecordScope;
use wayin_engine::statistics;

/// A count in GraphQL. None if it is suppressed.
pub fn to_graphql_count(shown: &DisclosedCount) -> Option<i64> {
    shown.count.map(u64::cast_signed)
}

/// The exact number of initiatives that the requester can read in full.
pub fn to_visible_count(shown: &DisclosedCount) -> i64 {
    shown.visible.cast_signed()
}

/// How disclosure control changed an answer.
#[derive(SimpleObject)]
pub struct DisclosureControl {
    /// Whether disclosure control was applied. It applies with scope ALL to everyone except stewards.
    applied: bool,
    /// The suppressed counts, with the rule.
    suppressed: Vec<Suppression>,
    /// The newest change of hidden records (published records that you can count but not read in full) that the answer
    /// can include. Their changes are included in batches, so that no answer reveals a single publication.
    hidden_as_of: AsOf,
}

/// A count that is suppressed: it is null, because it would include too few hidden records.
#[derive(SimpleObject)]
pub struct Suppression {
    /// The name of the field with the count.
    count: &'static str,
    /// The rule that suppresses the count.
    rule: SuppressionRule,
}

impl Suppression {
    /// Lists those of the named counts that are suppressed.
    pub fn list<'a>(counts: impl IntoIterator<Item = (&'static str, &'a DisclosedCount)>) -> Vec<Self> {
        let suppressed = counts.into_iter().filter_map(|(count, shown)| {
            Some(Self {
                count,
                rule: shown.suppressed?,
            })
        });
        suppressed.collect()
    }
}

impl DisclosureControl {
    /// Lists the suppressed counts of an answer itself. Its groups, cells and pairs list their own.
    pub fn of<'a>(
        basis: &Basis,
        counts: impl IntoIterator<Item = (&'static str, &'a DisclosedCount)>,
    ) -> Self {
        Self {
            applied: basis.hidden.is_controlled(),
            suppressed: Suppression::list(counts),
            hidden_as_of: basis.hidden_as_of.into(),
        }
    }
}

/// The two-by-two table of initiatives for which both conditions are known, and the number of the others. A
/// count is null if disclosure control suppresses it.
#[derive(SimpleObject)]
pub struct ContingencyTable {
    /// The number of initiatives that the question is about: those selected by `among`, or all.
    population: Option<i64>,
    /// The number of initiatives with `when` and `then`.
    both: Option<i64>,
    /// The number of initiatives with `when` but not `then`.
    when_only: Option<i64>,
    /// The number of initiatives with `then` but not `when`.
    then_only: Option<i64>,
    /// The number of initiatives with neither.
    neither: Option<i64>,
    /// The number of initiatives for which `when`, `then` or both are not known.
    unknown: Option<i64>,
    /// The number of initiatives for which `when` is not known.
    when_unknown: Option<i64>,
    /// The number of initiatives for which `then` is not known.
    then_unknown: Option<i64>,
}

impl From<&answer::DisclosedTable> for ContingencyTable {
    fn from(table: &answer::DisclosedTable) -> Self {
        Self {
            population: to_graphql_count(&table.population),
            both: to_graphql_count(&table.both),
            when_only: to_graphql_count(&table.when_only),
            then_only: to_graphql_count(&table.then_only),
            neither: to_graphql_count(&table.neither),
            unknown: to_graphql_count(&table.unknown),
            when_unknown: to_graphql_count(&table.when_unknown),
            then_unknown: to_graphql_count(&table.then_unknown),
        }
    }
}

/// The number of initiatives for which a condition is not known for one reason.
#[derive(SimpleObject)]
pub struct UnknownReasonCount {
    /// The reason why the answer is missing. Null for initiatives without a recorded reason.
    reason: Option<MissingReason>,
    /// The number of initiatives. Null if suppressed.
    count: Option<i64>,
    /// The exact number of these initiatives that you can read in full.
    visible_count: i64,
    /// The rule that suppresses the count. Null if it is not suppressed.
    suppressed: Option<SuppressionRule>,
}

impl UnknownReasonCount {
    /// The count of one reason. `reason` is None for initiatives without a recorded reason.
    pub fn of(reason: Option<MissingReason>, shown: &DisclosedCount) -> Self {
        Self {
            reason,
            count: to_graphql_count(shown),
            visible_count: to_visible_count(shown),
            suppressed: shown.suppressed,
        }
    }
}

/// A share, with Wilson's 95% confidence interval.
#[derive(SimpleObject)]
pub struct Proportion {
    /// The number of initiatives in the denominator of which the condition is also true. Null if suppressed.
    numerator: Option<i64>,
    /// The number of initiatives in the denominator. Null if suppressed.
    denominator: Option<i64>,
    /// The share, from 0 to 1. Null if the denominator is 0 or a count is suppressed.
    value: Option<f64>,
    /// The lower end of the interval. Null if there is no share.
    lower: Option<f64>,
    /// The upper end of the interval. Null if there is no share.
    upper: Option<f64>,
}

impl Proportion {
    /// The rate of `then` with `when`.
    pub fn with_condition(table: &answer::DisclosedTable) -> Self {
        let rate = Measures::from_table(table).rate_when;
        Self::from_estimate(table.both.count, table.known_when_count(), rate)
    }

    /// The rate of `then` without `when`.
    pub fn without_condition(table: &answer::DisclosedTable) -> Self {
        let rate = Measures::from_table(table).rate_otherwise;
        Self::from_estimate(table.then_only.count, table.known_otherwise_count(), rate)
    }

    /// A part of a whole, with the share that was computed from them.
    pub fn from_estimate(part: Option<u64>, whole: Option<u64>, share: Option<statistics::Estimate>) -> Self {
        Self {
            numerator: part.map(u64::cast_signed),
            denominator: whole.map(u64::cast_signed),
            value: share.map(|share| share.value),
            lower: share.map(|share| share.lower),
            upper: share.map(|share| share.upper),
        }
    }
}

/// A table and the figures that follow from it. Its fields are part of each type that has a table.
pub struct TableFigures {
    table: answer::DisclosedTable,
    basis: RecordScope,
}

impl TableFigures {
    /// The figures of a table, computed from the records of a basis.
    pub const fn new(table: answer::DisclosedTable, basis: RecordScope) -> Self {
        Self { table, basis }
    }

    fn measured_table(&self) -> answer::DisclosedTable {
        self.table.of_basis(self.basis)
    }

    fn measures(&self) -> Measures {
        Measures::from_table(&self.measured_table())
    }
}

/// A table and the figures that follow from it.
#[Object]
impl TableFigures {
    /// The contingency table: the four counts, and the number of initiatives for which a condition is not
    /// known. A count of scope ALL includes hidden records, or is null.
    async fn table(&self) -> ContingencyTable {
        ContingencyTable::from(&self.table)
    }

    /// The exact counts of the records that you can read in full.
    async fn visible_table(&self) -> ContingencyTable {
        ContingencyTable::from(&self.table.visible_only())
    }

    /// The share of initiatives with `when` that also have `then`.
    async fn rate_when(&self) -> Proportion {
        Proportion::with_condition(&self.measured_table())
    }

    /// The share of initiatives without `when` that have `then`.
    async fn rate_otherwise(&self) -> Proportion {
        Proportion::without_condition(&self.measured_table())
    }

    /// The share with `when` minus the share without it, with Newcombe's 95% confidence interval. Null if
    /// either share is not known.
    async fn risk_difference(&self) -> Option<Estimate> {
        self.measures().risk_difference.map(Estimate::from)
    }

    /// The share with `when` divided by the share without it, with Katz's 95% confidence interval. Null if
    /// either share is not known or is zero.
    async fn risk_ratio(&self) -> Option<Estimate> {
        self.measures().risk_ratio.map(Estimate::from)
    }

    /// The sample odds ratio, with Wald's 95% confidence interval. Null if a count is suppressed or zero.
    async fn odds_ratio(&self) -> Option<Estimate> {
        self.measures().odds_ratio.map(Estimate::from)
    }

    /// The phi coefficient: how strongly the two conditions are associated, from -1 to 1. Null if a row or
    /// column total is zero, or a count is suppressed.
    async fn phi(&self) -> Option<f64> {
        self.measures().phi
    }
}

/// An estimate with its 95% confidence interval.
#[derive(SimpleObject)]
pub struct Estimate {
    /// The estimate.
    value: f64,
    /// The lower end of the interval.
    lower: f64,
    /// The upper end of the interval.
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

/// Something to consider before you use an answer.
#[derive(SimpleObject)]
pub struct Caution {
    /// What the caution is about.
    code: CautionCode,
    /// The caution as a sentence.
    text: String,
}

impl Caution {
    /// Converts the cautions of an answer.
    pub fn list(cautions: Vec<cautions::Caution>) -> Vec<Self> {
        cautions.into_iter().map(Self::from).collect()
    }
}

impl From<cautions::Caution> for Caution {
    fn from(caution: cautions::Caution) -> Self {
        Self {
            code: caution.code,
            text: caution.text,
        }
    }
}

/// The `key` of a group, which is the same for all requesters. None for initiatives without a recorded value.
pub fn encode_group_key(key: &GroupKey) -> Option<String> {
    match key {
        GroupKey::Code(code) => Some(code.clone()),
        GroupKey::Place(id) => Some(NodeKind::Place.encode_id(*id)),
        GroupKey::Organisation(id) => Some(NodeKind::Organisation.encode_id(*id)),
        GroupKey::NotKnown => None,
    }
}

/// The place of a group. None if the group is not a place.
pub async fn find_place(ctx: &Context<'_>, key: &GroupKey) -> Result<Option<Place>> {
    let GroupKey::Place(id) = key else {
        return Ok(None);
    };
    Ok(loader::operation_loader(ctx)
        .load_one(PlaceById(*id))
        .await?
        .map(Place))
}

/// The organisation of a group. None if the group is not an organisation.
pub async fn find_organisation(ctx: &Context<'_>, key: &GroupKey) -> Result<Option<Organisation>> {
    let GroupKey::Organisation(id) = key else {
        return Ok(None);
    };
    Ok(loader::operation_loader(ctx)
        .load_one(OrganisationById(*id))
        .await?
        .map(Organisation))
}

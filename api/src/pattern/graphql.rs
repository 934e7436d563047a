//! Patterns over GraphQL.

use std::sync::Arc;

use async_graphql::{Context, Enum, InputObject, Object, Result, SimpleObject, connection::Edge};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use wayin_entity::Dimension;

use super::dimension::{StratumKey, StratumName};
use super::reading::{self, Caution};
use super::table::Nine;
use super::{Answer, Figures, Question, statistics};
use crate::condition::Condition;
use crate::error::Error;
use crate::graphql::{
    app,
    connection::{Connection, TotalCount},
    loader, reader,
};
use crate::id::NodeKind;
use crate::initiative::filter_input::{InitiativeFilter, Lookup};
use crate::organisation::graphql::{Organisation, OrganisationById};
use crate::paging::{self, PageArguments};
use crate::place::graphql::{Direction, Place, PlaceById};

/// A pattern that is asked for.
pub struct PatternInput {
    /// The one condition.
    pub when: InitiativeFilter,
    /// The other.
    pub then: InitiativeFilter,
    /// Among which initiatives.
    pub among: Option<InitiativeFilter>,
    /// What they are told apart by.
    pub by: Option<Dimension>,
}

/// How often two conditions coincide.
pub struct Pattern {
    question: Question,
    answer: Arc<Answer>,
}

impl Pattern {
    /// Answers what is asked, by the records that the one who asks may read whole.
    pub async fn answer(ctx: &Context<'_>, input: PatternInput) -> Result<Self, Error> {
        let reader = reader(ctx)?;
        let app = app(ctx);
        let lookup = Lookup::new(&app.db, reader);
        let question = Question {
            when: input.when.condition(lookup, "when".into()).await?,
            then: input.then.condition(lookup, "then".into()).await?,
            among: match input.among {
                Some(among) => among.condition(lookup, "among".into()).await?,
                None => Condition::EVERYTHING,
            },
            by: input.by,
        };
        let snapshot = app.engine.snapshot()?;
        let asked = question.clone();
        let answer = tokio::task::spawn_blocking(move || super::answer(&snapshot, &asked, reader))
            .await
            .map_err(|cause| Error::Internal(format!("a pattern could not be worked out: {cause}")))?;
        Ok(Self {
            question,
            answer: Arc::new(answer),
        })
    }

    fn figures(&self) -> Figures {
        Figures::from(&self.answer.counts.table())
    }
}

/// How often two conditions coincide, told in plain words and in figures.
#[Object]
impl Pattern {
    /// The answer in plain words, what is not known included, with no claim about causes.
    async fn reading(&self) -> String {
        reading::reading(&self.question, &self.answer)
    }

    /// The four counts, and how many are not known.
    async fn table(&self) -> CoincidenceTable {
        CoincidenceTable::from(&self.answer.counts)
    }

    /// The share of those with `when` that have `then` too.
    async fn rate_when(&self) -> Proportion {
        let table = self.answer.counts.table();
        Proportion::of(table.both, table.when())
    }

    /// The share of the others that have `then`.
    async fn rate_otherwise(&self) -> Proportion {
        let table = self.answer.counts.table();
        Proportion::of(table.then_only, table.otherwise())
    }

    /// How many times as likely `then` is with `when` as without; null where a rate is not known, or zero.
    async fn risk_ratio(&self) -> Option<Estimate> {
        self.figures().risk_ratio.map(Estimate::from)
    }

    /// The same counts for each stratum of `by`, every stratum of the dimension's domain, those that
    /// do not say last in their own order; null without `by`.
    async fn strata(
        &self,
        #[graphql(desc = "The first so many, at most 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "The order; by name where nothing is said.")] order_by: Option<StratumOrder>,
    ) -> Result<Option<Connection<Stratum>>> {
        let Some(strata) = &self.answer.strata else {
            return Ok(None);
        };
        let mut strata: Vec<Stratum> = strata
            .counts
            .iter()
            .enumerate()
            .map(|(position, (name, counts))| Stratum {
                name: name.clone(),
                counts: *counts,
                position,
            })
            .collect();
        sort(&mut strata, order_by);
        Ok(Some(page_of(
            strata,
            &PageArguments {
                first,
                after,
                last,
                before,
            },
        )?))
    }

    /// What to mind when reading it.
    async fn cautions(&self) -> Vec<CautionObject> {
        reading::cautions(&self.answer)
            .iter()
            .map(|caution| CautionObject {
                code: caution.into(),
                text: caution.text(&self.answer),
            })
            .collect()
    }

    /// Which records were counted.
    async fn coverage(&self) -> Coverage {
        Coverage::Readable
    }

    /// The newest change that this answer has seen.
    async fn as_of(&self) -> AsOf {
        AsOf {
            change: self.answer.as_of.change,
            at: self.answer.as_of.at,
        }
    }
}

/// Which records are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Coverage {
    /// Those that you may read whole, exactly; a steward reads everything.
    Readable,
}

/// How far an answer has read the change log.
#[derive(SimpleObject)]
pub struct AsOf {
    /// The number of the newest change that it has seen; 0 before the first.
    change: i64,
    /// When that change was made (UTC); null before the first.
    at: Option<DateTime<Utc>>,
}

/// The two-by-two table of what is known, and how many are not.
#[derive(SimpleObject)]
pub struct CoincidenceTable {
    /// All that were asked about.
    population: i64,
    /// Both conditions hold.
    both: i64,
    /// `when` holds and `then` does not.
    when_only: i64,
    /// `then` holds and `when` does not.
    then_only: i64,
    /// Neither holds.
    neither: i64,
    /// Of these one condition or both are not known.
    unknown: i64,
    /// Of these it is not known whether `when` holds.
    when_unknown: i64,
    /// Of these it is not known whether `then` holds.
    then_unknown: i64,
}

impl From<&Nine> for CoincidenceTable {
    fn from(counts: &Nine) -> Self {
        let table = counts.table();
        Self {
            population: table.population.cast_signed(),
            both: table.both.cast_signed(),
            when_only: table.when_only.cast_signed(),
            then_only: table.then_only.cast_signed(),
            neither: table.neither.cast_signed(),
            unknown: table.unknown.cast_signed(),
            when_unknown: table.when_unknown.cast_signed(),
            then_unknown: table.then_unknown.cast_signed(),
        }
    }
}

/// A share, with Wilson's 95% interval.
#[derive(SimpleObject)]
pub struct Proportion {
    /// How many there are of it.
    numerator: i64,
    /// Out of how many.
    denominator: i64,
    /// The share, from 0 to 1; null out of none.
    value: Option<f64>,
    /// The interval's lower end; null out of none.
    lower: Option<f64>,
    /// The interval's upper end; null out of none.
    upper: Option<f64>,
}

impl Proportion {
    fn of(part: u64, whole: u64) -> Self {
        let estimate = statistics::proportion(part, whole);
        Self {
            numerator: part.cast_signed(),
            denominator: whole.cast_signed(),
            value: estimate.map(|estimate| estimate.value),
            lower: estimate.map(|estimate| estimate.lower),
            upper: estimate.map(|estimate| estimate.upper),
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

/// Something to mind when reading a pattern.
#[derive(SimpleObject)]
#[graphql(name = "Caution")]
pub struct CautionObject {
    /// What it is about.
    code: CautionCode,
    /// The same in a sentence.
    text: String,
}

/// What to mind when reading a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum CautionCode {
    /// A known count is under 10.
    SmallNumbers,
    /// Over 20% are not known.
    MuchUnknown,
    /// An initiative may stand in several strata.
    StrataOverlap,
    /// Records that were made up to show how Wayin works are among those counted.
    Illustrative,
}

impl From<&Caution> for CautionCode {
    fn from(caution: &Caution) -> Self {
        match caution {
            Caution::SmallNumbers => Self::SmallNumbers,
            Caution::MuchUnknown => Self::MuchUnknown,
            Caution::StrataOverlap => Self::StrataOverlap,
            Caution::Illustrative => Self::Illustrative,
        }
    }
}

/// Names a stratum the same way for all who ask.
fn key_text(key: &StratumKey) -> Option<String> {
    match key {
        StratumKey::Code(code) => Some(code.clone()),
        StratumKey::Place(id) => Some(NodeKind::Place.id(*id)),
        StratumKey::Organisation(id) => Some(NodeKind::Organisation.id(*id)),
        StratumKey::NotKnown => None,
    }
}

async fn place_of(ctx: &Context<'_>, key: &StratumKey) -> Result<Option<Place>> {
    let StratumKey::Place(id) = key else {
        return Ok(None);
    };
    Ok(loader::of(ctx).load_one(PlaceById(*id)).await?.map(Place))
}

async fn organisation_of(ctx: &Context<'_>, key: &StratumKey) -> Result<Option<Organisation>> {
    let StratumKey::Organisation(id) = key else {
        return Ok(None);
    };
    Ok(loader::of(ctx)
        .load_one(OrganisationById(*id))
        .await?
        .map(Organisation))
}

/// One value of a dimension, with its counts.
pub struct Stratum {
    name: StratumName,
    counts: Nine,
    position: usize,
}

#[Object]
impl Stratum {
    /// The code, year, or global id that it stands for; null for those that do not say.
    async fn key(&self) -> Option<String> {
        key_text(&self.name.key)
    }

    /// The words for it.
    async fn label(&self) -> &str {
        &self.name.label
    }

    /// The place that it stands for; null where it stands for something else.
    async fn place(&self, ctx: &Context<'_>) -> Result<Option<Place>> {
        place_of(ctx, &self.name.key).await
    }

    /// The organisation that it stands for; null where it stands for something else.
    async fn organisation(&self, ctx: &Context<'_>) -> Result<Option<Organisation>> {
        organisation_of(ctx, &self.name.key).await
    }

    /// The four counts, and how many are not known.
    async fn table(&self) -> CoincidenceTable {
        CoincidenceTable::from(&self.counts)
    }

    /// The share of those with `when` that have `then` too.
    async fn rate_when(&self) -> Proportion {
        let table = self.counts.table();
        Proportion::of(table.both, table.when())
    }

    /// The share of the others that have `then`.
    async fn rate_otherwise(&self) -> Proportion {
        let table = self.counts.table();
        Proportion::of(table.then_only, table.otherwise())
    }

    /// How many times as likely `then` is with `when` as without; null where a rate is not known, or zero.
    async fn risk_ratio(&self) -> Option<Estimate> {
        Figures::from(&self.counts.table()).risk_ratio.map(Estimate::from)
    }
}

/// What strata are sorted by. Those that do not say always come last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum StratumOrderField {
    /// The name; for bands, years and codes their own order.
    Name,
    /// How many initiatives stand in it.
    Population,
    /// The share of those with `when` that have `then` too; strata without one come after the others.
    Rate,
    /// How far that share is above that of the others; strata without one come after the others.
    Difference,
}

/// The order of strata.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct StratumOrder {
    /// What they are sorted by.
    pub field: StratumOrderField,
    /// In which direction.
    #[graphql(default)]
    pub direction: Direction,
}

fn sort(strata: &mut [Stratum], order: Option<StratumOrder>) {
    let descending = order.is_some_and(|order| order.direction == Direction::Descending);
    let field = order.map_or(StratumOrderField::Name, |order| order.field);
    let figure = |stratum: &Stratum| {
        let table = stratum.counts.table();
        let figures = Figures::from(&table);
        match field {
            StratumOrderField::Name => None,
            StratumOrderField::Population => Some(table.population as f64),
            StratumOrderField::Rate => figures.rate_when.map(|rate| rate.value),
            StratumOrderField::Difference => figures
                .rate_when
                .zip(figures.rate_otherwise)
                .map(|(when, otherwise)| when.value - otherwise.value),
        }
    };
    strata.sort_by(|a, b| {
        let last = |stratum: &Stratum| stratum.name.key == StratumKey::NotKnown;
        let (x, y) = (figure(a), figure(b));
        let by_figure = match (x, y) {
            (Some(x), Some(y)) if descending => y.total_cmp(&x),
            (Some(x), Some(y)) => x.total_cmp(&y),
            // Those without a figure come after the others in either direction.
            (x, y) => y.is_some().cmp(&x.is_some()),
        };
        let by_name = match (&a.name.key, &b.name.key) {
            (StratumKey::Code(_), StratumKey::Code(_)) => a.position.cmp(&b.position),
            _ => a
                .name
                .label
                .to_lowercase()
                .cmp(&b.name.label.to_lowercase())
                .then(a.position.cmp(&b.position)),
        };
        let by_name = if descending && field == StratumOrderField::Name {
            by_name.reverse()
        } else {
            by_name
        };
        last(a).cmp(&last(b)).then(by_figure).then(by_name)
    });
}

/// A page of strata. A cursor names its stratum, so that it survives changes of order and figures.
fn page_of(strata: Vec<Stratum>, arguments: &PageArguments) -> Result<Connection<Stratum>, Error> {
    let (size, backward) = paging::page_size(arguments)?;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let cursor =
        |stratum: &Stratum| BASE64_URL_SAFE_NO_PAD.encode(key_text(&stratum.name.key).unwrap_or_default());
    let total = strata.len();
    let at = |argument: &str, wanted: &Option<String>| {
        let Some(wanted) = wanted else { return Ok(None) };
        let position = strata.iter().position(|stratum| cursor(stratum) == *wanted);
        position
            .map(Some)
            .ok_or_else(|| Error::bad_input(argument, "is not a cursor of these strata"))
    };
    let start = at("after", &arguments.after)?.map_or(0, |after| after + 1);
    let end = at("before", &arguments.before)?.unwrap_or(total).max(start);
    let (start, end) = if backward {
        (end.saturating_sub(size).max(start), end)
    } else {
        (start, end.min(start.saturating_add(size)))
    };
    let mut connection = Connection::with_additional_fields(start > 0, end < total, TotalCount::known(total));
    connection.edges.extend(
        strata
            .into_iter()
            .skip(start)
            .take(end - start)
            .map(|stratum| Edge::new(cursor(&stratum), stratum)),
    );
    Ok(connection)
}

/// How many initiatives have one value of a dimension.
pub struct DistributionBin {
    name: StratumName,
    count: u64,
}

#[Object]
impl DistributionBin {
    /// The code, year, or global id that it stands for; null for those that do not say.
    async fn key(&self) -> Option<String> {
        key_text(&self.name.key)
    }

    /// The words for it.
    async fn label(&self) -> &str {
        &self.name.label
    }

    /// How many initiatives have it. One with several values counts once for each.
    async fn count(&self) -> i64 {
        self.count.cast_signed()
    }

    /// The place that it stands for; null where it stands for something else.
    async fn place(&self, ctx: &Context<'_>) -> Result<Option<Place>> {
        place_of(ctx, &self.name.key).await
    }

    /// The organisation that it stands for; null where it stands for something else.
    async fn organisation(&self, ctx: &Context<'_>) -> Result<Option<Organisation>> {
        organisation_of(ctx, &self.name.key).await
    }
}

/// Questions across places.
#[derive(Default)]
pub struct PatternQuery;

#[Object]
impl PatternQuery {
    /// How often two conditions coincide, by the records that you may read whole. Any condition
    /// can be crossed with any other.
    async fn pattern(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The one condition.")] when: InitiativeFilter,
        #[graphql(desc = "The other condition.")] then: InitiativeFilter,
        #[graphql(desc = "Among which initiatives: those of which this is TRUE; all where nothing is said.")]
        among: Option<InitiativeFilter>,
        #[graphql(desc = "What they are told apart by.")] by: Option<Dimension>,
    ) -> Result<Pattern> {
        Ok(Box::pin(Pattern::answer(
            ctx,
            PatternInput {
                when,
                then,
                among,
                by,
            },
        ))
        .await?)
    }

    /// How many initiatives have each value of a dimension, by the records that you may read whole;
    /// every value of its domain, those that do not say last.
    async fn distribution(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The dimension.")] of: Dimension,
        #[graphql(desc = "Among which initiatives: those of which this is TRUE; all where nothing is said.")]
        among: Option<InitiativeFilter>,
    ) -> Result<Vec<DistributionBin>> {
        let reader = reader(ctx)?;
        let app = app(ctx);
        let among = match among {
            Some(among) => {
                among
                    .condition(Lookup::new(&app.db, reader), "among".into())
                    .await?
            }
            None => Condition::EVERYTHING,
        };
        let snapshot = app.engine.snapshot()?;
        let distribution =
            tokio::task::spawn_blocking(move || super::distribution(&snapshot, of, &among, reader))
                .await
                .map_err(|cause| {
                    Error::Internal(format!("a distribution could not be worked out: {cause}"))
                })?;
        let mut bins = distribution.bins;
        let not_known = bins.pop();
        if matches!(
            of,
            Dimension::Place | Dimension::Region | Dimension::LeadOrganisation | Dimension::Funder
        ) {
            bins.sort_by_cached_key(|(name, _)| name.label.to_lowercase());
        }
        Ok(bins
            .into_iter()
            .chain(not_known)
            .map(|(name, count)| DistributionBin { name, count })
            .collect())
    }
}

//! Rows made in memory, as many as are asked for: the same for the same number. They look
//! like a base: a few hundred places, many organisations of very different size, one or two
//! funding terms each, much that is not known.

pub mod load;

use chrono::{DateTime, NaiveDate};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;
use wayin_engine::index::{
    AsOf, CHUNK_ROWS, Chunk, EntryPoints, Organisation, Organisations, Places, Row, Snapshot, StoredPlace,
    Term,
};
use wayin_engine::predicate::{
    Comparison, Condition, InitiativeCondition, InitiativeTest, Quantifier, TermTest,
};
use wayin_entity::{
    Challenge, ChallengeStep, ChangeExtent, EntryPoint, PlaceKind, Visibility, place, place_within,
};
use wayin_records::fields::funding_term::FundingChoice;

/// How many places there are, the regions and the nation apart.
pub const PLACES: u32 = 400;
const REGIONS: u32 = 11;
/// How many organisations only fund.
pub const FUNDERS: u32 = 300;

/// How many organisations lead so many initiatives.
pub fn leads(initiatives: usize) -> u32 {
    u32::try_from(initiatives / 40)
        .unwrap_or(u32::MAX)
        .clamp(20, 25_000)
}

/// The id of a thing, by its kind and number, in the order of the numbers.
pub fn id(kind: u8, number: usize) -> Uuid {
    Uuid::from_u128((u128::from(kind) << 120) | (7 << 76) | (2 << 62) | number as u128)
}

fn day(random: &mut StdRng) -> NaiveDate {
    NaiveDate::from_num_days_from_ce_opt(730_120 + random.random_range(3_650..9_500)).unwrap_or_default()
}

fn one<T: Copy>(random: &mut StdRng, of: &[T], known_in_100: u32) -> Option<T> {
    random
        .random_ratio(known_in_100, 100)
        .then(|| of[random.random_range(0..of.len())])
}

fn term(random: &mut StdRng, organisations: u32) -> Term {
    Term {
        funder: organisations + random.random_range(0..FUNDERS),
        duration_months: one(random, &[6, 12, 12, 12, 18, 24, 24, 36, 36, 48, 60, 84], 80),
        amount_minor: random
            .random_ratio(3, 4)
            .then(|| random.random_range(1..60) * 1_000_000),
        currency: Some(*b"gbp"),
        starts_on: random.random_ratio(1, 2).then(|| day(random)),
        choices: FundingChoice::ALL.map(|choice| answer(random, choice)),
    }
}

fn answer(random: &mut StdRng, choice: FundingChoice) -> Option<u8> {
    let (answers, known_in_100): (&[u8], _) = match choice {
        FundingChoice::UpfrontResearch => (&[1, 0, 0], 60),
        FundingChoice::CollaborationResourced => (&[1, 0], 50),
        FundingChoice::Renewable => (&[1, 0], 40),
        FundingChoice::MultiSite => (&[1, 0, 0], 40),
        FundingChoice::IntendedFocus => (&[0, 1, 2, 3], 60),
        FundingChoice::Restriction => (&[0, 1], 70),
        FundingChoice::ReportingFrequency => (&[0, 1, 2, 3, 4, 5], 50),
        FundingChoice::ReportingBasis => (&[0, 1], 50),
        FundingChoice::DeliveryTimeline => (&[0, 1], 40),
    };
    one(random, answers, known_in_100)
}

fn row(random: &mut StdRng, number: usize, organisations: u32) -> Row {
    // Some organisations lead far more than others.
    let share: f64 = random.random();
    let lead = share.powi(2) * f64::from(organisations);
    let terms = [0, 1, 1, 1, 1, 2, 2, 2, 3, 2][random.random_range(0..10)];
    Row {
        id: id(1, number),
        key: random.random(),
        place: random
            .random_ratio(95, 100)
            .then(|| random.random_range(0..PLACES)),
        // The number is below that of the organisations.
        lead: num(lead),
        title: format!("initiative {number} for a better place").into(),
        started_on: random.random_ratio(4, 5).then(|| day(random)),
        ended_on: None,
        ongoing: one(random, &[true, false], 70),
        visibility: one(
            random,
            &[Visibility::Open, Visibility::Members, Visibility::AggregateOnly],
            50,
        )
        .unwrap_or(Visibility::AggregateOnly),
        shared_with_funders: random.random_ratio(1, 3),
        illustrative: false,
        entry_points: std::array::from_fn(|by| {
            if by >= 2 || random.random_ratio(1, 4) {
                return EntryPoints::default();
            }
            let way_in = random.random_range(0..4);
            EntryPoints {
                way_in: EntryPoint::ALL.get(way_in).copied(),
                later: if random.random_ratio(1, 3) {
                    (1 << random.random_range(0..4)) & !(1 << way_in)
                } else {
                    0
                },
            }
        }),
        steps: std::array::from_fn(|_| one(random, ChallengeStep::ALL, 70)),
        reasons: std::array::from_fn(|_| {
            if random.random_ratio(1, 3) {
                1 << random.random_range(0..8)
            } else {
                0
            }
        }),
        changes: std::array::from_fn(|_| one(random, ChangeExtent::ALL, 40)),
        terms: (0..terms).map(|_| term(random, organisations)).collect(),
        missing: Vec::new(),
        terms_missing: Vec::new(),
    }
}

fn num(of: f64) -> u32 {
    // Never negative and far below the greatest.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count"
    )]
    let number = of as u32;
    number
}

/// The rows of one chunk.
pub fn rows(initiatives: usize, chunk: usize) -> Vec<Row> {
    let mut random = StdRng::seed_from_u64(chunk as u64);
    let (first, end) = (chunk * CHUNK_ROWS, ((chunk + 1) * CHUNK_ROWS).min(initiatives));
    (first..end)
        .map(|number| row(&mut random, number, leads(initiatives)))
        .collect()
}

/// The places, each within a region, as the base holds them.
pub fn places() -> (Vec<place::Model>, Vec<place_within::Model>) {
    let at = DateTime::from_timestamp(1_750_000_000, 0).unwrap_or_default();
    let place = |number: u32, kind| place::Model {
        id: id(2, number as usize),
        name: format!("Place {number}"),
        name_folded: format!("place {number}"),
        kind,
        code: Some(format!("E{number:08}")),
        successor_id: None,
        created_at: at,
        updated_at: at,
    };
    let within = |place: u32, within: u32| place_within::Model {
        place_id: id(2, place as usize),
        parent_id: id(2, within as usize),
        created_at: at,
        updated_at: at,
    };
    let towns = (0..PLACES).map(|number| place(number, PlaceKind::LocalAuthority));
    let regions = (PLACES..PLACES + REGIONS).map(|number| place(number, PlaceKind::Region));
    (
        towns.chain(regions).collect(),
        (0..PLACES)
            .map(|number| within(number, PLACES + number % REGIONS))
            .collect(),
    )
}

/// A snapshot of so many initiatives, packed as the engine packs them.
pub fn snapshot(initiatives: usize) -> Snapshot {
    let (places, within) = places();
    let places: Vec<StoredPlace> = places
        .into_iter()
        .map(|place| StoredPlace {
            id: place.id,
            name: place.name,
            kind: place.kind,
            successor_id: place.successor_id,
        })
        .collect();
    let parents: Vec<_> = within
        .iter()
        .map(|link| (link.place_id, link.parent_id))
        .collect();
    let mut organisations = Organisations::default();
    for number in 0..leads(initiatives) + FUNDERS {
        organisations.put(Organisation {
            id: id(3, number as usize),
            name: format!("Organisation {number}"),
            name_folded: format!("organisation {number}"),
            identifier_folded: None,
            kind: None,
        });
    }
    Snapshot {
        chunks: (0..initiatives.div_ceil(CHUNK_ROWS))
            .map(|chunk| Chunk::pack(&rows(initiatives, chunk)).into())
            .collect(),
        places: Places::read(&Places::default(), &places, &parents).into(),
        organisations: organisations.into(),
        as_of: AsOf {
            change: 1,
            at: DateTime::from_timestamp(1_750_000_000, 0),
        },
        dictionaries: 1,
    }
}

/// Some funding of so many months or less.
pub fn short_funding(months: i32) -> InitiativeCondition {
    let term = Condition::Test(TermTest::DurationMonths(Comparison::AtMost(months)));
    Condition::Test(InitiativeTest::FundingTerms(Quantifier::Some, term))
}

/// Some funding of so many months or less that paid for no research up front: both of the same term.
pub fn short_without_research(months: i32) -> InitiativeCondition {
    let short = Condition::Test(TermTest::DurationMonths(Comparison::AtMost(months)));
    let no_research = Condition::Test(TermTest::choice(
        FundingChoice::UpfrontResearch,
        &Comparison::OneOf(vec![false]),
    ));
    Condition::Test(InitiativeTest::FundingTerms(
        Quantifier::Some,
        short.and(no_research),
    ))
}

/// Defining the ambitions was skipped.
pub fn skipped_ambitions() -> InitiativeCondition {
    step(Challenge::DefiningAmbitions, ChallengeStep::Skipped)
}

/// What became of a challenge's step.
pub fn step(challenge: Challenge, step: ChallengeStep) -> InitiativeCondition {
    Condition::Test(InitiativeTest::Step(challenge, Comparison::OneOf(vec![step])))
}

/// So many conditions, each another: steps, ways in, reasons, changes, lengths of funding.
pub fn conditions(count: usize) -> Vec<InitiativeCondition> {
    use wayin_engine::predicate::WayInComparison;
    let steps = Challenge::ALL
        .iter()
        .flat_map(|of| ChallengeStep::ALL.iter().map(|found| step(*of, *found)));
    let ways_in = EntryPoint::ALL
        .iter()
        .map(|code| Condition::Test(InitiativeTest::WayIn(None, WayInComparison::OneOf(vec![*code]))));
    let changes = wayin_entity::Condition::ALL.iter().flat_map(|of| {
        ChangeExtent::ALL
            .iter()
            .map(|found| Condition::Test(InitiativeTest::Change(*of, Comparison::OneOf(vec![*found]))))
    });
    let lengths = (1..).map(|months| short_funding(months * 3));
    steps
        .chain(ways_in)
        .chain(changes)
        .chain(lengths)
        .take(count)
        .collect()
}

//! The requests that are measured. Places, orders and conditions vary from request to request.

use rand::Rng;
use rand::rngs::StdRng;

use crate::claims::CLAIM_COUNT;
use crate::fixtures;

/// Everything of a record that a page shows.
const FIELDS: &str =
    "id title startedOn place { name } leadOrganisation { name } entryPoints { entryPoint perspective }
    challengesFaced { challenge step reasons } conditionsChanged { condition change } sources { title }
    fundingTerms { durationMonths amountMinor funder { name } }";

/// The same of PostGraphile's record.
const FIELDS_ON_POSTGRAPHILE: &str =
    "id title startedOn placeByPlaceId { name } organisationByLeadOrganisationId { name }
    entryPointTakensByInitiativeId { nodes { entryPoint perspective } }
    challengeFacedsByInitiativeId { nodes { challenge step challengeReasonsByChallengeFacedId { nodes { reason } } } }
    conditionChangedsByInitiativeId { nodes { condition change } }
    initiativeSourcesByInitiativeId { nodes { sourceBySourceId { title } } }
    fundingTermsByInitiativeId { nodes { durationMonths amountMinor organisationByFunderId { name } } }";

/// A kind of request.
pub struct Workload {
    pub name: &'static str,
    pub connections: usize,
    /// The query, or the path of a page.
    pub query: fn(&mut StdRng) -> String,
    /// The query that asks PostGraphile for as much; none if it has no such filter, order or count without plugins.
    pub on_postgraphile: Option<fn(&mut StdRng) -> String>,
}

fn random_place(random: &mut StdRng) -> String {
    format!("E{:08}", random.random_range(0..fixtures::PLACE_COUNT))
}

fn random_region(random: &mut StdRng) -> String {
    format!(
        "E{:08}",
        random.random_range(fixtures::PLACE_COUNT..fixtures::PLACE_COUNT + fixtures::REGION_COUNT)
    )
}

/// The headline question by region, about initiatives that started after one of `days` days.
fn headline(random: &mut StdRng, days: u64) -> String {
    let day = chrono::NaiveDate::default() + chrono::Days::new(10_000 + random.random_range(0..days));
    format!(
        "{{ pattern(when: {{fundingTerms: {{some: {{durationMonths: {{lte: 18}}}}}}}},
            then: {{challenge: {{on: DEFINING_AMBITIONS, step: {{in: [SKIPPED]}}}}}},
            among: {{startedOn: {{gte: \"{day}\"}}}}, by: REGION) {{
            summary {{ text }} groups(first: 20) {{ nodes {{ label table {{ both whenOnly }} rateWhen {{ value }} }} }} }} }}"
    )
}

pub const WORKLOADS: &[Workload] = &[
    Workload {
        name: "page of 50 of a place, with relations",
        connections: 8,
        query: |random| {
            let place = random_place(random);
            format!(
                "{{ initiatives(first: 50, filter: {{place: {{within: {{code: \"{place}\"}}}}}}) {{ nodes {{ {FIELDS} }} }} }}"
            )
        },
        on_postgraphile: Some(|random| {
            let place = random_place(random);
            format!(
                "{{ placeByCode(code: \"{place}\") {{
                    initiativesByPlaceId(first: 50, orderBy: PUBLISHED_AT_DESC) {{ nodes {{ {FIELDS_ON_POSTGRAPHILE} }} }} }} }}"
            )
        }),
    },
    Workload {
        name: "page of 50 of a region, through `place`",
        connections: 8,
        query: |random| {
            let region = random_region(random);
            format!("{{ place(code: \"{region}\") {{ initiatives(first: 50) {{ nodes {{ {FIELDS} }} }} }} }}")
        },
        on_postgraphile: None,
    },
    Workload {
        name: "page of 50 in any order",
        connections: 1,
        query: |random| {
            let field = ["PUBLISHED", "TITLE", "STARTED_ON", "ENDED_ON"][random.random_range(0..4)];
            let direction = ["ASC", "DESC"][random.random_range(0..2)];
            format!(
                "{{ initiatives(first: 50, orderBy: {{field: {field}, direction: {direction}}}) {{ nodes {{ id title startedOn }} }} }}"
            )
        },
        on_postgraphile: None,
    },
    Workload {
        name: "`totalCount` of three conditions",
        connections: 1,
        query: |random| {
            let months = random.random_range(1..60);
            let amount = random.random_range(1..60) * 1_000_000;
            format!(
                "{{ initiatives(filter: {{and: [{{fundingTerms: {{some: {{durationMonths: {{lte: {months}}}, amountMinor: {{gte: \"{amount}\"}}}}}}}},
                    {{challenge: {{on: DEFINING_AMBITIONS, step: {{in: [SKIPPED]}}}}}},
                    {{wayIn: {{in: [COLLABORATION]}}}}]}}) {{ totalCount }} }}"
            )
        },
        on_postgraphile: None,
    },
    Workload {
        name: "places > initiatives > terms, nested",
        connections: 1,
        query: |random| {
            let (places, initiatives) = (random.random_range(8..12), random.random_range(4..7));
            format!(
                "{{ places(first: {places}, filter: {{kind: {{in: [LOCAL_AUTHORITY]}}}}) {{ nodes {{ name
                    initiatives(first: {initiatives}) {{ nodes {{ title fundingTerms {{ durationMonths }} }} }} }} }} }}"
            )
        },
        on_postgraphile: Some(|random| {
            let (places, initiatives) = (random.random_range(8..12), random.random_range(4..7));
            format!(
                "{{ allPlaces(first: {places}) {{ nodes {{ name
                    initiativesByPlaceId(first: {initiatives}) {{ nodes {{ title
                        fundingTermsByInitiativeId {{ nodes {{ durationMonths }} }} }} }} }} }} }}"
            )
        }),
    },
    Workload {
        name: "page of 50 whose title contains a number",
        connections: 1,
        query: |random| {
            let part = random.random_range(10_000..99_999);
            format!(
                "{{ initiatives(first: 50, filter: {{title: {{contains: \"{part}\"}}}}) {{ nodes {{ id title }} }} }}"
            )
        },
        on_postgraphile: None,
    },
    Workload {
        name: "`{ __typename }` with a token",
        connections: 32,
        query: |_| "{ __typename }".into(),
        on_postgraphile: Some(|_| "{ __typename }".into()),
    },
    Workload {
        name: "headline by region, a new question each time",
        connections: 8,
        query: |random| headline(random, 1_000_000),
        on_postgraphile: None,
    },
    Workload {
        name: "the first page, with ten claims",
        connections: 1,
        query: |_| "/".into(),
        on_postgraphile: None,
    },
    Workload {
        name: "the page of a claim, with groups and years",
        connections: 1,
        query: |random| format!("/claims/claim-{}", random.random_range(1..=CLAIM_COUNT)),
        on_postgraphile: None,
    },
    Workload {
        name: "headline by region, ten questions",
        connections: 8,
        query: |random| headline(random, 10),
        on_postgraphile: None,
    },
];

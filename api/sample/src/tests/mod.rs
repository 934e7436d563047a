//! The evidence has the properties that its documentation describes.

mod naive;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use chrono::{Days, Months};
use wayin_vocabulary::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Condition, DeliveryTimeline, Dimension,
    EntryPoint, OrganisationKind, Perspective, ReportingBasis, ReportingFrequency, Restriction, SourceKind,
    Visibility,
};

use super::places::{REGIONS, list_local_authorities};
use super::*;
use wayin_engine::statistics::{Estimate, TwoByTwoCounts, risk_ratio};
use wayin_engine::three_valued_logic::Truth;
use wayin_records::record::{FundingTerm, OrganisationReference};

static EVIDENCE: LazyLock<Evidence> = LazyLock::new(generate_evidence);

/// The four known cells, and the number of initiatives in none of them.
#[derive(Clone, Copy, Debug, Default)]
struct TestTable {
    both: u64,
    when_only: u64,
    then_only: u64,
    neither: u64,
    unknown: u64,
}

impl TestTable {
    fn risk_ratio(self) -> Estimate {
        let Self {
            both,
            when_only,
            then_only,
            neither,
            ..
        } = self;
        risk_ratio(&TwoByTwoCounts::exact([both, when_only, then_only, neither])).unwrap()
    }

    fn rate_when(self) -> f64 {
        self.both as f64 / (self.both + self.when_only) as f64
    }

    fn rate_otherwise(self) -> f64 {
        self.then_only as f64 / (self.then_only + self.neither) as f64
    }
}

/// The table of a claim, and its tables by region.
fn count_claim(slug: &str) -> (TestTable, BTreeMap<&'static str, TestTable>) {
    count_claim_among(slug, |_| true)
}

/// The same for visible records.
fn count_claim_among(
    slug: &str,
    is_visible: impl Fn(&InitiativeRecord) -> bool,
) -> (TestTable, BTreeMap<&'static str, TestTable>) {
    let region_of: HashMap<_, _> = list_local_authorities()
        .into_iter()
        .map(|place| (place.code, place.region))
        .collect();
    let claim = EVIDENCE.claims.iter().find(|claim| claim.slug == slug).unwrap();
    let (mut whole, mut by_region) = (TestTable::default(), BTreeMap::<_, TestTable>::new());
    for record in EVIDENCE.records.iter().filter(|record| is_visible(record)) {
        let truth = |filter| naive::evaluate(filter, record, &EVIDENCE.crises);
        if claim
            .among
            .as_ref()
            .is_some_and(|among| truth(among) != Truth::True)
        {
            continue;
        }
        let cell = |table: &mut TestTable| match (truth(&claim.when), truth(&claim.then)) {
            (Truth::True, Truth::True) => table.both += 1,
            (Truth::True, Truth::False) => table.when_only += 1,
            (Truth::False, Truth::True) => table.then_only += 1,
            (Truth::False, Truth::False) => table.neither += 1,
            _ => table.unknown += 1,
        };
        cell(&mut whole);
        let code = record.place.as_ref().and_then(|place| place.code.as_ref());
        let region = code.and_then(|code| REGIONS.iter().find(|region| region.code == region_of[code]));
        if let Some(region) = region {
            cell(by_region.entry(region.code).or_default());
        }
    }
    (whole, by_region)
}

/// The Mantel-Haenszel risk ratio, with the interval of Greenland and Robins (Biometrics 41, 1985).
fn adjusted_risk_ratio<'a>(strata: impl IntoIterator<Item = &'a TestTable>) -> Estimate {
    let (mut above, mut below, mut spread) = (0.0, 0.0, 0.0);
    for table in strata {
        let (both, then_only) = (table.both as f64, table.then_only as f64);
        let with = both + table.when_only as f64;
        let without = then_only + table.neither as f64;
        let all = with + without;
        above += both * without / all;
        below += then_only * with / all;
        spread += (with * without * (both + then_only) - both * then_only * all) / (all * all);
    }
    let (value, error) = (above / below, (spread / (above * below)).sqrt());
    Estimate {
        value,
        lower: value * (-1.96 * error).exp(),
        upper: value * (1.96 * error).exp(),
    }
}

#[test]
fn evidence_is_deterministic() {
    let bytes = |evidence: &Evidence| serde_json::to_vec(&evidence.records).unwrap();
    assert!(
        bytes(&EVIDENCE) == bytes(&generate_evidence()),
        "two calls give the same bytes"
    );
}

#[test]
fn evidence_is_marked_as_illustrative() {
    for record in &EVIDENCE.records {
        assert!(record.illustrative);
        assert!(record.title.starts_with("Illustrative: "), "{}", record.title);
        assert!(
            record
                .summary
                .as_ref()
                .is_none_or(|summary| summary.starts_with("An invented "))
        );
        assert!(
            record.source.title.starts_with("Illustrative "),
            "{}",
            record.source.title
        );
        assert_eq!(record.source.licence.as_deref(), Some("CC0-1.0"));
        let funders = record.funding_terms.iter().map(|term| &term.funder);
        for organisation in funders.chain([&record.lead_organisation]) {
            assert!(organisation.name.as_ref().unwrap().ends_with(" (illustrative)"));
            assert!(organisation.identifier.as_ref().unwrap().starts_with("XI-WAYIN-"));
        }
        let motivations = record
            .entry_points
            .iter()
            .filter_map(|row| row.motivation.as_ref());
        let notes = record.challenges_faced.iter().filter_map(|row| row.note.as_ref());
        let programmes = record
            .funding_terms
            .iter()
            .filter_map(|term| term.programme.as_ref());
        for words in motivations.chain(notes).chain(programmes) {
            assert!(words.starts_with("Illustrative: "), "{words}");
        }
    }
    for meeting in &EVIDENCE.meetings {
        assert!(meeting.title.contains("illustrative"));
    }
}

#[test]
fn every_vocabulary_code_occurs() {
    let text = serde_json::to_string(&EVIDENCE.records).unwrap();
    macro_rules! all_occur {
        ($($key:literal: $name:ident,)+) => {$(
            for value in $name::ALL {
                let found = format!(r#""{}":"{}""#, $key, value.code());
                assert!(text.contains(&found), "{found} occurs");
            }
        )+};
    }
    all_occur! {
        "entryPoint": EntryPoint, "perspective": Perspective, "challenge": Challenge, "step": ChallengeStep,
        "condition": Condition, "change": ChangeExtent, "visibility": Visibility, "intendedFocus": EntryPoint,
        "restriction": Restriction, "reportingFrequency": ReportingFrequency, "reportingBasis": ReportingBasis,
        "deliveryTimeline": DeliveryTimeline, "kind": OrganisationKind, "kind": SourceKind,
    }
    let reasons: HashSet<_> = EVIDENCE
        .records
        .iter()
        .flat_map(|one| &one.challenges_faced)
        .flat_map(|row| &row.reasons)
        .collect();
    assert_eq!(reasons.len(), ChallengeReason::ALL.len());
}

#[test]
fn record_count_and_completeness_are_as_expected() {
    let records = &EVIDENCE.records;
    assert_eq!(records.len(), 2_000);
    let share = |met: &dyn Fn(&InitiativeRecord) -> bool| {
        records.iter().filter(|record| met(record)).count() * 100 / records.len()
    };
    let between = |low, high, what: &str, met: &dyn Fn(&InitiativeRecord) -> bool| {
        assert!(
            (low..=high).contains(&share(met)),
            "{what}: {} in 100",
            share(met)
        );
    };
    between(46, 54, "open", &|one| one.visibility == Visibility::Open);
    between(21, 29, "for members", &|one| {
        one.visibility == Visibility::Members
    });
    between(21, 29, "counted only", &|one| {
        one.visibility == Visibility::AggregateOnly
    });
    between(2, 4, "without a place", &|one| one.place.is_none());
    between(9, 15, "without funding terms", &|one| {
        one.funding_terms.is_empty()
    });
    between(6, 10, "without entry points", &|one| one.entry_points.is_empty());
    between(38, 50, "with a funder's way in", &|one| {
        one.entry_points
            .iter()
            .any(|row| row.perspective == Perspective::Funder)
    });
    between(10, 20, "without a row on ambitions", &|one| {
        one.challenges_faced
            .iter()
            .all(|row| row.challenge != Challenge::DefiningAmbitions)
    });
    between(15, 60, "going on", &|one| one.ongoing == Some(true));
    let terms: Vec<_> = records.iter().flat_map(|one| &one.funding_terms).collect();
    let unknown = terms.iter().filter(|term| term.duration_months.is_none()).count();
    assert!(
        (17..=23).contains(&(unknown * 100 / terms.len())),
        "terms without a length"
    );
    assert!(records.iter().all(|one| one.funding_terms.len() <= 3));

    let organisations = |all: Vec<&OrganisationReference>| {
        let (names, ids): (BTreeSet<_>, BTreeSet<_>) = all
            .iter()
            .map(|one| (one.name.clone(), one.identifier.clone()))
            .unzip();
        assert_eq!(names.len(), ids.len(), "one name each");
        ids.len()
    };
    assert_eq!(
        organisations(records.iter().map(|one| &one.lead_organisation).collect()),
        120
    );
    assert_eq!(organisations(terms.iter().map(|term| &term.funder).collect()), 8);
}

#[test]
fn records_are_consistent() {
    let places: HashSet<_> = list_local_authorities()
        .into_iter()
        .map(|place| place.code)
        .collect();
    assert_eq!(places.len(), 361);
    let (mut references, mut grants) = (HashSet::new(), HashSet::new());
    for record in &EVIDENCE.records {
        let lead = record.lead_organisation.identifier.as_ref().unwrap();
        assert!(references.insert((lead, record.external_ref.as_ref().unwrap())));
        let place = record.place.as_ref().and_then(|place| place.code.as_ref());
        assert!(place.is_none_or(|code| places.contains(code)));
        if let (Some(started), Some(ended)) = (record.started_on, record.ended_on) {
            assert!(started <= ended);
        }
        assert!(
            record.ended_on.is_none() || record.ongoing.is_none(),
            "an end says it all"
        );
        assert!(
            record
                .started_on
                .is_none_or(|day| day >= super::date(2016, 1, 1) && day <= super::date(2024, 12, 31))
        );
        let taken_on = record.entry_points.iter().filter_map(|row| row.taken_on);
        let noticed_on = record.challenges_faced.iter().filter_map(|row| row.noticed_on);
        for on in taken_on.chain(noticed_on) {
            assert!(record.started_on.is_none_or(|started| started <= on));
            assert!(record.ended_on.unwrap_or(super::date(2024, 12, 31)) >= on);
        }
        let challenges: HashSet<_> = record.challenges_faced.iter().map(|row| row.challenge).collect();
        assert_eq!(challenges.len(), record.challenges_faced.len());
        let entry_points: HashSet<_> = record
            .entry_points
            .iter()
            .map(|row| (row.perspective, row.entry_point))
            .collect();
        assert_eq!(entry_points.len(), record.entry_points.len());
        for term in &record.funding_terms {
            assert!(
                term.grant_identifier
                    .as_ref()
                    .is_none_or(|grant| grants.insert(grant))
            );
            assert_dates_agree(term);
        }
    }
}

fn assert_dates_agree(term: &FundingTerm) {
    let months = term.duration_months.map(|months| u32::try_from(months).unwrap());
    assert!(months.is_none_or(|months| (3..=60).contains(&months)));
    if let (Some(starts), Some(ends)) = (term.starts_on, term.ends_on) {
        assert_eq!(
            Some(starts + Months::new(months.unwrap()) - Days::new(1)),
            Some(ends)
        );
    }
    assert_eq!(term.currency.is_some(), term.amount_minor.is_some());
    assert!(term.amount_minor.is_none_or(|pence| pence > 0));
    assert!(term.upfront_research_months.is_none() || term.upfront_research == Some(true));
}

#[test]
fn true_claims_hold() {
    for slug in [
        "short-funding-skips-ambitions",
        "paid-research-understands-the-system",
        "collaboration-alone-skips-understanding",
        "root-causes-turn-into-collaboration",
        "fixed-targets-keep-reporting-as-it-was",
        "the-crisis-loosened-timelines",
        "community-root-causes-reach-practitioners",
    ] {
        let (whole, by_region) = count_claim(slug);
        assert!(
            whole.risk_ratio().lower > 1.0,
            "{slug}: {whole:?} {:?}",
            whole.risk_ratio()
        );
        let adjusted = adjusted_risk_ratio(by_region.values());
        assert!(adjusted.lower > 1.0, "{slug} within regions: {adjusted:?}");
    }
}

#[test]
fn false_claims_do_not_hold() {
    for slug in [
        "unrestricted-money-changes-governance",
        "frequent-reports-get-the-blame",
    ] {
        let (whole, _) = count_claim(slug);
        let ratio = whole.risk_ratio();
        assert!(
            ratio.lower < 1.0 && ratio.upper > 1.0,
            "{slug}: {whole:?} {ratio:?}"
        );
        assert!((ratio.value - 1.0).abs() < 0.15, "{slug}: {ratio:?}");
    }
}

#[test]
fn headline_claim_differs_in_the_north_east() {
    let (whole, by_region) = count_claim("short-funding-skips-ambitions");
    assert!((0.53..=0.62).contains(&whole.rate_when()), "{whole:?}");
    assert!((0.22..=0.30).contains(&whole.rate_otherwise()), "{whole:?}");
    assert_eq!(by_region.len(), REGIONS.len());
    for (region, table) in by_region {
        let more_with_short = table.rate_when() > table.rate_otherwise();
        assert_eq!(more_with_short, region != "E12000001", "{region}: {table:?}");
    }
}

#[test]
fn one_claim_reverses_within_places() {
    let (whole, by_region) = count_claim("paid-collaboration-skips-conditions");
    let (crude, adjusted) = (whole.risk_ratio(), adjusted_risk_ratio(by_region.values()));
    assert!(crude.lower > 1.1, "over all places: {crude:?}");
    assert!(adjusted.upper < 0.95, "within them: {adjusted:?}");
    for (region, table) in by_region {
        assert!(table.rate_when() < table.rate_otherwise(), "{region}: {table:?}");
    }
}

#[test]
fn open_records_alone_show_the_same_claims() {
    let open = |slug| count_claim_among(slug, |record| record.visibility == Visibility::Open);
    let (whole, by_region) = open("paid-collaboration-skips-conditions");
    let adjusted = adjusted_risk_ratio(by_region.values());
    assert!(
        whole.risk_ratio().lower > 1.0 && adjusted.upper < 1.0,
        "{whole:?} {adjusted:?}"
    );
    let (whole, by_region) = open("short-funding-skips-ambitions");
    assert!(whole.risk_ratio().lower > 1.5, "{whole:?}");
    let north_east = by_region["E12000001"];
    assert!(
        north_east.rate_when() < north_east.rate_otherwise(),
        "{north_east:?}"
    );
}

#[test]
fn funder_way_in_is_compared_with_intended_focus() {
    let (whole, _) = count_claim("root-causes-turn-into-collaboration");
    assert!(whole.rate_when() > 0.5, "mostly: {whole:?}");
}

#[test]
fn one_claim_is_mostly_unknown() {
    let (whole, _) = count_claim("community-root-causes-reach-practitioners");
    assert!(whole.unknown > 1_000, "{whole:?}");
}

#[test]
fn claims_meetings_and_terms_are_complete() {
    let slugs: BTreeSet<_> = EVIDENCE.claims.iter().map(|claim| &claim.slug).collect();
    assert_eq!(slugs.len(), 10);
    let reflection_count: usize = EVIDENCE
        .meetings
        .iter()
        .map(|meeting| meeting.reflections.len())
        .sum();
    assert_eq!(reflection_count, 15);
    for claim in &EVIDENCE.claims {
        let is_dimension = |by: &String| Dimension::ALL.iter().any(|dimension| dimension.code() == by);
        assert!(claim.by.as_ref().is_none_or(is_dimension));
        assert!(claim.reflection.is_none_or(|index| index < reflection_count));
    }
    let words: Vec<_> = EVIDENCE.terms.iter().map(|term| &term.slug).collect();
    assert!(words.len() == 22 && words.is_sorted() && words.windows(2).all(|pair| pair[0] != pair[1]));
    for meeting in &EVIDENCE.meetings {
        assert_eq!(meeting.held_on.format("%Y-%m").to_string(), "2022-11");
        let perspectives: BTreeSet<_> = meeting.reflections.iter().map(|one| one.perspective).collect();
        assert_eq!(perspectives.len(), Perspective::ALL.len(), "all are heard");
        assert!(meeting.reflections.iter().all(|one| !one.text.is_empty()));
    }
}

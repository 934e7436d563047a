//! Generates the initiatives: first the facts of each, then what its record leaves out.

use chrono::{Datelike, Days, Months, NaiveDate};
use wayin_records::missing::MissingReasons;
use wayin_records::record::{
    ChallengeFaced, ConditionChanged, EntryPointTaken, InitiativeRecord, PlaceReference, SharingConsent,
    Source,
};
use wayin_vocabulary::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Condition, EntryPoint, Perspective, SourceKind,
    Visibility,
};

use super::COST_OF_LIVING;
use super::funding::{Funding, omit_answers, omit_at_random};
use super::missing::add_missing_reasons;
use super::organisations::{LeadOrganisation, list_leads};
use super::places::{LocalAuthority, REGIONS, RegionProfile, list_local_authorities};
use super::rng::SampleRng;

/// The first day that an initiative can start on.
const EARLIEST_START: NaiveDate = super::date(2016, 1, 1);
/// The number of months after it in which initiatives start.
const START_RANGE_MONTHS: u32 = 102;
/// The day on which the records were collected. Initiatives that end later are ongoing.
const DATA_COLLECTED_ON: NaiveDate = super::date(2024, 12, 31);

const LICENCE: &str = "CC0-1.0";

/// One subject a line.
const SUBJECTS: &str = include_str!("../data/subjects.txt");

const PARTNERSHIP_FORMS: [&str; 10] = [
    "partnership",
    "alliance",
    "network",
    "learning collaborative",
    "neighbourhood plan",
    "test-and-learn programme",
    "community hub",
    "commissioning group",
    "peer group",
    "place board",
];

/// Generates `count` records in the order of their external references. The same seed gives the same records.
pub(super) fn generate_records(seed: u64, count: u32) -> Vec<InitiativeRecord> {
    let mut rng = SampleRng::from_seed(seed);
    let (places, leads) = (list_local_authorities(), list_leads());
    let subjects: Vec<&str> = SUBJECTS.lines().collect();
    (1..=count)
        .filter_map(|number| generate_record(&mut rng, number, &places, &leads, &subjects))
        .collect()
}

/// Returns none only if there is no lead organisation for the region.
fn generate_record(
    rng: &mut SampleRng,
    number: u32,
    places: &[LocalAuthority],
    leads: &[LeadOrganisation],
    subjects: &[&str],
) -> Option<InitiativeRecord> {
    let region = draw_region(rng);
    let in_region: Vec<_> = places
        .iter()
        .filter(|place| place.region == region.code)
        .collect();
    let place = rng.choose(&in_region).copied();
    let lead_region = rng.maybe(75, region.code);
    let candidates: Vec<_> = leads.iter().filter(|lead| lead.region == lead_region).collect();
    let lead = rng.choose(&candidates)?;

    let started_on = EARLIEST_START
        + Months::new(rng.number_below(START_RANGE_MONTHS))
        + Days::new(rng.number_below(28).into());
    let funder_way_in = draw_funder_way_in(rng);
    let funding = Funding::draw(rng, number, region, funder_way_in, started_on);
    let months = funding.total_months.max(rng.number_between(6, 30)) + rng.number_between(0, 4);
    let ended_on = started_on + Months::new(months) - Days::new(1);

    let practitioner = draw_entry_points(rng, Perspective::Practitioner, None);
    let facts = InitiativeFacts {
        region,
        is_collaboration_only: practitioner.first() == Some(&EntryPoint::Collaboration)
            && !practitioner.contains(&EntryPoint::Complexity)
            && !practitioner.contains(&EntryPoint::RootCauses),
        is_in_crisis: started_on <= COST_OF_LIVING.to_on.unwrap_or(NaiveDate::MAX)
            && ended_on >= COST_OF_LIVING.from_on,
        funding: &funding,
    };
    let span = DateSpan {
        from: started_on,
        days: u32::try_from((ended_on.min(DATA_COLLECTED_ON) - started_on).num_days()).unwrap_or(0),
    };
    let challenges_faced = draw_challenges(rng, &facts, span);
    let conditions_changed = draw_conditions(rng, &facts);
    let entry_points = draw_views(rng, &practitioner, funder_way_in, span);

    let place = rng.maybe(97, place).flatten();
    let subject = rng.choose(subjects)?;
    let form = rng.choose(&PARTNERSHIP_FORMS)?;
    let whereabouts = place
        .map(|place| format!(" in {}", spoken_name(&place.name)))
        .unwrap_or_default();
    let visibility = rng.choose_weighted(
        (Visibility::Open, 50),
        &[(Visibility::Members, 25), (Visibility::AggregateOnly, 25)],
    );
    let mut record = InitiativeRecord {
        external_ref: Some(format!("EX-{number:04}")),
        title: format!("Illustrative: {subject} {form}{whereabouts}"),
        summary: rng.maybe(
            85,
            format!("An invented {form} on {subject}{whereabouts}, made up to show how Wayin works."),
        ),
        place: place.map(|place| PlaceReference {
            code: Some(place.code.clone()),
            ..PlaceReference::default()
        }),
        lead_organisation: lead.reference.clone(),
        started_on: rng.maybe(95, started_on),
        ended_on: None,
        ongoing: None,
        visibility,
        shared_with_funders: visibility == Visibility::AggregateOnly && rng.chance(25),
        illustrative: true,
        entry_points,
        challenges_faced,
        conditions_changed,
        source: draw_source(rng, ended_on.min(DATA_COLLECTED_ON)),
        sharing: Some(SharingConsent {
            confirmed_by: lead.reference.name.clone(),
            confirmed_on: Some(DATA_COLLECTED_ON),
            basis: Some("Illustrative: made up, so that it is nobody's to withhold".into()),
            licence: Some(LICENCE.into()),
        }),
        funding_terms: funding.terms,
        missing: MissingReasons::default(),
    };
    if ended_on > DATA_COLLECTED_ON {
        record.ongoing = rng.maybe(88, true);
    } else {
        record.ended_on = rng.maybe(90, ended_on);
        // Without a recorded end date, some records still say that the work is over.
        record.ongoing = rng.maybe(40, false).filter(|_| record.ended_on.is_none());
    }
    for term in &mut record.funding_terms {
        omit_answers(rng, term);
    }
    add_missing_reasons(number, &mut record);
    Some(record)
}

/// The facts that decide how an initiative went.
struct InitiativeFacts<'a> {
    region: &'a RegionProfile,
    /// Its practitioners started from collaboration and took neither complexity nor root causes later.
    is_collaboration_only: bool,
    is_in_crisis: bool,
    funding: &'a Funding,
}

/// The days from the start of an initiative until its end, or until its record was collected.
#[derive(Clone, Copy)]
struct DateSpan {
    from: NaiveDate,
    /// The number of days after the first.
    days: u32,
}

fn draw_region(rng: &mut SampleRng) -> &'static RegionProfile {
    let [first, others @ ..] = &REGIONS;
    let others: Vec<_> = others.iter().map(|region| (region, region.weight)).collect();
    rng.choose_weighted((first, first.weight), &others)
}

/// The spoken form of a name: "Bristol" for "Bristol, City of".
fn spoken_name(name: &str) -> &str {
    name.trim_end_matches(", City of").trim_end_matches(", County of")
}

fn draw_funder_way_in(rng: &mut SampleRng) -> EntryPoint {
    rng.choose_weighted(
        (EntryPoint::RootCauses, 44),
        &[
            (EntryPoint::Complexity, 22),
            (EntryPoint::Collaboration, 20),
            (EntryPoint::SingleOrganisation, 14),
        ],
    )
}

/// Draws the way in, unless `first` is given, and for about half of the initiatives one or two later entry points.
fn draw_entry_points(
    rng: &mut SampleRng,
    perspective: Perspective,
    first: Option<EntryPoint>,
) -> Vec<EntryPoint> {
    let [collaboration, complexity, root_causes, single_organisation] = match perspective {
        Perspective::Practitioner | Perspective::Funder => [50, 18, 16, 16],
        Perspective::NationalCharity => [22, 20, 18, 40],
        Perspective::Community => [25, 10, 55, 10],
    };
    let mut left = vec![
        (EntryPoint::Collaboration, collaboration),
        (EntryPoint::Complexity, complexity),
        (EntryPoint::RootCauses, root_causes),
        (EntryPoint::SingleOrganisation, single_organisation),
    ];
    let mut taken: Vec<_> = first.into_iter().collect();
    let count = rng.choose_weighted((1, 50), &[(2, 34), (3, 16)]);
    loop {
        left.retain(|(entry_point, _)| !taken.contains(entry_point));
        let Some((next, others)) = left.split_first().filter(|_| taken.len() < count) else {
            return taken;
        };
        taken.push(rng.choose_weighted(*next, others));
    }
}

/// Draws the entry points that are recorded, by perspective.
fn draw_views(
    rng: &mut SampleRng,
    practitioner: &[EntryPoint],
    funder_way_in: EntryPoint,
    span: DateSpan,
) -> Vec<EntryPointTaken> {
    let nothing_recorded = rng.chance(8);
    let mut views = vec![(Perspective::Practitioner, practitioner.to_vec())];
    let mut add_view = |rng: &mut SampleRng, perspective, first| {
        views.push((perspective, draw_entry_points(rng, perspective, first)));
    };
    if rng.chance(48) {
        add_view(rng, Perspective::Funder, Some(funder_way_in));
    }
    if rng.chance(22) {
        add_view(rng, Perspective::NationalCharity, None);
    }
    if rng.chance(18) {
        // If practitioners take root causes, the community more often starts from them.
        let agrees = practitioner.contains(&EntryPoint::RootCauses) && rng.chance(70);
        add_view(
            rng,
            Perspective::Community,
            agrees.then_some(EntryPoint::RootCauses),
        );
    }
    if nothing_recorded {
        return Vec::new();
    }
    let mut taken = Vec::new();
    for (perspective, entry_points) in views {
        let mut taken_on = span.from;
        for entry_point in entry_points {
            taken.push(EntryPointTaken {
                entry_point,
                perspective,
                taken_on: rng.maybe(50, taken_on),
                motivation: rng.maybe(30, describe_motivation(entry_point).into()),
                missing: MissingReasons::default(),
            });
            // There are at most four entry points, so the last is still within the span.
            taken_on = taken_on + Days::new(rng.number_between(0, span.days / 4).into());
        }
    }
    taken
}

const fn describe_motivation(entry_point: EntryPoint) -> &'static str {
    match entry_point {
        EntryPoint::Collaboration => "Illustrative: each of us met the same families and none of us knew it.",
        EntryPoint::Complexity => "Illustrative: what worked in one street did not work in the next.",
        EntryPoint::RootCauses => "Illustrative: people kept coming back with the same trouble.",
        EntryPoint::SingleOrganisation => {
            "Illustrative: we could change our own rules sooner than anybody else's."
        }
    }
}

fn draw_challenges(rng: &mut SampleRng, facts: &InitiativeFacts, span: DateSpan) -> Vec<ChallengeFaced> {
    let mut faced = Vec::new();
    for challenge in Challenge::ALL.iter().copied() {
        let step = draw_step(rng, challenge, facts);
        let reasons = draw_reasons(rng, step, facts);
        let noticed_on = span.from + Days::new(rng.number_between(0, span.days).into());
        let mut row = ChallengeFaced {
            challenge,
            step: Some(step),
            reasons,
            note: rng.maybe(20, describe_step(step).into()),
            noticed_on: rng.maybe(40, noticed_on),
            perspective: Some(rng.choose_weighted(
                (Perspective::Practitioner, 72),
                &[
                    (Perspective::Funder, 12),
                    (Perspective::NationalCharity, 9),
                    (Perspective::Community, 7),
                ],
            )),
            missing: MissingReasons::default(),
        };
        omit_at_random(rng, 15, &mut row.perspective);
        if rng.chance(7) {
            // A note would reveal the step.
            row.step = None;
            row.note = None;
        }
        if rng.chance(30) {
            row.reasons.clear();
        }
        faced.extend(rng.maybe(85, row));
    }
    faced
}

fn draw_step(rng: &mut SampleRng, challenge: Challenge, facts: &InitiativeFacts) -> ChallengeStep {
    let (region, funding) = (facts.region, facts.funding);
    let skipped = match challenge {
        Challenge::UnderstandingLocalSystem => {
            let without_research = if facts.is_collaboration_only { 64 } else { 40 };
            without_research / if funding.has_upfront_research { 2 } else { 1 }
        }
        Challenge::DefiningAmbitions if funding.has_short_term => region.ambitions_skipped_if_short_percent,
        Challenge::DefiningAmbitions => region.ambitions_skipped_otherwise_percent,
        Challenge::FosteringConditions if funding.has_collaboration_resourced => {
            region.conditions_skipped_percent * 4 / 5
        }
        Challenge::FosteringConditions => region.conditions_skipped_percent,
    };
    if rng.chance(skipped) {
        ChallengeStep::Skipped
    } else if rng.chance(if funding.has_short_term { 40 } else { 28 }) {
        ChallengeStep::Rushed
    } else {
        ChallengeStep::Taken
    }
}

/// Draws reasons in the order of the vocabulary; none if the step was taken.
fn draw_reasons(rng: &mut SampleRng, step: ChallengeStep, facts: &InitiativeFacts) -> Vec<ChallengeReason> {
    if step == ChallengeStep::Taken {
        return Vec::new();
    }
    let funding = facts.funding;
    let mut reasons = ChallengeReason::ALL.to_vec();
    // This reason is not drawn. It replaces "another reason" below, so that the other draws stay the same.
    reasons.retain(|reason| *reason != ChallengeReason::CompetitionForResources);
    reasons.retain(|reason| {
        rng.chance(match reason {
            ChallengeReason::ShortFunding if funding.has_short_term => 60,
            ChallengeReason::NoUpfrontResource if !funding.has_upfront_research => 40,
            ChallengeReason::CollaborationExpected if funding.has_collaboration_focus => 40,
            ChallengeReason::CrisisResponse if facts.is_in_crisis => 35,
            ChallengeReason::ReportingRequirements => 25,
            ChallengeReason::StaffCapacity => 30,
            ChallengeReason::SiloedIncentives => 22,
            _ => 6,
        })
    });
    if reasons.is_empty() {
        reasons.push(if facts.is_in_crisis {
            ChallengeReason::CompetitionForResources
        } else {
            ChallengeReason::Other
        });
    }
    reasons
}

const fn describe_step(step: ChallengeStep) -> &'static str {
    match step {
        ChallengeStep::Taken => "Illustrative: we made time for it, and came back to it twice.",
        ChallengeStep::Rushed => "Illustrative: one afternoon for what needed three months.",
        ChallengeStep::Skipped => "Illustrative: we meant to, and the work began without it.",
    }
}

fn draw_conditions(rng: &mut SampleRng, facts: &InitiativeFacts) -> Vec<ConditionChanged> {
    let mut changes = Vec::new();
    for condition in Condition::ALL.iter().copied() {
        let unchanged = match condition {
            Condition::DeliveryTimeline if facts.is_in_crisis => 40,
            Condition::DeliveryTimeline => 64,
            Condition::ReportingRequirements if facts.funding.has_fixed_targets => 66,
            Condition::ReportingRequirements => 38,
            Condition::Governance => 50,
            Condition::Incentives => 62,
            Condition::RelationalSpace => 36,
        };
        let change = if rng.chance(unchanged) {
            ChangeExtent::Unchanged
        } else if rng.chance(45) {
            ChangeExtent::Altered
        } else {
            ChangeExtent::Partly
        };
        let row = ConditionChanged {
            condition,
            change: rng.maybe(94, change),
            missing: MissingReasons::default(),
        };
        changes.extend(rng.maybe(75, row));
    }
    changes
}

fn draw_source(rng: &mut SampleRng, newest: NaiveDate) -> Source {
    let kind = rng.choose_weighted(
        (SourceKind::SelfReport, 30),
        &[
            (SourceKind::MonitoringReturn, 24),
            (SourceKind::Evaluation, 18),
            (SourceKind::Interview, 16),
            (SourceKind::Meeting, 6),
            (SourceKind::GrantData, 6),
        ],
    );
    let what = match kind {
        SourceKind::Meeting => "notes of a meeting",
        SourceKind::Interview => "interview",
        SourceKind::Evaluation => "evaluation",
        SourceKind::MonitoringReturn => "monitoring return",
        SourceKind::SelfReport => "self-report",
        SourceKind::GrantData => "grant data",
    };
    Source {
        kind,
        title: format!(
            "Illustrative {what} of {}, made up to show how Wayin works",
            newest.year()
        ),
        url: None,
        dated_on: rng.maybe(60, newest),
        licence: Some(LICENCE.into()),
    }
}

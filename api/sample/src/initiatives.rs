//! The example initiatives: what is true of each is drawn first, then what its
//! record leaves out.

use chrono::{Datelike, Days, Months, NaiveDate};
use wayin_vocabulary::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Condition, EntryPoint, Perspective, SourceKind,
    Visibility,
};

use super::funding::{Funding, omit_answers, omit_at_random};
use super::meeting::COST_OF_LIVING;
use super::missing::add_missing_reasons;
use super::organisations::{LeadOrganisation, list_leads};
use super::places::{LocalAuthority, REGIONS, RegionProfile, list_local_authorities};
use super::rng::SampleRng;
use wayin_records::missing::MissingReasons;
use wayin_records::record::{
    ChallengeFaced, ConditionChanged, EntryPointTaken, InitiativeRecord, PlaceReference, SharingConsent,
    Source,
};

/// The first day that an initiative may have started on.
const EARLIEST_START: NaiveDate = super::date(2016, 1, 1);
/// The months after it in which they start.
const START_RANGE_MONTHS: u32 = 102;
/// The day on which the records were gathered: what had not ended by then goes on.
const DATA_COLLECTED_ON: NaiveDate = super::date(2024, 12, 31);

const LICENCE: &str = "CC0-1.0";

const SUBJECTS: [&str; 24] = [
    "food and advice",
    "early years",
    "youth work",
    "housing and health",
    "debt and money advice",
    "family support",
    "mental health",
    "skills and work",
    "loneliness",
    "community safety",
    "refugee welcome",
    "care leavers",
    "warm homes",
    "public green space",
    "school readiness",
    "homelessness",
    "carers' support",
    "addiction recovery",
    "domestic abuse",
    "disabled people's voice",
    "older people",
    "community transport",
    "oral health",
    "neighbourhood enterprise",
];

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

/// The records of `count` initiatives, in the order of their external references.
/// A seed gives the same ones each time.
pub(super) fn generate_records(seed: u64, count: u32) -> Vec<InitiativeRecord> {
    let mut dice = SampleRng::from_seed(seed);
    let (places, leads) = (list_local_authorities(), list_leads());
    (1..=count)
        .filter_map(|number| generate_record(&mut dice, number, &places, &leads))
        .collect()
}

/// None only where there is no lead organisation for the region.
fn generate_record(
    dice: &mut SampleRng,
    number: u32,
    places: &[LocalAuthority],
    leads: &[LeadOrganisation],
) -> Option<InitiativeRecord> {
    let region = draw_region(dice);
    let in_region: Vec<_> = places
        .iter()
        .filter(|place| place.region == region.code)
        .collect();
    let place = dice.choose(&in_region).copied();
    let home = dice.maybe(75, region.code);
    let at_hand: Vec<_> = leads.iter().filter(|lead| lead.region == home).collect();
    let lead = dice.choose(&at_hand)?;

    let started_on = EARLIEST_START
        + Months::new(dice.number_below(START_RANGE_MONTHS))
        + Days::new(dice.number_below(28).into());
    let funder_way_in = draw_funder_way_in(dice);
    let money = Funding::draw(dice, number, region, funder_way_in, started_on);
    let months = money.total_months.max(dice.number_between(6, 30)) + dice.number_between(0, 4);
    let ended_on = started_on + Months::new(months) - Days::new(1);

    let practitioner = draw_entry_points(dice, Perspective::Practitioner, None);
    let facts = InitiativeFacts {
        region,
        is_collaboration_only: practitioner.first() == Some(&EntryPoint::Collaboration)
            && !practitioner.contains(&EntryPoint::Complexity)
            && !practitioner.contains(&EntryPoint::RootCauses),
        is_in_crisis: started_on <= COST_OF_LIVING.to_on.unwrap_or(NaiveDate::MAX)
            && ended_on >= COST_OF_LIVING.from_on,
        funding: &money,
    };
    let seen = DateSpan {
        from: started_on,
        days: u32::try_from((ended_on.min(DATA_COLLECTED_ON) - started_on).num_days()).unwrap_or(0),
    };
    let challenges_faced = draw_challenges(dice, &facts, seen);
    let conditions_changed = draw_conditions(dice, &facts);
    let entry_points = draw_views(dice, &practitioner, funder_way_in, seen);

    let place = dice.maybe(97, place).flatten();
    let subject = dice.choose(&SUBJECTS)?;
    let form = dice.choose(&PARTNERSHIP_FORMS)?;
    let whereabouts = place
        .map(|place| format!(" in {}", spoken_name(&place.name)))
        .unwrap_or_default();
    let visibility = dice.choose_weighted(
        (Visibility::Open, 50),
        &[(Visibility::Members, 25), (Visibility::AggregateOnly, 25)],
    );
    let mut record = InitiativeRecord {
        external_ref: Some(format!("EX-{number:04}")),
        title: format!("Illustrative: {subject} {form}{whereabouts}"),
        summary: dice.maybe(
            85,
            format!("An invented {form} on {subject}{whereabouts}, made up to show how Wayin works."),
        ),
        place: place.map(|place| PlaceReference {
            code: Some(place.code.clone()),
            ..PlaceReference::default()
        }),
        lead_organisation: lead.reference.clone(),
        started_on: dice.maybe(95, started_on),
        ended_on: None,
        ongoing: None,
        visibility,
        shared_with_funders: visibility == Visibility::AggregateOnly && dice.chance(25),
        illustrative: true,
        entry_points,
        challenges_faced,
        conditions_changed,
        source: draw_source(dice, ended_on.min(DATA_COLLECTED_ON)),
        sharing: Some(SharingConsent {
            confirmed_by: lead.reference.name.clone(),
            confirmed_on: Some(DATA_COLLECTED_ON),
            basis: Some("Illustrative: made up, so that it is nobody's to withhold".into()),
            licence: Some(LICENCE.into()),
        }),
        funding_terms: money.terms,
        missing: MissingReasons::default(),
    };
    if ended_on > DATA_COLLECTED_ON {
        record.ongoing = dice.maybe(88, true);
    } else {
        record.ended_on = dice.maybe(90, ended_on);
        // A recorded end says it all; without one, some still know that the work is over.
        record.ongoing = dice.maybe(40, false).filter(|_| record.ended_on.is_none());
    }
    for term in &mut record.funding_terms {
        omit_answers(dice, term);
    }
    add_missing_reasons(number, &mut record);
    Some(record)
}

/// What is true of an initiative that bears on how it went.
struct InitiativeFacts<'a> {
    region: &'a RegionProfile,
    /// Its practitioners started from collaboration, and asked neither what produces the problem nor how it hangs together.
    is_collaboration_only: bool,
    is_in_crisis: bool,
    funding: &'a Funding,
}

/// The days of an initiative up to its end, or to when its record was gathered.
#[derive(Clone, Copy)]
struct DateSpan {
    from: NaiveDate,
    /// How many days follow the first.
    days: u32,
}

fn draw_region(dice: &mut SampleRng) -> &'static RegionProfile {
    let [first, others @ ..] = &REGIONS;
    let others: Vec<_> = others.iter().map(|region| (region, region.weight)).collect();
    dice.choose_weighted((first, first.weight), &others)
}

/// The name as one says it: "Bristol" for "Bristol, City of".
fn spoken_name(name: &str) -> &str {
    name.trim_end_matches(", City of").trim_end_matches(", County of")
}

fn draw_funder_way_in(dice: &mut SampleRng) -> EntryPoint {
    dice.choose_weighted(
        (EntryPoint::RootCauses, 44),
        &[
            (EntryPoint::Complexity, 22),
            (EntryPoint::Collaboration, 20),
            (EntryPoint::SingleOrganisation, 14),
        ],
    )
}

/// The way in, `first` where given, and for about half one or two later entry points.
fn draw_entry_points(
    dice: &mut SampleRng,
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
    let count = dice.choose_weighted((1, 50), &[(2, 34), (3, 16)]);
    loop {
        left.retain(|(entry_point, _)| !taken.contains(entry_point));
        let Some((next, others)) = left.split_first().filter(|_| taken.len() < count) else {
            return taken;
        };
        taken.push(dice.choose_weighted(*next, others));
    }
}

/// The entry points by perspective, as far as anybody recorded them.
fn draw_views(
    dice: &mut SampleRng,
    practitioner: &[EntryPoint],
    funder_way_in: EntryPoint,
    seen: DateSpan,
) -> Vec<EntryPointTaken> {
    let nothing_recorded = dice.chance(8);
    let mut views = vec![(Perspective::Practitioner, practitioner.to_vec())];
    if dice.chance(48) {
        views.push((
            Perspective::Funder,
            draw_entry_points(dice, Perspective::Funder, Some(funder_way_in)),
        ));
    }
    if dice.chance(22) {
        views.push((
            Perspective::NationalCharity,
            draw_entry_points(dice, Perspective::NationalCharity, None),
        ));
    }
    if dice.chance(18) {
        // Where the people of the place start from the root causes, practitioners more often come to them too.
        let first = (practitioner.contains(&EntryPoint::RootCauses) && dice.chance(70))
            .then_some(EntryPoint::RootCauses);
        views.push((
            Perspective::Community,
            draw_entry_points(dice, Perspective::Community, first),
        ));
    }
    if nothing_recorded {
        return Vec::new();
    }
    let mut taken = Vec::new();
    for (perspective, entry_points) in views {
        let mut on = seen.from;
        for entry_point in entry_points {
            taken.push(EntryPointTaken {
                entry_point,
                perspective,
                taken_on: dice.maybe(50, on),
                motivation: dice.maybe(30, describe_motivation(entry_point).into()),
                missing: MissingReasons::default(),
            });
            // There are four entry points at most, so that the last still falls within.
            on = on + Days::new(dice.number_between(0, seen.days / 4).into());
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

fn draw_challenges(dice: &mut SampleRng, facts: &InitiativeFacts, seen: DateSpan) -> Vec<ChallengeFaced> {
    let mut faced = Vec::new();
    for challenge in Challenge::ALL.iter().copied() {
        let step = draw_step(dice, challenge, facts);
        let reasons = draw_reasons(dice, step, facts);
        let noticed_on = seen.from + Days::new(dice.number_between(0, seen.days).into());
        let mut row = ChallengeFaced {
            challenge,
            step: Some(step),
            reasons,
            note: dice.maybe(20, describe_step(step).into()),
            noticed_on: dice.maybe(40, noticed_on),
            perspective: Some(dice.choose_weighted(
                (Perspective::Practitioner, 72),
                &[
                    (Perspective::Funder, 12),
                    (Perspective::NationalCharity, 9),
                    (Perspective::Community, 7),
                ],
            )),
            missing: MissingReasons::default(),
        };
        omit_at_random(dice, 15, &mut row.perspective);
        if dice.chance(7) {
            // A note would tell what became of the step.
            row.step = None;
            row.note = None;
        }
        if dice.chance(30) {
            row.reasons.clear();
        }
        faced.extend(dice.maybe(85, row));
    }
    faced
}

fn draw_step(dice: &mut SampleRng, challenge: Challenge, facts: &InitiativeFacts) -> ChallengeStep {
    let (region, money) = (facts.region, facts.funding);
    let skipped = match challenge {
        Challenge::UnderstandingLocalSystem => {
            let without_research = if facts.is_collaboration_only { 64 } else { 40 };
            if money.has_upfront_research {
                without_research / 2
            } else {
                without_research
            }
        }
        Challenge::DefiningAmbitions if money.has_short_term => region.ambitions_skipped_if_short_percent,
        Challenge::DefiningAmbitions => region.ambitions_skipped_otherwise_percent,
        Challenge::FosteringConditions if money.has_collaboration_resourced => {
            region.conditions_skipped_percent * 4 / 5
        }
        Challenge::FosteringConditions => region.conditions_skipped_percent,
    };
    if dice.chance(skipped) {
        ChallengeStep::Skipped
    } else if dice.chance(if money.has_short_term { 40 } else { 28 }) {
        ChallengeStep::Rushed
    } else {
        ChallengeStep::Taken
    }
}

/// In the vocabulary's order; none for a step that was taken.
fn draw_reasons(dice: &mut SampleRng, step: ChallengeStep, facts: &InitiativeFacts) -> Vec<ChallengeReason> {
    if step == ChallengeStep::Taken {
        return Vec::new();
    }
    let money = facts.funding;
    let mut reasons = ChallengeReason::ALL.to_vec();
    // This one is not drawn but takes the place of "another reason" below, so that everything else is drawn as before.
    reasons.retain(|reason| *reason != ChallengeReason::CompetitionForResources);
    reasons.retain(|reason| {
        dice.chance(match reason {
            ChallengeReason::ShortFunding if money.has_short_term => 60,
            ChallengeReason::NoUpfrontResource if !money.has_upfront_research => 40,
            ChallengeReason::CollaborationExpected if money.has_collaboration_focus => 40,
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

fn draw_conditions(dice: &mut SampleRng, facts: &InitiativeFacts) -> Vec<ConditionChanged> {
    let mut changed = Vec::new();
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
        let change = if dice.chance(unchanged) {
            ChangeExtent::Unchanged
        } else if dice.chance(45) {
            ChangeExtent::Altered
        } else {
            ChangeExtent::Partly
        };
        let row = ConditionChanged {
            condition,
            change: dice.maybe(94, change),
            missing: MissingReasons::default(),
        };
        changed.extend(dice.maybe(75, row));
    }
    changed
}

fn draw_source(dice: &mut SampleRng, newest: NaiveDate) -> Source {
    let kind = dice.choose_weighted(
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
        dated_on: dice.maybe(60, newest),
        licence: Some(LICENCE.into()),
    }
}

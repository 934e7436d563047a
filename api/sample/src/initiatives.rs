//! The example initiatives: what is true of each is drawn first, then what its
//! record leaves out.

use chrono::{Datelike, Days, Months, NaiveDate};
use wayin_vocabulary::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Condition, EntryPoint, Perspective, SourceKind,
    Visibility,
};

use super::meeting::COST_OF_LIVING;
use super::missing::say_why;
use super::money::{Money, forget, leave_out};
use super::organisations::{Lead, leads};
use super::places::{LocalAuthority, REGIONS, Region, local_authorities};
use super::rng::Dice;
use wayin_records::missing::Missing;
use wayin_records::record::{
    ChallengeFaced, ConditionChanged, EntryPointTaken, InitiativeRecord, PlaceReference, SharingConsent,
    Source,
};

/// The first day that an initiative may have started on.
const EARLIEST: NaiveDate = super::day(2016, 1, 1);
/// The months after it in which they start.
const MONTHS_OF_STARTS: u32 = 102;
/// The day on which the records were gathered: what had not ended by then goes on.
const GATHERED_ON: NaiveDate = super::day(2024, 12, 31);

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

const FORMS: [&str; 10] = [
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
pub(super) fn records(seed: u64, count: u32) -> Vec<InitiativeRecord> {
    let mut dice = Dice::from_seed(seed);
    let (places, leads) = (local_authorities(), leads());
    (1..=count)
        .filter_map(|number| record(&mut dice, number, &places, &leads))
        .collect()
}

/// None only where there is no lead organisation for the region.
fn record(
    dice: &mut Dice,
    number: u32,
    places: &[LocalAuthority],
    leads: &[Lead],
) -> Option<InitiativeRecord> {
    let region = draw_region(dice);
    let in_region: Vec<_> = places
        .iter()
        .filter(|place| place.region == region.code)
        .collect();
    let place = dice.one_of(&in_region).copied();
    let home = dice.keep(75, region.code);
    let at_hand: Vec<_> = leads.iter().filter(|lead| lead.region == home).collect();
    let lead = dice.one_of(&at_hand)?;

    let started_on = EARLIEST + Months::new(dice.below(MONTHS_OF_STARTS)) + Days::new(dice.below(28).into());
    let funder_way_in = draw_funder_way_in(dice);
    let money = Money::draw(dice, number, region, funder_way_in, started_on);
    let months = money.months.max(dice.between(6, 30)) + dice.between(0, 4);
    let ended_on = started_on + Months::new(months) - Days::new(1);

    let practitioner = draw_entry_points(dice, Perspective::Practitioner, None);
    let facts = Facts {
        region,
        collaboration_alone: practitioner.first() == Some(&EntryPoint::Collaboration)
            && !practitioner.contains(&EntryPoint::Complexity)
            && !practitioner.contains(&EntryPoint::RootCauses),
        in_crisis: started_on <= COST_OF_LIVING.to_on.unwrap_or(NaiveDate::MAX)
            && ended_on >= COST_OF_LIVING.from_on,
        money: &money,
    };
    let seen = Span {
        from: started_on,
        days: u32::try_from((ended_on.min(GATHERED_ON) - started_on).num_days()).unwrap_or(0),
    };
    let challenges_faced = draw_challenges(dice, &facts, seen);
    let conditions_changed = draw_conditions(dice, &facts);
    let entry_points = draw_views(dice, &practitioner, funder_way_in, seen);

    let place = dice.keep(97, place).flatten();
    let subject = dice.one_of(&SUBJECTS)?;
    let form = dice.one_of(&FORMS)?;
    let whereabouts = place
        .map(|place| format!(" in {}", spoken(&place.name)))
        .unwrap_or_default();
    let visibility = dice.weighted(
        (Visibility::Open, 50),
        &[(Visibility::Members, 25), (Visibility::AggregateOnly, 25)],
    );
    let mut record = InitiativeRecord {
        external_ref: Some(format!("EX-{number:04}")),
        title: format!("Illustrative: {subject} {form}{whereabouts}"),
        summary: dice.keep(
            85,
            format!("An invented {form} on {subject}{whereabouts}, made up to show how Wayin works."),
        ),
        place: place.map(|place| PlaceReference {
            code: Some(place.code.clone()),
            ..PlaceReference::default()
        }),
        lead_organisation: lead.reference.clone(),
        started_on: dice.keep(95, started_on),
        ended_on: None,
        ongoing: None,
        visibility,
        shared_with_funders: visibility == Visibility::AggregateOnly && dice.chance(25),
        illustrative: true,
        entry_points,
        challenges_faced,
        conditions_changed,
        source: draw_source(dice, ended_on.min(GATHERED_ON)),
        sharing: Some(SharingConsent {
            confirmed_by: lead.reference.name.clone(),
            confirmed_on: Some(GATHERED_ON),
            basis: Some("Illustrative: made up, so that it is nobody's to withhold".into()),
            licence: Some(LICENCE.into()),
        }),
        funding_terms: money.terms,
        missing: Missing::default(),
    };
    if ended_on > GATHERED_ON {
        record.ongoing = dice.keep(88, true);
    } else {
        record.ended_on = dice.keep(90, ended_on);
        // A recorded end says it all; without one, some still know that the work is over.
        record.ongoing = dice.keep(40, false).filter(|_| record.ended_on.is_none());
    }
    for term in &mut record.funding_terms {
        leave_out(dice, term);
    }
    say_why(number, &mut record);
    Some(record)
}

/// What is true of an initiative that bears on how it went.
struct Facts<'a> {
    region: &'a Region,
    /// Its practitioners started from collaboration, and asked neither what produces the problem nor how it hangs together.
    collaboration_alone: bool,
    in_crisis: bool,
    money: &'a Money,
}

/// The days of an initiative up to its end, or to when its record was gathered.
#[derive(Clone, Copy)]
struct Span {
    from: NaiveDate,
    /// How many days follow the first.
    days: u32,
}

fn draw_region(dice: &mut Dice) -> &'static Region {
    let [first, others @ ..] = &REGIONS;
    let others: Vec<_> = others.iter().map(|region| (region, region.weight)).collect();
    dice.weighted((first, first.weight), &others)
}

/// The name as one says it: "Bristol" for "Bristol, City of".
fn spoken(name: &str) -> &str {
    name.trim_end_matches(", City of").trim_end_matches(", County of")
}

fn draw_funder_way_in(dice: &mut Dice) -> EntryPoint {
    dice.weighted(
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
    dice: &mut Dice,
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
    let count = dice.weighted((1, 50), &[(2, 34), (3, 16)]);
    loop {
        left.retain(|(entry_point, _)| !taken.contains(entry_point));
        let Some((next, others)) = left.split_first().filter(|_| taken.len() < count) else {
            return taken;
        };
        taken.push(dice.weighted(*next, others));
    }
}

/// The entry points by perspective, as far as anybody recorded them.
fn draw_views(
    dice: &mut Dice,
    practitioner: &[EntryPoint],
    funder_way_in: EntryPoint,
    seen: Span,
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
                taken_on: dice.keep(50, on),
                motivation: dice.keep(30, motivation(entry_point).into()),
                missing: Missing::default(),
            });
            // There are four entry points at most, so that the last still falls within.
            on = on + Days::new(dice.between(0, seen.days / 4).into());
        }
    }
    taken
}

const fn motivation(entry_point: EntryPoint) -> &'static str {
    match entry_point {
        EntryPoint::Collaboration => "Illustrative: each of us met the same families and none of us knew it.",
        EntryPoint::Complexity => "Illustrative: what worked in one street did not work in the next.",
        EntryPoint::RootCauses => "Illustrative: people kept coming back with the same trouble.",
        EntryPoint::SingleOrganisation => {
            "Illustrative: we could change our own rules sooner than anybody else's."
        }
    }
}

fn draw_challenges(dice: &mut Dice, facts: &Facts, seen: Span) -> Vec<ChallengeFaced> {
    let mut faced = Vec::new();
    for challenge in Challenge::ALL.iter().copied() {
        let step = draw_step(dice, challenge, facts);
        let reasons = draw_reasons(dice, step, facts);
        let noticed_on = seen.from + Days::new(dice.between(0, seen.days).into());
        let mut row = ChallengeFaced {
            challenge,
            step: Some(step),
            reasons,
            note: dice.keep(20, note(step).into()),
            noticed_on: dice.keep(40, noticed_on),
            perspective: Some(dice.weighted(
                (Perspective::Practitioner, 72),
                &[
                    (Perspective::Funder, 12),
                    (Perspective::NationalCharity, 9),
                    (Perspective::Community, 7),
                ],
            )),
            missing: Missing::default(),
        };
        forget(dice, 15, &mut row.perspective);
        if dice.chance(7) {
            // A note would tell what became of the step.
            row.step = None;
            row.note = None;
        }
        if dice.chance(30) {
            row.reasons.clear();
        }
        faced.extend(dice.keep(85, row));
    }
    faced
}

fn draw_step(dice: &mut Dice, challenge: Challenge, facts: &Facts) -> ChallengeStep {
    let (region, money) = (facts.region, facts.money);
    let skipped = match challenge {
        Challenge::UnderstandingLocalSystem => {
            let without_research = if facts.collaboration_alone { 64 } else { 40 };
            if money.researched {
                without_research / 2
            } else {
                without_research
            }
        }
        Challenge::DefiningAmbitions if money.short => region.ambitions_skipped_if_short,
        Challenge::DefiningAmbitions => region.ambitions_skipped_otherwise,
        Challenge::FosteringConditions if money.collaboration_resourced => region.conditions_skipped * 4 / 5,
        Challenge::FosteringConditions => region.conditions_skipped,
    };
    if dice.chance(skipped) {
        ChallengeStep::Skipped
    } else if dice.chance(if money.short { 40 } else { 28 }) {
        ChallengeStep::Rushed
    } else {
        ChallengeStep::Taken
    }
}

/// In the vocabulary's order; none for a step that was taken.
fn draw_reasons(dice: &mut Dice, step: ChallengeStep, facts: &Facts) -> Vec<ChallengeReason> {
    if step == ChallengeStep::Taken {
        return Vec::new();
    }
    let money = facts.money;
    let mut reasons = ChallengeReason::ALL.to_vec();
    // This one is not drawn but takes the place of "another reason" below, so that everything else is drawn as before.
    reasons.retain(|reason| *reason != ChallengeReason::CompetitionForResources);
    reasons.retain(|reason| {
        dice.chance(match reason {
            ChallengeReason::ShortFunding if money.short => 60,
            ChallengeReason::NoUpfrontResource if !money.researched => 40,
            ChallengeReason::CollaborationExpected if money.meant_for_collaboration => 40,
            ChallengeReason::CrisisResponse if facts.in_crisis => 35,
            ChallengeReason::ReportingRequirements => 25,
            ChallengeReason::StaffCapacity => 30,
            ChallengeReason::SiloedIncentives => 22,
            _ => 6,
        })
    });
    if reasons.is_empty() {
        reasons.push(if facts.in_crisis {
            ChallengeReason::CompetitionForResources
        } else {
            ChallengeReason::Other
        });
    }
    reasons
}

const fn note(step: ChallengeStep) -> &'static str {
    match step {
        ChallengeStep::Taken => "Illustrative: we made time for it, and came back to it twice.",
        ChallengeStep::Rushed => "Illustrative: one afternoon for what needed three months.",
        ChallengeStep::Skipped => "Illustrative: we meant to, and the work began without it.",
    }
}

fn draw_conditions(dice: &mut Dice, facts: &Facts) -> Vec<ConditionChanged> {
    let mut changed = Vec::new();
    for condition in Condition::ALL.iter().copied() {
        let unchanged = match condition {
            Condition::DeliveryTimeline if facts.in_crisis => 40,
            Condition::DeliveryTimeline => 64,
            Condition::ReportingRequirements if facts.money.fixed_targets => 66,
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
            change: dice.keep(94, change),
            missing: Missing::default(),
        };
        changed.extend(dice.keep(75, row));
    }
    changed
}

fn draw_source(dice: &mut Dice, newest: NaiveDate) -> Source {
    let kind = dice.weighted(
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
        dated_on: dice.keep(60, newest),
        licence: Some(LICENCE.into()),
    }
}

//! The terms that an example initiative's money came with.

use chrono::{Days, Months, NaiveDate};
use wayin_vocabulary::{DeliveryTimeline, EntryPoint, ReportingBasis, ReportingFrequency, Restriction};

use super::organisations::{FUNDERS, draw_funders};
use super::places::Region;
use super::rng::Dice;
use wayin_records::record::FundingTerm;

/// An initiative's funding, before anything is left out of its record.
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that do not depend on each other"
)]
pub(super) struct Money {
    /// Whole terms.
    pub(super) terms: Vec<FundingTerm>,
    /// Months from the initiative's start to the last term's end; 0 without terms.
    pub(super) months: u32,
    /// Whether some of it lasts 18 months or less.
    pub(super) short: bool,
    /// Whether some of it pays for research before the work.
    pub(super) researched: bool,
    /// Whether some of it pays for the time that collaboration takes.
    pub(super) collaboration_resourced: bool,
    /// Whether some of it is reported on by targets set at the start.
    pub(super) fixed_targets: bool,
    /// Whether some of it was meant to fund collaboration.
    pub(super) meant_for_collaboration: bool,
}

const SHORT_MONTHS: [u32; 10] = [3, 6, 6, 9, 12, 12, 12, 15, 18, 18];
const LONG_MONTHS: [u32; 10] = [20, 24, 24, 30, 36, 36, 36, 36, 48, 60];

const PROGRAMMES: [&str; 5] = [
    "Illustrative: places together",
    "Illustrative: stronger local systems",
    "Illustrative: room to learn",
    "Illustrative: neighbourhood futures",
    "Illustrative: core costs",
];

impl Money {
    /// Draws the money of an initiative in `region` that starts on `starts_on`.
    /// `number` is the initiative's, from 1; `way_in` the one its funders took.
    pub(super) fn draw(
        dice: &mut Dice,
        number: u32,
        region: &Region,
        way_in: EntryPoint,
        starts_on: NaiveDate,
    ) -> Self {
        let count = dice.weighted((0, 12), &[(1, 54), (2, 24), (3, 10)]);
        let funders = draw_funders(dice, count);
        let researched = dice.chance(34);
        let resourced = dice.chance(region.collaboration_resourced);
        let focus = draw_focus(dice, way_in);
        let mut money = Self {
            terms: Vec::new(),
            months: 0,
            short: false,
            researched: researched && !funders.is_empty(),
            collaboration_resourced: resourced && !funders.is_empty(),
            fixed_targets: false,
            meant_for_collaboration: false,
        };
        for (position, funder) in (0u32..).zip(funders) {
            let first = position == 0;
            let character = &FUNDERS[funder];
            let short = dice.chance(character.short);
            let months = if short {
                dice.one_of(&SHORT_MONTHS)
            } else {
                dice.one_of(&LONG_MONTHS)
            };
            let months = months.copied().unwrap_or(12);
            let offset = if first { 0 } else { dice.between(0, 6) };
            let term_starts_on = starts_on + Months::new(offset);
            // What one of the funders pays for, the others need not.
            let pays_for_research = researched && (first || dice.chance(50));
            let basis = if dice.chance(character.fixed_targets) {
                ReportingBasis::FixedTargets
            } else {
                ReportingBasis::Adaptable
            };
            let focus = if first || dice.chance(75) {
                focus
            } else {
                draw_focus(dice, way_in)
            };
            money.months = money.months.max(offset + months);
            money.short |= short;
            money.fixed_targets |= basis == ReportingBasis::FixedTargets;
            money.meant_for_collaboration |= focus == EntryPoint::Collaboration;
            money.terms.push(FundingTerm {
                funder: character.reference(funder),
                grant_identifier: dice.keep(35, format!("XI-WAYIN-G{number:04}-{}", position + 1)),
                programme: dice.one_of(&PROGRAMMES).map(ToString::to_string),
                currency: Some("GBP".into()),
                amount_minor: Some(draw_pence(dice, months)),
                awarded_on: Some(term_starts_on - Days::new(dice.between(20, 120).into())),
                starts_on: Some(term_starts_on),
                ends_on: Some(term_starts_on + Months::new(months) - Days::new(1)),
                duration_months: i32::try_from(months).ok(),
                intended_focus: Some(focus),
                upfront_research: Some(pays_for_research),
                upfront_research_months: pays_for_research
                    .then(|| i32::try_from(dice.between(1, (months / 3).clamp(1, 6))).ok())
                    .flatten(),
                collaboration_resourced: Some(resourced && (first || dice.chance(60))),
                restriction: Some(if dice.chance(character.unrestricted) {
                    Restriction::Unrestricted
                } else {
                    Restriction::Restricted
                }),
                reporting_frequency: Some(draw_frequency(dice, short)),
                reporting_basis: Some(basis),
                delivery_timeline: Some(draw_timeline(dice, basis)),
                renewable: Some(dice.chance(40)),
                ..FundingTerm::default()
            });
        }
        money
    }
}

/// Funders that came in by the root causes mostly go on to fund collaboration.
fn draw_focus(dice: &mut Dice, way_in: EntryPoint) -> EntryPoint {
    let [collaboration, complexity, root_causes, single_organisation] = match way_in {
        EntryPoint::RootCauses => [64, 8, 20, 8],
        EntryPoint::Collaboration => [46, 18, 14, 22],
        EntryPoint::Complexity => [30, 40, 18, 12],
        EntryPoint::SingleOrganisation => [24, 12, 16, 48],
    };
    dice.weighted(
        (EntryPoint::Collaboration, collaboration),
        &[
            (EntryPoint::Complexity, complexity),
            (EntryPoint::RootCauses, root_causes),
            (EntryPoint::SingleOrganisation, single_organisation),
        ],
    )
}

/// Whole thousands of pounds, in pence.
fn draw_pence(dice: &mut Dice, months: u32) -> i64 {
    let (low, high) = dice.weighted(((1, 3), 50), &[((3, 8), 38), ((8, 20), 12)]);
    i64::from(months * dice.between(low, high)) * 1_000 * 100
}

fn draw_frequency(dice: &mut Dice, short: bool) -> ReportingFrequency {
    let end_only = if short { 30 } else { 8 };
    dice.weighted(
        (ReportingFrequency::Quarterly, 34),
        &[
            (ReportingFrequency::Monthly, 10),
            (ReportingFrequency::TwiceYearly, 22),
            (ReportingFrequency::Yearly, 24),
            (ReportingFrequency::EndOnly, end_only),
            (ReportingFrequency::None, 3),
        ],
    )
}

fn draw_timeline(dice: &mut Dice, basis: ReportingBasis) -> DeliveryTimeline {
    let fixed = if basis == ReportingBasis::FixedTargets {
        75
    } else {
        30
    };
    if dice.chance(fixed) {
        DeliveryTimeline::Fixed
    } else {
        DeliveryTimeline::Adaptable
    }
}

/// What a partner could not say about one term. A length is only ever missing
/// together with one of the dates, which would else give it away.
pub(super) fn leave_out(dice: &mut Dice, term: &mut FundingTerm) {
    if dice.chance(20) {
        term.duration_months = None;
        term.ends_on = None;
    }
    if dice.chance(45) {
        term.starts_on = None;
        term.ends_on = None;
    }
    if dice.chance(15) {
        term.currency = None;
        term.amount_minor = None;
    }
    forget(dice, 30, &mut term.awarded_on);
    forget(dice, 50, &mut term.programme);
    forget(dice, 18, &mut term.intended_focus);
    if dice.chance(15) {
        term.upfront_research = None;
        term.upfront_research_months = None;
    }
    forget(dice, 30, &mut term.upfront_research_months);
    forget(dice, 12, &mut term.collaboration_resourced);
    forget(dice, 12, &mut term.restriction);
    forget(dice, 12, &mut term.reporting_frequency);
    forget(dice, 15, &mut term.reporting_basis);
    forget(dice, 20, &mut term.delivery_timeline);
    forget(dice, 35, &mut term.renewable);
}

/// Leaves a value out in `percent` of a hundred.
pub(super) fn forget<T>(dice: &mut Dice, percent: u32, value: &mut Option<T>) {
    if dice.chance(percent) {
        *value = None;
    }
}

//! Generates the funding terms of an initiative.

use chrono::{Days, Months, NaiveDate};
use wayin_records::record::FundingTerm;
use wayin_vocabulary::{DeliveryTimeline, EntryPoint, ReportingBasis, ReportingFrequency, Restriction};

use super::organisations::{FUNDERS, draw_funders};
use super::places::RegionProfile;
use super::rng::SampleRng;

/// The funding of an initiative, before its record leaves anything out.
#[expect(
    clippy::struct_excessive_bools,
    reason = "the facts are independent of each other"
)]
pub(super) struct Funding {
    /// The terms, without missing answers.
    pub(super) terms: Vec<FundingTerm>,
    /// The months from the start of the initiative to the end of the last term; 0 without terms.
    pub(super) total_months: u32,
    /// Whether any term lasts 18 months or less.
    pub(super) has_short_term: bool,
    /// Whether any term pays for research before the work.
    pub(super) has_upfront_research: bool,
    /// Whether any term pays for the time that collaboration takes.
    pub(super) has_collaboration_resourced: bool,
    /// Whether any term requires reports on targets that were set at the start.
    pub(super) has_fixed_targets: bool,
    /// Whether any term was meant for collaboration.
    pub(super) has_collaboration_focus: bool,
}

const SHORT_DURATIONS_MONTHS: [u32; 10] = [3, 6, 6, 9, 12, 12, 12, 15, 18, 18];
const LONG_DURATIONS_MONTHS: [u32; 10] = [20, 24, 24, 30, 36, 36, 36, 36, 48, 60];

const PROGRAMMES: [&str; 5] = [
    "Illustrative: places together",
    "Illustrative: stronger local systems",
    "Illustrative: room to learn",
    "Illustrative: neighbourhood futures",
    "Illustrative: core costs",
];

impl Funding {
    /// Draws the funding of an initiative that starts on `starts_on`. `number` is the number of the initiative, counted
    /// from 1. `way_in` is the way in of its funders.
    pub(super) fn draw(
        rng: &mut SampleRng,
        number: u32,
        region: &RegionProfile,
        way_in: EntryPoint,
        starts_on: NaiveDate,
    ) -> Self {
        let count = rng.choose_weighted((0, 12), &[(1, 54), (2, 24), (3, 10)]);
        let funders = draw_funders(rng, count);
        let researched = rng.chance(34);
        let resourced = rng.chance(region.collaboration_resourced_percent);
        let focus = draw_focus(rng, way_in);
        let mut money = Self {
            terms: Vec::new(),
            total_months: 0,
            has_short_term: false,
            has_upfront_research: researched && !funders.is_empty(),
            has_collaboration_resourced: resourced && !funders.is_empty(),
            has_fixed_targets: false,
            has_collaboration_focus: false,
        };
        for (position, funder) in (0u32..).zip(funders) {
            let first = position == 0;
            let character = &FUNDERS[funder];
            let short = rng.chance(character.short_percent);
            let months = if short {
                rng.choose(&SHORT_DURATIONS_MONTHS)
            } else {
                rng.choose(&LONG_DURATIONS_MONTHS)
            };
            let months = months.copied().unwrap_or(12);
            let offset = if first { 0 } else { rng.number_between(0, 6) };
            let term_starts_on = starts_on + Months::new(offset);
            // If one funder pays for something, the others need not.
            let pays_for_research = researched && (first || rng.chance(50));
            let basis = if rng.chance(character.fixed_targets_percent) {
                ReportingBasis::FixedTargets
            } else {
                ReportingBasis::Adaptable
            };
            let focus = if first || rng.chance(75) {
                focus
            } else {
                draw_focus(rng, way_in)
            };
            money.total_months = money.total_months.max(offset + months);
            money.has_short_term |= short;
            money.has_fixed_targets |= basis == ReportingBasis::FixedTargets;
            money.has_collaboration_focus |= focus == EntryPoint::Collaboration;
            money.terms.push(FundingTerm {
                funder: character.reference(funder),
                grant_identifier: rng.maybe(35, format!("XI-WAYIN-G{number:04}-{}", position + 1)),
                programme: rng.choose(&PROGRAMMES).map(ToString::to_string),
                currency: Some("GBP".into()),
                amount_minor: Some(draw_pence(rng, months)),
                awarded_on: Some(term_starts_on - Days::new(rng.number_between(20, 120).into())),
                starts_on: Some(term_starts_on),
                ends_on: Some(term_starts_on + Months::new(months) - Days::new(1)),
                duration_months: i32::try_from(months).ok(),
                intended_focus: Some(focus),
                upfront_research: Some(pays_for_research),
                upfront_research_months: pays_for_research
                    .then(|| i32::try_from(rng.number_between(1, (months / 3).clamp(1, 6))).ok())
                    .flatten(),
                collaboration_resourced: Some(resourced && (first || rng.chance(60))),
                restriction: Some(if rng.chance(character.unrestricted_percent) {
                    Restriction::Unrestricted
                } else {
                    Restriction::Restricted
                }),
                reporting_frequency: Some(draw_frequency(rng, short)),
                reporting_basis: Some(basis),
                delivery_timeline: Some(draw_timeline(rng, basis)),
                renewable: Some(rng.chance(40)),
                ..FundingTerm::default()
            });
        }
        money
    }
}

/// Funders that started from root causes mostly go on to fund collaboration.
fn draw_focus(rng: &mut SampleRng, way_in: EntryPoint) -> EntryPoint {
    let [collaboration, complexity, root_causes, single_organisation] = match way_in {
        EntryPoint::RootCauses => [64, 8, 20, 8],
        EntryPoint::Collaboration => [46, 18, 14, 22],
        EntryPoint::Complexity => [30, 40, 18, 12],
        EntryPoint::SingleOrganisation => [24, 12, 16, 48],
    };
    rng.choose_weighted(
        (EntryPoint::Collaboration, collaboration),
        &[
            (EntryPoint::Complexity, complexity),
            (EntryPoint::RootCauses, root_causes),
            (EntryPoint::SingleOrganisation, single_organisation),
        ],
    )
}

/// Draws an amount in pence: whole thousands of pounds.
fn draw_pence(rng: &mut SampleRng, months: u32) -> i64 {
    let (low, high) = rng.choose_weighted(((1, 3), 50), &[((3, 8), 38), ((8, 20), 12)]);
    i64::from(months * rng.number_between(low, high)) * 1_000 * 100
}

fn draw_frequency(rng: &mut SampleRng, short: bool) -> ReportingFrequency {
    let end_only = if short { 30 } else { 8 };
    rng.choose_weighted(
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

fn draw_timeline(rng: &mut SampleRng, basis: ReportingBasis) -> DeliveryTimeline {
    let fixed = if basis == ReportingBasis::FixedTargets {
        75
    } else {
        30
    };
    if rng.chance(fixed) {
        DeliveryTimeline::Fixed
    } else {
        DeliveryTimeline::Adaptable
    }
}

/// Removes some answers of a term. A duration is only missing if a date is missing too, because it would follow from both
/// dates.
pub(super) fn omit_answers(rng: &mut SampleRng, term: &mut FundingTerm) {
    if rng.chance(20) {
        term.duration_months = None;
        term.ends_on = None;
    }
    if rng.chance(45) {
        term.starts_on = None;
        term.ends_on = None;
    }
    if rng.chance(15) {
        term.currency = None;
        term.amount_minor = None;
    }
    omit_at_random(rng, 30, &mut term.awarded_on);
    omit_at_random(rng, 50, &mut term.programme);
    omit_at_random(rng, 18, &mut term.intended_focus);
    if rng.chance(15) {
        term.upfront_research = None;
        term.upfront_research_months = None;
    }
    omit_at_random(rng, 30, &mut term.upfront_research_months);
    omit_at_random(rng, 12, &mut term.collaboration_resourced);
    omit_at_random(rng, 12, &mut term.restriction);
    omit_at_random(rng, 12, &mut term.reporting_frequency);
    omit_at_random(rng, 15, &mut term.reporting_basis);
    omit_at_random(rng, 20, &mut term.delivery_timeline);
    omit_at_random(rng, 35, &mut term.renewable);
}

/// Removes a value with a probability of `percent`.
pub(super) fn omit_at_random<T>(rng: &mut SampleRng, percent: u32, value: &mut Option<T>) {
    if rng.chance(percent) {
        *value = None;
    }
}

//! Every kind of condition, in the words that a reader sees.

use std::collections::HashMap;

use chrono::NaiveDate;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;
use wayin_entity::{
    Challenge, Change, Condition as ForChange, DeliveryTimeline, EntryPoint, OrganisationKind, Perspective,
    Reason, ReportingBasis, ReportingFrequency, Restriction, Step,
};

use super::phrase::{Number, phrase};
use crate::condition::InitiativeTest::{
    AnyTermRecorded, EndedOn, EntryPoints, FundingTerms, LeadOrganisation, Overlaps, PlaceIs, PlaceKnown,
    PlaceWithin, Reasons, StartedOn, Title, WayIn,
};
use crate::condition::TermTest::{
    AmountMinor, CollaborationResourced, Currency, DurationMonths, Funder, IntendedFocus, Renewable,
    StartsOn, UpfrontResearch,
};
use crate::condition::{
    Comparison, Condition, CrisisPeriod, InitiativeCondition, InitiativeTest, Named, OrganisationCondition,
    OrganisationTest, Quantifier, SetComparison, TermCondition, TermTest, TextComparison, WayInComparison,
};
use crate::truth::Truth;

use Comparison::{AtLeast, AtMost, Known, Less, More, OneOf};

fn all<T>(parts: impl Into<Vec<Condition<T>>>) -> Condition<T> {
    Condition::All(parts.into())
}

fn any<T>(parts: impl Into<Vec<Condition<T>>>) -> Condition<T> {
    Condition::Any(parts.into())
}

fn not<T>(part: Condition<T>) -> Condition<T> {
    part.negated()
}

fn is<T>(test: T) -> Condition<T> {
    Condition::Test(test)
}

fn some(terms: TermCondition) -> InitiativeCondition {
    is(FundingTerms(Quantifier::Some, terms))
}

fn every(terms: TermCondition) -> InitiativeCondition {
    is(FundingTerms(Quantifier::Every, terms))
}

fn none(terms: TermCondition) -> InitiativeCondition {
    is(FundingTerms(Quantifier::None, terms))
}

fn led_by(organisation: OrganisationCondition) -> InitiativeCondition {
    is(LeadOrganisation(organisation))
}

fn named(name: &str) -> Named {
    Named {
        id: Uuid::nil(),
        name: name.into(),
    }
}

fn text(text: &str) -> String {
    text.into()
}

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

fn in_wales() -> InitiativeCondition {
    is(PlaceWithin(named("Wales")))
}

fn step(steps: &[Step]) -> InitiativeCondition {
    is(InitiativeTest::Step(
        Challenge::DefiningAmbitions,
        OneOf(steps.to_vec()),
    ))
}

fn way_in(perspective: Option<Perspective>, points: &[EntryPoint]) -> InitiativeCondition {
    is(WayIn(perspective, WayInComparison::OneOf(points.to_vec())))
}

fn up_to(months: i32) -> TermCondition {
    is(DurationMonths(AtMost(months)))
}

fn research(paid: bool) -> TermCondition {
    is(UpfrontResearch(OneOf(vec![paid])))
}

fn kind(kinds: &[OrganisationKind]) -> OrganisationCondition {
    is(OrganisationTest::Kind(OneOf(kinds.to_vec())))
}

fn called(part: &str) -> OrganisationCondition {
    is(OrganisationTest::Name(TextComparison::Contains(part.into())))
}

fn crisis(places: &[Uuid]) -> CrisisPeriod {
    CrisisPeriod {
        name: "The pandemic".into(),
        from: day(2020, 3, 1),
        to: None,
        places: places.to_vec(),
    }
}

fn assert_said(number: Number, condition: InitiativeCondition, so: &str, not_so: &str) {
    assert_eq!(phrase(&condition, number).text, so, "{condition:?}");
    let opposite = not(condition);
    assert_eq!(phrase(&opposite, number).text, not_so, "{opposite:?}");
}

/// What each condition is in words, and its opposite, of one initiative or of many.
macro_rules! said {
    ($number:expr; $($condition:expr => $so:literal, $not_so:literal;)+) => {
        $(assert_said($number, $condition, $so, $not_so);)+
    };
}

#[test]
fn what_an_initiative_is_and_where_and_when_it_worked() {
    let lead = |id: &str| is(OrganisationTest::Id(vec![named(id)]));
    said! { Number::Many;
        is(InitiativeTest::Id(vec![Uuid::nil()])) => "were the one chosen", "were not the one chosen";
        is(InitiativeTest::Id((0..1_200).map(Uuid::from_u128).collect())) =>
            "were among the 1,200 chosen", "were not among the 1,200 chosen";
        is(Title(TextComparison::OneOf(vec![text("a"), text("b")]))) =>
            "had the title “a” or “b”", "did not have the title “a” or “b”";
        is(Title(TextComparison::Contains(text("a")))) =>
            "had a title containing “a”", "did not have a title containing “a”";
        is(Title(TextComparison::StartsWith(text("a")))) =>
            "had a title starting with “a”", "did not have a title starting with “a”";
        is(Title(TextComparison::Known(true))) => "had a known title", "did not have a known title";
        is(PlaceIs(named("Wigan"))) => "worked in Wigan itself", "did not work in Wigan itself";
        in_wales() => "worked in Wales", "did not work in Wales";
        is(PlaceKnown(true)) => "said where they work", "did not say where they work";
        is(PlaceKnown(false)) => "did not say where they work", "said where they work";
        led_by(lead("Acme")) => "were led by Acme", "were not led by Acme";
        is(StartedOn(OneOf(vec![day(2020, 3, 1)]))) =>
            "started on 1 March 2020", "did not start on 1 March 2020";
        is(StartedOn(Less(day(2020, 3, 1)))) =>
            "started before 1 March 2020", "started on or after 1 March 2020";
        is(StartedOn(Known(true))) => "said when they started", "did not say when they started";
        is(EndedOn(OneOf(vec![day(2020, 3, 1), day(2021, 12, 31)]))) =>
            "ended on 1 March 2020 or 31 December 2021", "did not end on 1 March 2020 or 31 December 2021";
        is(EndedOn(AtMost(day(2020, 3, 1)))) =>
            "ended on or before 1 March 2020", "ended after 1 March 2020";
        is(EndedOn(More(day(2020, 3, 1)))) => "ended after 1 March 2020", "ended on or before 1 March 2020";
        is(EndedOn(AtLeast(day(2020, 3, 1)))) =>
            "ended on or after 1 March 2020", "ended before 1 March 2020";
        is(EndedOn(Known(false))) => "did not say when they ended", "said when they ended";
        is(Overlaps(crisis(&[]))) =>
            "were at work during the pandemic", "were not at work during the pandemic";
        is(Overlaps(crisis(&[Uuid::nil()]))) =>
            "were at work during the pandemic in an affected place",
            "were not at work during the pandemic in an affected place";
        is(AnyTermRecorded(true)) => "have a funding term on record", "have no funding term on record";
        is(AnyTermRecorded(false)) => "have no funding term on record", "have a funding term on record";
    }
}

#[test]
fn what_an_initiative_went_through() {
    use EntryPoint::{Collaboration, Complexity, RootCauses, SingleOrganisation};
    use Reason::{CollaborationExpected, CrisisResponse, ShortFunding};
    let points = |comparison| is(EntryPoints(None, comparison));
    let reasons = |comparison| is(Reasons(Challenge::FosteringConditions, comparison));
    let change = |comparison| {
        is(InitiativeTest::Change(
            ForChange::ReportingRequirements,
            comparison,
        ))
    };
    said! { Number::Many;
        way_in(None, &[SingleOrganisation]) =>
            "started from a single organisation", "did not start from a single organisation";
        way_in(Some(Perspective::Community), &[Collaboration, RootCauses]) =>
            "started from collaboration or root causes (as the community saw it)",
            "did not start from collaboration or root causes (as the community saw it)";
        is(WayIn(None, WayInComparison::Known(true))) =>
            "said how they started", "did not say how they started";
        is(WayIn(Some(Perspective::Funder), WayInComparison::Known(false))) =>
            "did not say how they started (as funders saw it)", "said how they started (as funders saw it)";
        points(SetComparison::IncludesAll(vec![Complexity])) =>
            "took complexity as an entry point", "did not take complexity as an entry point";
        points(SetComparison::IncludesAll(vec![Complexity, RootCauses])) =>
            "took complexity and root causes as entry points",
            "did not take both complexity and root causes as entry points";
        points(SetComparison::IncludesAll(vec![Complexity, RootCauses, Collaboration])) =>
            "took complexity, root causes and collaboration as entry points",
            "did not take all of complexity, root causes and collaboration as entry points";
        points(SetComparison::IncludesAny(vec![Complexity, RootCauses])) =>
            "took complexity or root causes as an entry point",
            "did not take complexity or root causes as an entry point";
        points(SetComparison::Known(true)) =>
            "said which entry points they took", "did not say which entry points they took";
        is(EntryPoints(Some(Perspective::NationalCharity), SetComparison::IncludesAny(vec![Complexity]))) =>
            "took complexity as an entry point (as national charities saw it)",
            "did not take complexity as an entry point (as national charities saw it)";
        step(&[Step::Skipped]) => "skipped defining their ambitions", "did not skip defining their ambitions";
        step(&[Step::Skipped, Step::Rushed]) =>
            "rushed or skipped defining their ambitions", "did not rush or skip defining their ambitions";
        is(InitiativeTest::Step(Challenge::UnderstandingLocalSystem, OneOf(vec![Step::Taken]))) =>
            "took time over understanding the local system",
            "did not take time over understanding the local system";
        is(InitiativeTest::Step(Challenge::FosteringConditions, Known(true))) =>
            "said how they went about fostering the conditions for change",
            "did not say how they went about fostering the conditions for change";
        is(InitiativeTest::Step(Challenge::DefiningAmbitions, More(Step::Taken))) =>
            "rushed or skipped defining their ambitions", "did not rush or skip defining their ambitions";
        is(InitiativeTest::Step(Challenge::DefiningAmbitions, Less(Step::Taken))) =>
            "did not take time over, rush or skip defining their ambitions",
            "took time over, rushed or skipped defining their ambitions";
        reasons(SetComparison::IncludesAll(vec![ShortFunding, ShortFunding])) =>
            "gave “short funding” as a reason for how they went about fostering the conditions for change",
            "did not give “short funding” as a reason for how they went about fostering the conditions for change";
        reasons(SetComparison::IncludesAll(vec![ShortFunding, CrisisResponse])) =>
            "gave “short funding” and “responding to a crisis” as reasons for how they went about fostering the conditions for change",
            "did not give both “short funding” and “responding to a crisis” as reasons for how they went about fostering the conditions for change";
        reasons(SetComparison::IncludesAny(vec![ShortFunding, CollaborationExpected])) =>
            "gave “short funding” or “collaboration was taken to be systems change” as a reason for how they went about fostering the conditions for change",
            "did not give “short funding” or “collaboration was taken to be systems change” as a reason for how they went about fostering the conditions for change";
        reasons(SetComparison::Known(false)) =>
            "did not give a reason for how they went about fostering the conditions for change",
            "gave a reason for how they went about fostering the conditions for change";
        change(OneOf(vec![Change::Altered])) =>
            "saw reporting requirements altered", "did not see reporting requirements altered";
        change(OneOf(vec![Change::Unchanged, Change::Partly])) =>
            "saw reporting requirements altered in part or unchanged",
            "did not see reporting requirements altered in part or unchanged";
        change(Known(true)) =>
            "said what became of reporting requirements", "did not say what became of reporting requirements";
    }
}

#[test]
fn one_initiative_is_spoken_of_as_one() {
    let step = |comparison| is(InitiativeTest::Step(Challenge::DefiningAmbitions, comparison));
    let entry_points = EntryPoints(None, SetComparison::Known(true));
    let reasons = Reasons(Challenge::DefiningAmbitions, SetComparison::Known(true));
    said! { Number::One;
        is(InitiativeTest::Id(vec![Uuid::nil()])) => "was the one chosen", "was not the one chosen";
        led_by(is(OrganisationTest::Id(vec![named("Acme")]))) => "was led by Acme", "was not led by Acme";
        is(Overlaps(crisis(&[]))) => "was at work during the pandemic", "was not at work during the pandemic";
        is(PlaceKnown(true)) => "said where it works", "did not say where it works";
        is(StartedOn(Known(true))) => "said when it started", "did not say when it started";
        is(EndedOn(Known(true))) => "said when it ended", "did not say when it ended";
        is(WayIn(None, WayInComparison::Known(true))) => "said how it started", "did not say how it started";
        is(entry_points) => "said which entry points it took", "did not say which entry points it took";
        step(OneOf(vec![Step::Rushed])) =>
            "rushed defining its ambitions", "did not rush defining its ambitions";
        step(Known(true)) =>
            "said how it went about defining its ambitions",
            "did not say how it went about defining its ambitions";
        is(reasons) =>
            "gave a reason for how it went about defining its ambitions",
            "did not give a reason for how it went about defining its ambitions";
        is(AnyTermRecorded(true)) => "has a funding term on record", "has no funding term on record";
        every(up_to(18)) =>
            "had only funding of 18 months or less", "had some funding of more than 18 months";
        all([]) => "is in the base", "is not in the base";
    }
}

/// What each test of a term, and its opposite, says of "some funding".
macro_rules! funding {
    ($($test:expr => $so:literal, $not_so:literal;)+) => {
        $(
            let said = |terms| phrase(&some(terms), Number::Many).text;
            assert_eq!(said(is($test)), concat!("had some funding ", $so));
            assert_eq!(said(not(is($test))), concat!("had some funding ", $not_so));
        )+
    };
}

#[test]
fn how_much_money_came_when_and_for_how_long() {
    funding! {
        DurationMonths(OneOf(vec![1])) => "of 1 month", "that was not of 1 month";
        DurationMonths(OneOf(vec![1, 12, 1_200])) =>
            "of 1, 12 or 1,200 months", "that was not of 1, 12 or 1,200 months";
        DurationMonths(OneOf((1..=11).collect())) =>
            "of 1, 2, 3, 4, 5, 6, 7, 8 or one of 3 other numbers of months",
            "that was not of 1, 2, 3, 4, 5, 6, 7, 8 or one of 3 other numbers of months";
        DurationMonths(Less(18)) => "of less than 18 months", "of 18 months or more";
        DurationMonths(AtMost(1)) => "of 1 month or less", "of more than 1 month";
        DurationMonths(More(0)) => "of more than 0 months", "of 0 months or less";
        DurationMonths(AtLeast(-18)) => "of -18 months or more", "of less than -18 months";
        DurationMonths(Known(true)) =>
            "that said how long it was for", "that did not say how long it was for";
        AmountMinor(OneOf(vec![5, 123_456])) =>
            "of 5 or 123,456 in its currency's smallest unit (0.05 or 1,234.56 in pounds or euros)",
            "that was not of 5 or 123,456 in its currency's smallest unit (0.05 or 1,234.56 in pounds or euros)";
        AmountMinor(Less(100)) =>
            "of less than 100 in its currency's smallest unit (1.00 in pounds or euros)",
            "of 100 or more in its currency's smallest unit (1.00 in pounds or euros)";
        AmountMinor(AtMost(100)) =>
            "of 100 or less in its currency's smallest unit (1.00 in pounds or euros)",
            "of more than 100 in its currency's smallest unit (1.00 in pounds or euros)";
        AmountMinor(More(-150)) =>
            "of more than -150 in its currency's smallest unit (-1.50 in pounds or euros)",
            "of -150 or less in its currency's smallest unit (-1.50 in pounds or euros)";
        AmountMinor(AtLeast(1_000_000)) =>
            "of 1,000,000 or more in its currency's smallest unit (10,000.00 in pounds or euros)",
            "of less than 1,000,000 in its currency's smallest unit (10,000.00 in pounds or euros)";
        AmountMinor(Known(false)) => "that did not say how much it was", "that said how much it was";
        Currency(TextComparison::OneOf(vec![text("gbp"), text("eur")])) =>
            "in GBP or EUR", "that was not in GBP or EUR";
        Currency(TextComparison::Contains(text("g"))) =>
            "in a currency with a code containing “g”",
            "that was not in a currency with a code containing “g”";
        Currency(TextComparison::StartsWith(text("g"))) =>
            "in a currency with a code starting with “g”",
            "that was not in a currency with a code starting with “g”";
        Currency(TextComparison::Known(true)) =>
            "that said which currency it was in", "that did not say which currency it was in";
        StartsOn(Less(day(2021, 4, 1))) =>
            "planned to start before 1 April 2021", "planned to start on or after 1 April 2021";
        StartsOn(Known(true)) => "that said when it was to start", "that did not say when it was to start";
    }
}

#[test]
fn on_what_terms_the_money_came() {
    use ReportingFrequency::{EndOnly, Monthly, None as Never, Quarterly, TwiceYearly, Yearly};
    use TermTest::{DeliveryTimeline as Timeline, ReportingBasis as Basis, ReportingFrequency as Often};
    let funder = |kinds: &[OrganisationKind]| Funder(kind(kinds));
    funding! {
        funder(&[OrganisationKind::PublicBody]) => "from a public body", "that was not from a public body";
        UpfrontResearch(OneOf(vec![true])) =>
            "that paid for research before the work", "that did not pay for research before the work";
        UpfrontResearch(OneOf(vec![true, false])) =>
            "that said whether it paid for research before the work",
            "that did not say whether it paid for research before the work";
        UpfrontResearch(Known(true)) =>
            "that said whether it paid for research before the work",
            "that did not say whether it paid for research before the work";
        CollaborationResourced(OneOf(vec![false])) =>
            "that did not pay for the extra time and resource of working together",
            "that paid for the extra time and resource of working together";
        CollaborationResourced(Known(false)) =>
            "that did not say whether it paid for the extra time and resource of working together",
            "that said whether it paid for the extra time and resource of working together";
        IntendedFocus(OneOf(vec![EntryPoint::RootCauses])) =>
            "meant for root causes", "that was not meant for root causes";
        IntendedFocus(Known(true)) =>
            "that said what it was meant for", "that did not say what it was meant for";
        TermTest::Restriction(OneOf(vec![Restriction::Unrestricted])) =>
            "that was unrestricted", "that was restricted";
        TermTest::Restriction(Known(true)) =>
            "that said whether it was restricted", "that did not say whether it was restricted";
        Often(OneOf(vec![Monthly])) =>
            "that asked for a report every month", "that did not ask for a report every month";
        Often(OneOf(vec![EndOnly, Quarterly])) =>
            "that asked for a report every three months or at the end only",
            "that did not ask for a report every three months or at the end only";
        Often(OneOf(vec![Never])) => "that never asked for a report", "that asked for a report";
        Often(OneOf(vec![Never, Yearly])) =>
            "that asked for a report every year or never",
            "that asked for a report every month, every three months, every six months or at the end only";
        Often(OneOf(vec![Never, Yearly, Monthly, Quarterly, EndOnly])) =>
            "that asked for a report every month, every three months, every year, at the end only or never",
            "that asked for a report every six months";
        Often(OneOf(vec![TwiceYearly])) =>
            "that asked for a report every six months", "that did not ask for a report every six months";
        Often(Known(true)) => "that said how often to report", "that did not say how often to report";
        Basis(OneOf(vec![ReportingBasis::FixedTargets])) =>
            "that asked for fixed targets", "that asked for reporting that may adapt";
        Basis(Known(true)) =>
            "that said what was to be reported on", "that did not say what was to be reported on";
        Timeline(OneOf(vec![DeliveryTimeline::Adaptable])) =>
            "with a timeline that may move", "with a fixed timeline";
        Timeline(Known(true)) =>
            "that said whether its timeline could move", "that did not say whether its timeline could move";
        Renewable(OneOf(vec![true])) => "that could be renewed", "that could not be renewed";
        Renewable(Known(true)) =>
            "that said whether it could be renewed", "that did not say whether it could be renewed";
    }
}

#[test]
fn some_all_or_none_of_the_funding() {
    let unrestricted = is(TermTest::Restriction(OneOf(vec![Restriction::Unrestricted])));
    let pounds = || is(Currency(TextComparison::OneOf(vec![text("gbp")])));
    let mixed = || all([up_to(18), research(false)]);
    said! { Number::Many;
        some(up_to(18)) => "had some funding of 18 months or less", "had no funding of 18 months or less";
        every(up_to(18)) =>
            "had only funding of 18 months or less", "had some funding of more than 18 months";
        none(up_to(18)) => "had no funding of 18 months or less", "had some funding of 18 months or less";
        some(not(up_to(18))) =>
            "had some funding of more than 18 months", "had no funding of more than 18 months";
        every(not(up_to(18))) =>
            "had only funding of more than 18 months", "had some funding of 18 months or less";
        none(not(up_to(18))) =>
            "had no funding of more than 18 months", "had some funding of more than 18 months";
        some(not(pounds())) => "had some funding that was not in GBP", "had only funding in GBP";
        every(not(pounds())) => "had no funding in GBP", "had some funding in GBP";
        none(not(pounds())) => "had only funding in GBP", "had some funding that was not in GBP";
        every(research(false)) =>
            "had no funding that paid for research before the work",
            "had some funding that paid for research before the work";
        every(unrestricted.clone()) =>
            "had only funding that was unrestricted", "had some funding that was restricted";
        none(unrestricted) =>
            "had no funding that was unrestricted", "had some funding that was unrestricted";
        some(mixed()) =>
            "had some funding that was of 18 months or less and did not pay for research before the work",
            "had no funding that was of 18 months or less and did not pay for research before the work";
        every(mixed()) =>
            "had only funding that was of 18 months or less and did not pay for research before the work",
            "had some funding that was of more than 18 months or paid for research before the work";
        none(mixed()) =>
            "had no funding that was of 18 months or less and did not pay for research before the work",
            "had some funding that was of 18 months or less and did not pay for research before the work";
        none(not(any([pounds(), research(true)]))) =>
            "had only funding that was in GBP or paid for research before the work",
            "had some funding that was not in GBP and did not pay for research before the work";
        some(all([])) => "had some funding", "had no funding";
        every(all([])) => "had some funding", "had no funding";
        none(all([])) => "had no funding", "had some funding";
        some(any([])) => "had no funding", "had some funding";
        every(any([])) => "had no funding", "had some funding";
        none(any([])) => "had some funding", "had no funding";
        some(any([up_to(18), all([research(true), any([])])])) =>
            "had some funding of 18 months or less", "had no funding of 18 months or less";
    }
}

#[test]
fn which_organisations_are_meant() {
    use OrganisationKind::{CommunityGroup, Funder as Funding, NationalCharity, PublicBody};
    let ids = |count: usize| {
        is(OrganisationTest::Id(
            (1..=count).map(|one| named(&format!("Group {one}"))).collect(),
        ))
    };
    let identifier = |comparison| is(OrganisationTest::Identifier(comparison));
    said! { Number::Many;
        led_by(ids(2)) => "were led by Group 1 or Group 2", "were not led by Group 1 or Group 2";
        led_by(ids(500)) =>
            "were led by Group 1, Group 2, Group 3, Group 4, Group 5, Group 6, Group 7, Group 8 or one of 492 others",
            "were not led by Group 1, Group 2, Group 3, Group 4, Group 5, Group 6, Group 7, Group 8 or one of 492 others";
        led_by(not(ids(1))) => "were not led by Group 1", "were led by Group 1";
        led_by(called("trust")) =>
            "were led by an organisation with a name containing “trust”",
            "were not led by an organisation with a name containing “trust”";
        led_by(is(OrganisationTest::Name(TextComparison::OneOf(vec![text("a")])))) =>
            "were led by an organisation with the name “a”",
            "were not led by an organisation with the name “a”";
        led_by(identifier(TextComparison::StartsWith(text("gb-")))) =>
            "were led by an organisation with an identifier starting with “gb-”",
            "were not led by an organisation with an identifier starting with “gb-”";
        led_by(identifier(TextComparison::Known(false))) =>
            "were not led by an organisation with a known identifier",
            "were led by an organisation with a known identifier";
        led_by(kind(&[NationalCharity])) =>
            "were led by a national charity", "were not led by a national charity";
        led_by(kind(&[PublicBody, Funding])) =>
            "were led by a funder or a public body", "were not led by a funder or a public body";
        led_by(is(OrganisationTest::Kind(Known(true)))) =>
            "were led by an organisation of a known kind", "were not led by an organisation of a known kind";
        led_by(all([kind(&[CommunityGroup]), not(called("trust"))])) =>
            "were led by an organisation that was a community group and did not have a name containing “trust”",
            "were led by an organisation that was not a community group or had a name containing “trust”";
        led_by(any([kind(&[CommunityGroup]), all([ids(1), is(OrganisationTest::Kind(Known(true)))])])) =>
            "were led by an organisation that was a community group or (was Group 1 and was of a known kind)",
            "were led by an organisation that was not a community group and (was not Group 1 or was not of a known kind)";
        led_by(all([])) => "were led by an organisation", "were not led by any organisation";
        led_by(any([])) => "were not led by any organisation", "were led by an organisation";
        some(is(Funder(not(ids(1))))) =>
            "had some funding that was not from Group 1", "had only funding from Group 1";
        some(is(Funder(any([])))) =>
            "had some funding that was not from any organisation", "had only funding from an organisation";
        some(is(Funder(all([called("a"), called("b")])))) =>
            "had some funding from an organisation that had a name containing “a” and had a name containing “b”",
            "had no funding from an organisation that had a name containing “a” and had a name containing “b”";
    }
}

#[test]
fn conditions_within_conditions() {
    let skipped = || step(&[Step::Skipped]);
    let start = || way_in(None, &[EntryPoint::RootCauses]);
    said! { Number::Many;
        not(not(in_wales())) => "worked in Wales", "did not work in Wales";
        all([in_wales(), skipped(), start()]) =>
            "worked in Wales and skipped defining their ambitions and started from root causes",
            "did not work in Wales or did not skip defining their ambitions or did not start from root causes";
        any([in_wales(), all([skipped(), not(start())])]) =>
            "worked in Wales or (skipped defining their ambitions and did not start from root causes)",
            "did not work in Wales and (did not skip defining their ambitions or started from root causes)";
        all([in_wales(), all([skipped(), not(any([start(), not(in_wales())]))])]) =>
            "worked in Wales and skipped defining their ambitions and did not start from root causes",
            "did not work in Wales or did not skip defining their ambitions or started from root causes";
        any([all([any([in_wales(), skipped()]), start()]), is(PlaceKnown(false))]) =>
            "((worked in Wales or skipped defining their ambitions) and started from root causes) or did not say where they work",
            "((did not work in Wales and did not skip defining their ambitions) or did not start from root causes) and said where they work";
        all([step(&[Step::Skipped, Step::Rushed]), in_wales()]) =>
            "(rushed or skipped defining their ambitions) and worked in Wales",
            "(did not rush or skip defining their ambitions) or did not work in Wales";
        all([is(PlaceKnown(true)), skipped()]) =>
            "(said where they work) and skipped defining their ambitions",
            "(did not say where they work) or did not skip defining their ambitions";
        all([some(up_to(18)), some(research(true)), in_wales()]) =>
            "had some funding of 18 months or less and (had some funding that paid for research before the work) and worked in Wales",
            "had no funding of 18 months or less or (had no funding that paid for research before the work) or did not work in Wales";
        all([in_wales(), some(all([up_to(18), research(true)]))]) =>
            "worked in Wales and (had some funding that was of 18 months or less and paid for research before the work)",
            "did not work in Wales or (had no funding that was of 18 months or less and paid for research before the work)";
        all([]) => "are in the base", "are not in the base";
        any([]) => "are not in the base", "are in the base";
        all([in_wales(), all([])]) => "worked in Wales", "did not work in Wales";
        all([in_wales(), any([])]) => "are not in the base", "are in the base";
        any([in_wales(), any([]), not(all([]))]) => "worked in Wales", "did not work in Wales";
        any([in_wales(), all([all([]), not(any([]))])]) => "are in the base", "are not in the base";
    }
}

#[test]
fn a_phrase_is_said_again_as_it_was_said() {
    let rows = [
        (in_wales(), Number::Many, "did", "did not"),
        (not(in_wales()), Number::One, "did not", "did"),
        (led_by(all([])), Number::One, "was", "was not"),
        (not(led_by(called("a"))), Number::Many, "were not", "were"),
        (is(Overlaps(crisis(&[]))), Number::Many, "were", "were not"),
        (is(AnyTermRecorded(true)), Number::One, "has", "has none"),
        (is(AnyTermRecorded(false)), Number::Many, "have none", "have"),
        (some(up_to(18)), Number::Many, "did", "did not"),
        (none(up_to(18)), Number::Many, "had none", "had some"),
        (every(up_to(18)), Number::Many, "did", "did not"),
        (
            all([in_wales(), led_by(called("a"))]),
            Number::Many,
            "did the same",
            "did not do the same",
        ),
        (all([]), Number::One, "is", "is not"),
    ];
    for (condition, number, echo, denied) in rows {
        let phrase = phrase(&condition, number);
        assert_eq!((phrase.echo, phrase.denied), (echo, denied), "{}", phrase.text);
    }
}

#[test]
fn only_a_count_of_one_is_spoken_of_as_one() {
    let of = [0, 1, 2, u64::MAX].map(Number::of);
    assert_eq!(of, [Number::Many, Number::One, Number::Many, Number::Many]);
}

fn pick<T: Clone>(random: &mut StdRng, of: &[T]) -> T {
    of[random.random_range(0..of.len())].clone()
}

fn some_of<T: Clone>(random: &mut StdRng, of: &[T]) -> Vec<T> {
    (0..random.random_range(1..4)).map(|_| pick(random, of)).collect()
}

fn compared<T: Clone>(random: &mut StdRng, of: &[T]) -> Comparison<T> {
    match random.random_range(0..6) {
        0 => OneOf(some_of(random, of)),
        1 => Less(pick(random, of)),
        2 => AtMost(pick(random, of)),
        3 => More(pick(random, of)),
        4 => AtLeast(pick(random, of)),
        _ => Known(random.random()),
    }
}

fn of_text(random: &mut StdRng) -> TextComparison {
    let texts = ["gbp", "harbour", "eur"].map(String::from);
    match random.random_range(0..4) {
        0 => TextComparison::OneOf(some_of(random, &texts)),
        1 => TextComparison::Contains(pick(random, &texts)),
        2 => TextComparison::StartsWith(pick(random, &texts)),
        _ => TextComparison::Known(random.random()),
    }
}

fn of_set<T: Clone>(random: &mut StdRng, of: &[T]) -> SetComparison<T> {
    match random.random_range(0..3) {
        0 => SetComparison::IncludesAll(some_of(random, of)),
        1 => SetComparison::IncludesAny(some_of(random, of)),
        _ => SetComparison::Known(random.random()),
    }
}

/// A condition of up to `depth` levels; lists of parts may be empty.
fn nested<T>(random: &mut StdRng, depth: u32, test: &impl Fn(&mut StdRng) -> T) -> Condition<T> {
    let parts = |random: &mut StdRng| {
        (0..random.random_range(0..4))
            .map(|_| nested(random, depth - 1, test))
            .collect()
    };
    match random.random_range(0..if depth == 0 { 1 } else { 5 }) {
        0 | 1 => is(test(random)),
        2 => Condition::All(parts(random)),
        3 => Condition::Any(parts(random)),
        _ => not(nested(random, depth - 1, test)),
    }
}

fn a_name(random: &mut StdRng) -> Named {
    named(pick(random, &["Wigan", "Harbour Trust", "Leeds"]))
}

fn a_day(random: &mut StdRng) -> Comparison<NaiveDate> {
    compared(random, &[day(2020, 3, 1), day(2021, 12, 31)])
}

fn of_organisation(random: &mut StdRng) -> OrganisationTest {
    match random.random_range(0..4) {
        0 => OrganisationTest::Id((0..random.random_range(1..4)).map(|_| a_name(random)).collect()),
        1 => OrganisationTest::Name(of_text(random)),
        2 => OrganisationTest::Identifier(of_text(random)),
        _ => OrganisationTest::Kind(compared(random, OrganisationKind::ALL)),
    }
}

fn of_term(random: &mut StdRng) -> TermTest {
    match random.random_range(0..13) {
        0 => Funder(nested(random, 2, &of_organisation)),
        1 => DurationMonths(compared(random, &[1, 18, 24])),
        2 => AmountMinor(compared(random, &[0, 1, i64::MIN, i64::MAX])),
        3 => Currency(of_text(random)),
        4 => StartsOn(a_day(random)),
        5 => UpfrontResearch(compared(random, &[true, false])),
        6 => CollaborationResourced(compared(random, &[true, false])),
        7 => IntendedFocus(compared(random, EntryPoint::ALL)),
        8 => TermTest::Restriction(compared(random, Restriction::ALL)),
        9 => TermTest::ReportingFrequency(compared(random, ReportingFrequency::ALL)),
        10 => TermTest::ReportingBasis(compared(random, ReportingBasis::ALL)),
        11 => TermTest::DeliveryTimeline(compared(random, DeliveryTimeline::ALL)),
        _ => Renewable(compared(random, &[true, false])),
    }
}

fn of_initiative(random: &mut StdRng) -> InitiativeTest {
    let perspectives = [None, Some(Perspective::Funder), Some(Perspective::Community)];
    match random.random_range(0..16) {
        0 => InitiativeTest::Id((0..random.random_range(1..9)).map(Uuid::from_u128).collect()),
        1 => Title(of_text(random)),
        2 => PlaceIs(a_name(random)),
        3 => PlaceWithin(a_name(random)),
        4 => PlaceKnown(random.random()),
        5 => LeadOrganisation(nested(random, 2, &of_organisation)),
        6 => StartedOn(a_day(random)),
        7 => EndedOn(a_day(random)),
        8 => Overlaps(crisis(&vec![Uuid::nil(); random.random_range(0..2)])),
        9 if random.random() => WayIn(
            pick(random, &perspectives),
            WayInComparison::Known(random.random()),
        ),
        9 => WayIn(
            pick(random, &perspectives),
            WayInComparison::OneOf(some_of(random, EntryPoint::ALL)),
        ),
        10 => EntryPoints(pick(random, &perspectives), of_set(random, EntryPoint::ALL)),
        11 => InitiativeTest::Step(pick(random, Challenge::ALL), compared(random, Step::ALL)),
        12 => Reasons(pick(random, Challenge::ALL), of_set(random, Reason::ALL)),
        13 => InitiativeTest::Change(pick(random, ForChange::ALL), compared(random, Change::ALL)),
        14 => AnyTermRecorded(random.random()),
        _ => {
            let quantifiers = [Quantifier::Some, Quantifier::Every, Quantifier::None];
            FundingTerms(pick(random, &quantifiers), nested(random, 3, &of_term))
        }
    }
}

/// Whether every bracket is closed, and none before it is opened.
fn is_balanced(text: &str) -> bool {
    let depth = text.chars().try_fold(0_u32, |depth, letter| match letter {
        '(' => Some(depth + 1),
        ')' => depth.checked_sub(1),
        _ => Some(depth),
    });
    depth == Some(0)
}

fn repeats_a_word(text: &str) -> bool {
    let words: Vec<&str> = text.split([' ', '(', ')']).collect();
    words
        .windows(2)
        .any(|pair| pair[0] == pair[1] && !pair[0].is_empty())
}

#[test]
fn any_condition_reads_as_a_phrase() {
    let mut random = StdRng::seed_from_u64(7);
    for _ in 0..20_000 {
        let condition = nested(&mut random, 3, &of_initiative);
        for number in [Number::One, Number::Many] {
            let text = phrase(&condition, number).text;
            assert!(!text.is_empty() && text.trim() == text, "{condition:?}");
            assert!(is_balanced(&text), "{text}");
            assert!(!text.contains("  ") && !text.contains("()"), "{text}");
            assert!(!repeats_a_word(&text), "{text}");
            assert!(!text.contains("not not"), "{text}");
            assert!(
                !text.contains("that and ") && !text.contains("that or "),
                "{text}"
            );
        }
    }
}

#[test]
fn one_and_many_differ_in_their_number_alone() {
    let mut random = StdRng::seed_from_u64(8);
    for _ in 0..2_000 {
        let condition = nested(&mut random, 3, &of_initiative);
        let words = |number| phrase(&condition, number).text.split(' ').count();
        assert_eq!(words(Number::One), words(Number::Many), "{condition:?}");
        let one = phrase(&condition, Number::One).text;
        let many = ["their", "they", "were", "are"];
        assert!(
            !one.split(['(', ')', ' ']).any(|word| many.contains(&word)),
            "{one}"
        );
    }
}

/// What an initiative may be: whether it worked in Wales, and what each of its
/// funding terms says of two tests.
fn every_case() -> Vec<(Truth, Vec<[Truth; 2]>)> {
    let truths = [Truth::True, Truth::False, Truth::Unknown];
    let terms: Vec<[Truth; 2]> = truths
        .iter()
        .flat_map(|one| truths.map(|other| [*one, other]))
        .collect();
    let pairs = terms
        .iter()
        .flat_map(|one| terms.iter().map(|other| vec![*one, *other]));
    let lists = [vec![]]
        .into_iter()
        .chain(terms.iter().map(|one| vec![*one]))
        .chain(pairs);
    lists
        .flat_map(|list| truths.map(|wales| (wales, list.clone())))
        .collect()
}

fn holds(condition: &InitiativeCondition, wales: Truth, terms: &[[Truth; 2]]) -> Truth {
    let of_term = |condition: &TermCondition, term: &[Truth; 2]| {
        condition.evaluate(&mut |test| term[usize::from(matches!(test, IntendedFocus(_)))])
    };
    condition.evaluate(&mut |test| match test {
        FundingTerms(_, _) if terms.is_empty() => Truth::Unknown,
        FundingTerms(quantifier, condition) => {
            let of_terms = terms.iter().map(|term| of_term(condition, term));
            match quantifier {
                Quantifier::Some => Truth::any(of_terms),
                Quantifier::Every => !Truth::any(of_terms.map(|truth| !truth)),
                Quantifier::None => !Truth::any(of_terms),
            }
        }
        _ => wales,
    })
}

#[test]
fn what_is_said_alike_is_so_of_the_same_initiatives() {
    let mut random = StdRng::seed_from_u64(9);
    let term = |random: &mut StdRng| {
        let tests = [
            DurationMonths(AtMost(18)),
            IntendedFocus(OneOf(vec![EntryPoint::RootCauses])),
        ];
        pick(random, &tests)
    };
    let test = |random: &mut StdRng| {
        let quantifiers = [Quantifier::Some, Quantifier::Every, Quantifier::None];
        let terms = FundingTerms(pick(random, &quantifiers), nested(random, 2, &term));
        pick(random, &[PlaceWithin(named("Wales")), terms])
    };
    let cases = every_case();
    let mut meanings = HashMap::new();
    for _ in 0..5_000 {
        let condition = nested(&mut random, 2, &test);
        let meaning: Vec<Truth> = cases
            .iter()
            .map(|(wales, terms)| holds(&condition, *wales, terms))
            .collect();
        let text = phrase(&condition, Number::Many).text;
        let first = meanings.entry(text.clone()).or_insert_with(|| meaning.clone());
        assert!(
            *first == meaning,
            "{text} is said of {condition:?}, and of what differs from it"
        );
    }
}

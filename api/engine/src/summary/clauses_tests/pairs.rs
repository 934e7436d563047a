//! Renders pairs and groups of conditions.

use super::*;

fn list_conditions() -> Vec<InitiativePredicate> {
    let started = |comparison| test_predicate(StartedOn(comparison));
    let reason = Reasons(
        Challenge::UnderstandingLocalSystem,
        SetComparison::IncludesAny(vec![ChallengeReason::ShortFunding]),
    );
    let change = |extents: &[ChangeExtent]| {
        test_predicate(InitiativeTest::Change(
            ForChange::Governance,
            OneOf(extents.to_vec()),
        ))
    };
    vec![
        test_predicate(PlaceWithin(named_reference("North West"))),
        step_is(&[ChallengeStep::Skipped]),
        step_is(&[ChallengeStep::Rushed, ChallengeStep::Skipped]),
        way_in_is(
            Some(Perspective::Funder),
            &[EntryPoint::RootCauses, EntryPoint::Complexity],
        ),
        change(&[ChangeExtent::Altered, ChangeExtent::Partly]),
        change(&[ChangeExtent::Unchanged]),
        started(AtLeast(date(2020, 4, 1))),
        lead_organisation(organisation_kind(&[
            OrganisationKind::Funder,
            OrganisationKind::PublicBody,
        ])),
        test_predicate(reason),
        test_predicate(PlaceKnown(true)),
        some_term(duration_up_to(18)),
        no_term(research_paid(true)),
    ]
}

fn list_terms() -> Vec<FundingTermPredicate> {
    let funder = organisation_kind(&[OrganisationKind::PublicBody]);
    let tests = [
        DurationMonths(AtMost(18)),
        AmountMinor(Less(1_000_000)),
        Currency(TextComparison::OneOf(vec![owned_text("gbp")])),
        Funder(funder),
        StartsOn(AtLeast(date(2020, 4, 1))),
        choice(FundingChoice::UpfrontResearch, OneOf(vec![false])),
        choice(FundingChoice::Restriction, OneOf(vec![Restriction::Unrestricted])),
        choice(FundingChoice::IntendedFocus, OneOf(vec![EntryPoint::RootCauses])),
        choice(
            FundingChoice::ReportingFrequency,
            OneOf(vec![ReportingFrequency::Monthly]),
        ),
        choice(
            FundingChoice::DeliveryTimeline,
            OneOf(vec![DeliveryTimeline::Adaptable]),
        ),
    ];
    tests.map(test_predicate).into()
}

fn list_pairs<T: Clone>(all: &[T]) -> Vec<[T; 2]> {
    let firsts = all.iter().enumerate();
    firsts
        .flat_map(|(index, one)| all[index + 1..].iter().map(|other| [one.clone(), other.clone()]))
        .collect()
}

fn render(condition: &InitiativePredicate) -> String {
    render_phrase(condition, GrammaticalNumber::Many).text
}

#[test]
fn pairs_of_conditions_are_phrased() {
    let mut phrases = String::new();
    for pair in list_pairs(&list_conditions()) {
        let _ = writeln!(phrases, "{}", render(&all_of(pair.clone())));
        let _ = writeln!(phrases, "{}", render(&any_of(pair.clone())));
        let _ = writeln!(
            phrases,
            "    not: {}",
            render(&not_predicate(all_of(pair.clone())))
        );
        let _ = writeln!(phrases, "    not: {}", render(&not_predicate(any_of(pair))));
    }
    insta::assert_snapshot!(phrases);
}

#[test]
fn pairs_of_funding_terms_are_phrased() {
    let mut phrases = String::new();
    for pair in list_pairs(&list_terms()) {
        let (both, either) = (all_of(pair.clone()), any_of(pair));
        for condition in [
            some_term(both.clone()),
            some_term(either.clone()),
            no_term(both.clone()),
            every_term(both),
            no_term(either.clone()),
            every_term(either),
        ] {
            let _ = writeln!(phrases, "{}", render(&condition));
        }
    }
    insta::assert_snapshot!(phrases);
}

#[test]
fn pairs_of_organisation_tests_are_phrased() {
    let tests = [
        organisation_kind(&[OrganisationKind::CommunityGroup]),
        organisation_kind(&[OrganisationKind::Funder, OrganisationKind::PublicBody]),
        organisation_named("trust"),
        test_predicate(OrganisationTest::Identifier(TextComparison::StartsWith(
            owned_text("gb-chc"),
        ))),
        test_predicate(OrganisationTest::Id(vec![named_reference("Harbour Trust")])),
    ];
    let mut phrases = String::new();
    for [one, other] in list_pairs(&tests) {
        for pair in [
            all_of([one.clone(), other.clone()]),
            any_of([one.clone(), other.clone()]),
            all_of([one, not_predicate(other)]),
        ] {
            let _ = writeln!(phrases, "{}", render(&lead_organisation(pair.clone())));
            let _ = writeln!(
                phrases,
                "    not: {}",
                render(&not_predicate(lead_organisation(pair)))
            );
        }
    }
    insta::assert_snapshot!(phrases);
}

#[test]
fn groups_of_conditions_are_phrased() {
    let mut phrases = String::new();
    let conditions = list_conditions();
    let at = |index: usize| conditions[index % conditions.len()].clone();
    for index in 0..conditions.len() {
        let [a, b, c, d] = [0, 1, 4, 6].map(|step| at(index + step));
        for condition in [
            all_of([a.clone(), b.clone(), c.clone()]),
            any_of([a.clone(), b.clone(), c.clone()]),
            all_of([any_of([a.clone(), b.clone()]), c.clone()]),
            any_of([all_of([a.clone(), b.clone()]), c.clone()]),
            any_of([all_of([a.clone(), b.clone(), c.clone()]), d.clone()]),
            all_of([any_of([a.clone(), b.clone()]), any_of([c.clone(), d.clone()])]),
            any_of([all_of([a.clone(), b.clone()]), all_of([c.clone(), d.clone()])]),
            all_of([a, any_of([b, all_of([c, d])])]),
        ] {
            let _ = writeln!(phrases, "{}", render(&condition));
        }
    }
    insta::assert_snapshot!(phrases);
}

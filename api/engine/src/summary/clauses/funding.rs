//! Clauses about funding terms.

use wayin_records::fields::funding_term::{ChoiceKind, FundingChoice, FundingCode};
use wayin_vocabulary::{
    Choice, DeliveryTimeline, EntryPoint, Labelled, ReportingBasis, ReportingFrequency, Restriction,
};

use super::grammar::{
    BareForm, Clause, Conjunction, GrammaticalNumber, Verb, join_clauses, join_words,
    render_any_or_no_answer, render_did, render_said, render_was, render_was_and_bare, render_were,
};
use super::normal_form::{NormalForm, SignedTest};
use super::organisation::render_organisation;
use super::values::{
    deduplicate, describe_known, find_constant, format_currency, join_labels, join_or, list_shorter,
    remove_negation, render_amounts, render_attribute, render_date_range, render_dates, render_month_range,
    render_months, take_range, to_upper_case,
};
use crate::predicate::{Comparison, FundingTermPredicate, FundingTermTest, Quantifier, TextComparison};

/// "had some funding ...", "had no funding ..." or "had only funding ...".
pub fn render_funding(quantifier: Quantifier, predicate: &FundingTermPredicate, positive: bool) -> Clause {
    // `none P` is `not some P`, and `every P` is `not some (not P)`.
    let has = positive == (quantifier == Quantifier::Some);
    let every = quantifier == Quantifier::Every;
    let form = NormalForm::new(predicate, !every);
    if let Some(constant) = form.constant() {
        let some = if has == constant { "some" } else { "no" };
        return Clause::new(has == constant, Verb::HadSome, format!("had {some} funding"));
    }
    let terms = form.render_parts(Conjunction::And, &render_term_tests);
    if has {
        return render_had_funding(Determiner::Some, terms);
    }
    let opposite = NormalForm::new(predicate, every).render_parts(Conjunction::And, &render_term_tests);
    let is_adjective = matches!(opposite.as_slice(), [one] if one.adjective.is_some());
    // "only funding from" rather than "no funding that was not from", and "only restricted" rather than "no
    // unrestricted".
    if !is_affirmed(&terms) || is_adjective || (every && is_affirmed(&opposite)) {
        return render_had_funding(Determiner::Only, opposite);
    }
    render_had_funding(Determiner::No, terms)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Determiner {
    Some,
    Only,
    No,
}

impl Determiner {
    const fn word(self) -> &'static str {
        match self {
            Self::Some => "some",
            Self::Only => "only",
            Self::No => "no",
        }
    }
}

/// Whether the words begin with an affirmation. Terms joined by "or" come after a denial.
fn is_affirmed(terms: &[Clause]) -> bool {
    terms.iter().all(|term| term.positive)
        || terms
            .iter()
            .any(|term| term.positive && !term.joins_by_other_than(Conjunction::And))
}

/// "had some unrestricted funding of 18 months or less that could be renewed". "no" and "only" are said of all parts
/// together, so several parts are one clause with "both".
fn render_had_funding(determiner: Determiner, terms: Vec<Clause>) -> Clause {
    let has_affirmed = is_affirmed(&terms);
    let (adjectives, others): (Vec<Clause>, Vec<Clause>) =
        terms.into_iter().partition(|term| term.adjective.is_some());
    let is_alone = others.len() == 1;
    let can_follow_noun = |term: &Clause| {
        let can_stand =
            is_alone || (determiner == Determiner::Some && term.bare_form != BareForm::Participle);
        term.bare.is_some() && can_stand && (term.positive || !has_affirmed)
    };
    let (mut after_noun, mut after_that): (Vec<Clause>, Vec<Clause>) =
        others.into_iter().partition(can_follow_noun);
    after_noun.sort_by_key(|term| (term.could_absorb_what_follows(), term.bare_form));
    // "that" could be said of the last of several parts without a verb alone, so all but one take a verb.
    if !after_that.is_empty() {
        let can_precede_that =
            |term: &Clause| !term.could_absorb_what_follows() && term.bare_form == BareForm::Closed;
        let kept = usize::from(after_noun.first().is_some_and(can_precede_that));
        let verbs = after_noun.split_off(kept);
        after_that = verbs.into_iter().chain(after_that).collect();
    }
    let is_open = !after_that.is_empty()
        || after_noun.len() > 1
        || after_noun.iter().any(Clause::could_absorb_what_follows);
    let mut text = format!("had {}", determiner.word());
    for adjective in adjectives.iter().filter_map(|term| term.adjective) {
        text = text + " " + adjective;
    }
    text += " funding";
    if let [before_last @ .., _] = after_noun.as_slice() {
        let has_comma = before_last.iter().any(Clause::could_absorb_what_follows);
        let bare: Vec<String> = after_noun.iter().filter_map(|term| term.bare.clone()).collect();
        text = text + " " + &join_words(Conjunction::And, has_comma, &bare);
    }
    if !after_that.is_empty() {
        let that = join_clauses(Conjunction::And, after_that);
        text = text + " that " + that.text_after_that();
    }
    let is_no = determiner == Determiner::No;
    let verb = if is_no { Verb::HadSome } else { Verb::Did };
    Clause::new(!is_no, verb, text).with_open_end(is_open)
}

fn render_term_tests(conjunction: Conjunction, mut tests: Vec<SignedTest<FundingTermTest>>) -> Vec<Clause> {
    let is_within = conjunction == Conjunction::And;
    let start = take_range(conjunction, &mut tests, |test| match test {
        FundingTermTest::StartsOn(comparison) => Some(comparison),
        _ => None,
    });
    let months = take_range(conjunction, &mut tests, |test| match test {
        FundingTermTest::DurationMonths(comparison) => Some(comparison),
        _ => None,
    });
    let currency = find_currency(conjunction, &tests);
    // An amount in a currency says the currency too.
    let says_amount = |(test, positive): &SignedTest<FundingTermTest>| match test {
        FundingTermTest::AmountMinor(Comparison::Known(_)) => false,
        FundingTermTest::AmountMinor(comparison) => remove_negation(comparison, *positive).1,
        _ => false,
    };
    if currency.is_some() && is_within && tests.iter().any(says_amount) {
        tests.retain(|(test, positive)| {
            !*positive || !matches!(test, FundingTermTest::Currency(TextComparison::OneOf(_)))
        });
    }
    let months = months.map(|range| render_duration(is_within, &render_month_range(&range)));
    let start = start.map(|range| render_planned_start(is_within, &render_date_range(&range)));
    let tests = tests.into_iter();
    tests
        .map(|(test, positive)| render_term_test(test, positive, currency.as_deref()))
        .chain(months)
        .chain(start)
        .collect()
}

/// The currency of the amounts beside it, if it is one. Where "or" joins the tests, the amounts matter only if a test
/// that denies the currency is false.
fn find_currency(conjunction: Conjunction, tests: &[SignedTest<FundingTermTest>]) -> Option<String> {
    let stated = tests.iter().filter_map(|(test, positive)| match test {
        FundingTermTest::Currency(TextComparison::OneOf(codes))
            if *positive == (conjunction == Conjunction::And) =>
        {
            Some(codes)
        }
        _ => None,
    });
    let codes = deduplicate(stated.flatten().map(|code| code.to_uppercase()));
    match codes.as_slice() {
        [code] => Some(code.clone()),
        _ => None,
    }
}

fn render_term_test(test: &FundingTermTest, positive: bool, currency: Option<&str>) -> Clause {
    match test {
        FundingTermTest::Funder(predicate) => {
            let funder = render_organisation(predicate, positive);
            let is_open = funder.could_absorb_what_follows();
            // "that" after the funder could be said of it.
            render_was(funder.positive, format!("from {}", funder.text))
                .with_open_end(is_open)
                .with_open_bare_text()
        }
        FundingTermTest::DurationMonths(Comparison::Known(known)) => {
            let length = if positive == *known { "known" } else { "unknown" };
            render_was(true, format!("of {length} length"))
        }
        FundingTermTest::DurationMonths(comparison) => {
            let (comparison, positive) = remove_negation(comparison, positive);
            render_duration(positive, &render_months(&comparison))
        }
        FundingTermTest::AmountMinor(Comparison::Known(known)) => {
            let amount = describe_known(positive == *known);
            render_was(true, format!("of {amount} amount"))
        }
        FundingTermTest::AmountMinor(comparison) => {
            let (comparison, positive) = remove_negation(comparison, positive);
            let (amounts, takes_of) = render_amounts(&comparison, currency);
            let of = if takes_of { "of " } else { "" };
            render_was_and_bare(positive, &amounts, format!("{of}{amounts}"))
        }
        FundingTermTest::StartsOn(Comparison::Known(known)) => {
            let date = describe_known(positive == *known);
            render_did(true, ["had", "have"], format!("{date} start date"))
                .with_bare_text(format!("with {date} start date"))
        }
        FundingTermTest::StartsOn(comparison) => {
            let (comparison, positive) = remove_negation(comparison, positive);
            render_planned_start(positive, &render_dates(&comparison))
        }
        FundingTermTest::Currency(comparison) => render_currency(comparison, positive),
        FundingTermTest::Choice(choice, comparison) => render_choice(*choice, comparison, positive),
    }
}

fn render_duration(positive: bool, months: &str) -> Clause {
    render_was_and_bare(positive, format!("for {months}"), format!("of {months}"))
}

fn render_planned_start(positive: bool, dates: &str) -> Clause {
    render_was(positive, format!("planned to start {dates}")).with_participle()
}

fn render_currency(comparison: &TextComparison, positive: bool) -> Clause {
    match comparison {
        TextComparison::Known(known) => {
            let currency = describe_known(positive == *known);
            render_was(true, format!("in {currency} currency"))
        }
        TextComparison::OneOf(codes) => {
            let currencies = join_or(codes.iter().map(|code| format_currency(&code.to_uppercase())));
            render_was(positive, format!("in {currencies}"))
        }
        _ => {
            let (positive, code) = render_attribute("code", "its", &to_upper_case(comparison), positive);
            render_was(positive, format!("in a currency with {code}"))
        }
    }
}

fn render_choice(choice: FundingChoice, comparison: &Comparison<u8>, positive: bool) -> Clause {
    let question = match choice.kind() {
        ChoiceKind::YesNo(words) => words.question,
        ChoiceKind::Code(FundingCode::IntendedFocus) => "what it was meant for",
        ChoiceKind::Code(FundingCode::ReportingFrequency) => "how often to report",
        ChoiceKind::Code(FundingCode::Restriction) => "whether it was restricted",
        ChoiceKind::Code(FundingCode::ReportingBasis) => "what was to be reported on",
        ChoiceKind::Code(FundingCode::DeliveryTimeline) => "whether its timeline could move",
    };
    if let Comparison::Known(known) = comparison {
        return render_said(positive == *known, question);
    }
    let answers: Vec<u8> = (0..=u8::MAX).take(choice.count_answers()).collect();
    if let Some(allows_all) = find_constant(&answers, |answer| comparison.matches(&answer) == positive) {
        return render_any_or_no_answer(allows_all, question);
    }
    let code = match choice.kind() {
        ChoiceKind::Code(code) => code,
        ChoiceKind::YesNo(words) => {
            return render_choice_of_two(comparison, positive, |is_yes: bool| {
                Clause::new(is_yes, Verb::Did, if is_yes { words.yes } else { words.no })
            });
        }
    };
    match code {
        FundingCode::IntendedFocus => {
            let (points, positive) = list_shorter_choices::<EntryPoint>(comparison, positive);
            render_was(positive, format!("meant for {}", join_labels(&points))).with_participle()
        }
        FundingCode::ReportingFrequency => render_reporting_frequency(comparison, positive),
        FundingCode::Restriction => render_choice_of_two(comparison, positive, |restriction: Restriction| {
            let label = restriction.label();
            render_were(true, GrammaticalNumber::One, label).with_adjective(label)
        }),
        FundingCode::ReportingBasis => render_choice_of_two(comparison, positive, |basis: ReportingBasis| {
            let reporting = match basis {
                ReportingBasis::FixedTargets => "reporting on fixed targets",
                ReportingBasis::Adaptable => basis.label(),
            };
            render_did(true, ["asked", "ask"], format!("for {reporting}"))
                .with_open_end(basis == ReportingBasis::Adaptable)
        }),
        FundingCode::DeliveryTimeline => {
            render_choice_of_two(comparison, positive, |timeline: DeliveryTimeline| {
                let label = timeline.label();
                render_did(true, ["had", "have"], label)
                    .with_bare_text(format!("with {label}"))
                    .with_open_end(timeline == DeliveryTimeline::Adaptable)
            })
        }
    }
}

fn list_shorter_choices<T: Choice>(comparison: &Comparison<u8>, positive: bool) -> (Vec<T>, bool) {
    list_shorter(T::ALL, |value| comparison.matches(&value.number()), positive)
}

/// A test of one of two values. A known answer that is not the one is the other, so no negation is needed.
fn render_choice_of_two<T: Choice>(
    comparison: &Comparison<u8>,
    positive: bool,
    render: impl Fn(T) -> Clause,
) -> Clause {
    let allows_first = comparison.matches(&T::ALL[0].number()) == positive;
    render(T::ALL[usize::from(!allows_first)])
}

fn render_reporting_frequency(comparison: &Comparison<u8>, positive: bool) -> Clause {
    let never = ReportingFrequency::None;
    let is_possible = |frequency: &ReportingFrequency| comparison.matches(&frequency.number()) == positive;
    let all = ReportingFrequency::ALL;
    let (mut listed, excluded): (Vec<ReportingFrequency>, Vec<ReportingFrequency>) =
        all.iter().copied().partition(is_possible);
    if listed == [never] {
        return Clause::new(false, Verb::Did, "never asked for a report");
    }
    if excluded == [never] {
        return Clause::new(true, Verb::Did, "asked for a report");
    }
    // "did not ask for a report never" is hard to read, so the other frequencies are listed.
    let is_denial_shorter = excluded.len() < listed.len() && !excluded.contains(&never);
    if is_denial_shorter {
        listed = excluded;
    }
    let labels = listed.iter().map(|frequency| match frequency {
        // "for a report every year or for none".
        ReportingFrequency::None => "for none".to_owned(),
        other => other.label().to_owned(),
    });
    render_did(
        !is_denial_shorter,
        ["asked", "ask"],
        format!("for a report {}", join_or(labels)),
    )
}

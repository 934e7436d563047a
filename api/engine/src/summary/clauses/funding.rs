//! Clauses about funding terms.

use wayin_records::fields::funding_term::{ChoiceKind, FundingChoice, FundingCode};
use wayin_vocabulary::{
    Choice, DeliveryTimeline, EntryPoint, Labelled, ReportingBasis, ReportingFrequency, Restriction,
};

use super::grammar::{
    Boundary, Clause, GrammaticalNumber, Verb, render_did, render_said, render_was, render_were,
};
use super::normal_form::NormalForm;
use super::organisation::render_organisation;
use super::values::{
    join_labels, join_or, list_matching, remove_negation, render_amounts, render_attribute, render_dates,
    render_months,
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
    let terms = form.render(&render_term_test);
    let opposite = NormalForm::new(predicate, every).render(&render_term_test);
    if has {
        return render_had_funding(true, "some", Verb::Did, terms);
    }
    // "only funding from" rather than "no funding that was not from".
    if !terms.positive || (every && opposite.positive) {
        return render_had_funding(true, "only", Verb::Did, opposite);
    }
    render_had_funding(false, "no", Verb::HadSome, terms)
}

fn render_had_funding(positive: bool, determiner: &str, verb: Verb, terms: Clause) -> Clause {
    let (rest, boundary) = match terms.bare {
        Some(bare) if terms.positive => (bare, terms.boundary),
        _ => (format!("that {}", terms.text), terms.boundary.max(Boundary::Open)),
    };
    Clause::new(positive, verb, format!("had {determiner} funding {rest}")).with_boundary_at_least(boundary)
}

fn render_term_test(test: &FundingTermTest, positive: bool) -> Clause {
    match test {
        FundingTermTest::Funder(predicate) => {
            let funder = render_organisation(predicate, positive);
            render_was(funder.positive, format!("from {}", funder.text))
                .with_boundary_at_least(funder.boundary)
        }
        FundingTermTest::DurationMonths(comparison) => {
            render_number(comparison, positive, "how long it was for", |comparison| {
                format!("of {}", render_months(comparison))
            })
        }
        FundingTermTest::AmountMinor(comparison) => {
            render_number(comparison, positive, "how much it was", |comparison| {
                format!("of {}", render_amounts(comparison))
            })
        }
        FundingTermTest::StartsOn(comparison) => {
            render_number(comparison, positive, "when it was to start", |comparison| {
                format!("planned to start {}", render_dates(comparison))
            })
        }
        FundingTermTest::Currency(comparison) => render_currency(comparison, positive),
        FundingTermTest::Choice(choice, comparison) => render_choice(*choice, comparison, positive),
    }
}

/// A comparison of a number or date of a term. `question` says what a test of `Known` asks.
fn render_number<T: Copy>(
    comparison: &Comparison<T>,
    positive: bool,
    question: &str,
    render: impl Fn(&Comparison<T>) -> String,
) -> Clause {
    if let Comparison::Known(known) = comparison {
        return render_said(positive == *known, question);
    }
    let (comparison, positive) = remove_negation(comparison, positive);
    render_was(positive, render(&comparison))
}

fn render_currency(comparison: &TextComparison, positive: bool) -> Clause {
    let currency = match comparison {
        TextComparison::Known(known) => return render_said(positive == *known, "which currency it was in"),
        TextComparison::OneOf(codes) => join_or(codes.iter().map(|code| code.to_uppercase())),
        _ => format!("a currency with {}", render_attribute("code", comparison, true).1),
    };
    render_was(positive, format!("in {currency}"))
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
    let code = match choice.kind() {
        ChoiceKind::Code(code) => code,
        ChoiceKind::YesNo(words) => {
            return render_choice_of_two(comparison, positive, question, |is_yes: bool| {
                Clause::new(is_yes, Verb::Did, if is_yes { words.yes } else { words.no })
            });
        }
    };
    match code {
        FundingCode::IntendedFocus => {
            let (points, positive) = list_matching_choices::<EntryPoint>(comparison, positive);
            render_was(positive, format!("meant for {}", join_labels(&points)))
        }
        FundingCode::ReportingFrequency => render_reporting_frequency(comparison, positive),
        FundingCode::Restriction => {
            render_choice_of_two(comparison, positive, question, |restriction: Restriction| {
                render_were(true, GrammaticalNumber::One, restriction.label())
            })
        }
        FundingCode::ReportingBasis => {
            render_choice_of_two(comparison, positive, question, |basis: ReportingBasis| {
                render_did(true, ["asked", "ask"], format!("for {}", basis.label()))
                    .with_boundary_at_least(Boundary::Open)
            })
        }
        FundingCode::DeliveryTimeline => {
            render_choice_of_two(comparison, positive, question, |timeline: DeliveryTimeline| {
                render_did(true, ["had", "have"], timeline.label())
                    .with_bare_text(format!("with {}", timeline.label()))
                    .with_boundary_at_least(Boundary::Open)
            })
        }
    }
}

fn list_matching_choices<T: Choice>(comparison: &Comparison<u8>, positive: bool) -> (Vec<T>, bool) {
    list_matching(T::ALL, |value| comparison.matches(&value.number()), positive)
}

/// A test of one of two values. A known answer that is not the one is the other, so no negation is needed.
fn render_choice_of_two<T: Choice>(
    comparison: &Comparison<u8>,
    positive: bool,
    question: &str,
    render: impl Fn(T) -> Clause,
) -> Clause {
    let matches = |value: &&T| comparison.matches(&value.number()) == positive;
    match T::ALL.iter().filter(matches).collect::<Vec<_>>().as_slice() {
        [] => render_said(false, question),
        [value] => render(**value),
        _ => render_said(true, question),
    }
}

fn render_reporting_frequency(comparison: &Comparison<u8>, positive: bool) -> Clause {
    let never = ReportingFrequency::None;
    let (mut listed, mut positive) = list_matching_choices::<ReportingFrequency>(comparison, positive);
    if listed == [never] {
        let never_asked = if positive { "never asked" } else { "asked" };
        return Clause::new(!positive, Verb::Did, format!("{never_asked} for a report"));
    }
    // "did not ask for a report never" is hard to read, so the other frequencies are listed.
    if !positive && listed.contains(&never) && listed.len() < ReportingFrequency::ALL.len() {
        let all = ReportingFrequency::ALL.iter().copied();
        listed = all.filter(|frequency| !listed.contains(frequency)).collect();
        positive = true;
    }
    render_did(
        positive,
        ["asked", "ask"],
        format!("for a report {}", join_labels(&listed)),
    )
}

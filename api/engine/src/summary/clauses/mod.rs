//! Predicates on initiatives as verb phrases, in the words of the vocabulary's labels.

mod funding;
mod grammar;
mod normal_form;
mod organisation;
mod values;

use chrono::NaiveDate;
use wayin_vocabulary::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Condition as ConditionForChange, EntryPoint,
    Labelled, Perspective,
};

use self::funding::render_funding;
pub(super) use self::grammar::GrammaticalNumber;
use self::grammar::{
    Clause, Conjunction, Verb, render_any_or_no_answer, render_did, render_said, render_were,
    render_with_auxiliary,
};
use self::normal_form::{NormalForm, SignedTest};
use self::organisation::render_organisation;
use self::values::{
    deduplicate, find_constant, format_place, has_several, join_and, join_labels, join_or, quote,
    remove_negation, render_attribute, render_date_range, render_dates, render_moments, take_range,
};
use super::{format_count, join_list};
use crate::predicate::{
    Comparison, CrisisPeriod, InitiativePredicate, InitiativeTest, SetComparison, WayInComparison,
};

/// A predicate as a verb phrase in the past tense.
pub(super) struct Phrase {
    pub text: String,
    /// Repeats the phrase: "did", "were not".
    pub echo: &'static str,
    /// Denies the phrase: "did not", "were".
    pub denial: &'static str,
}

/// The predicate in words that follow "an initiative that" or "initiatives that".
pub(super) fn render_phrase(predicate: &InitiativePredicate, number: GrammaticalNumber) -> Phrase {
    let form = NormalForm::new(predicate, true);
    let clause = match form.constant() {
        Some(true) => render_with_auxiliary(true, Verb::Is, number, "on record"),
        Some(false) => Clause::new(true, Verb::Did, "met an impossible condition"),
        None => form.render(&|conjunction, tests| render_tests(conjunction, tests, number)),
    };
    // "did the same" repeats several verbs, whether or not they are negated.
    let positive = clause.positive || clause.verb == Verb::Several;
    Phrase {
        echo: clause.verb.render(positive, number),
        denial: clause.verb.render(!positive, number),
        text: clause.text,
    }
}

fn render_tests(
    conjunction: Conjunction,
    mut tests: Vec<SignedTest<InitiativeTest>>,
    number: GrammaticalNumber,
) -> Vec<Clause> {
    let started = take_range(conjunction, &mut tests, |test| match test {
        InitiativeTest::StartedOn(comparison) => Some(comparison),
        _ => None,
    });
    let ended = take_range(conjunction, &mut tests, |test| match test {
        InitiativeTest::EndedOn(comparison) => Some(comparison),
        _ => None,
    });
    let ranges = [(STARTED, started), (ENDED, ended)].into_iter();
    let ranges = ranges.filter_map(|(verb, range)| {
        let is_within = conjunction == Conjunction::And;
        Some(render_did(is_within, verb, render_date_range(&range?)))
    });
    let tests = tests.into_iter();
    tests
        .map(|(test, positive)| render_test(test, positive, number))
        .chain(ranges)
        .collect()
}

const STARTED: [&str; 2] = ["started", "start"];
const ENDED: [&str; 2] = ["ended", "end"];

fn render_test(test: &InitiativeTest, positive: bool, number: GrammaticalNumber) -> Clause {
    const WORKED: [&str; 2] = ["worked", "work"];
    match test {
        InitiativeTest::Id(ids) => match ids.len() {
            1 => render_were(positive, number, "the one chosen"),
            count => {
                let count = format_count(count as u64);
                render_were(positive, number, format!("among the {count} chosen"))
            }
        },
        InitiativeTest::Title(comparison) => {
            let (positive, title) = render_attribute("title", number.possessive(), comparison, positive);
            render_did(positive, ["had", "have"], title)
        }
        InitiativeTest::PlaceIs(place) => render_did(
            positive,
            WORKED,
            format!("in {} itself", format_place(&place.name)),
        ),
        InitiativeTest::PlaceWithin(place) => {
            render_did(positive, WORKED, format!("in {}", format_place(&place.name)))
        }
        InitiativeTest::PlaceKnown(known) => render_said(
            positive == *known,
            number.choose("where it works", "where they work"),
        ),
        InitiativeTest::LeadOrganisation(predicate) => {
            let lead = render_organisation(predicate, positive);
            render_were(lead.positive, number, format!("led by {}", lead.text))
                .with_open_end(lead.could_absorb_what_follows())
        }
        InitiativeTest::StartedOn(comparison) => render_event(STARTED, comparison, positive, number),
        InitiativeTest::EndedOn(comparison) => render_event(ENDED, comparison, positive, number),
        InitiativeTest::UpdatedAt(comparison) => {
            let (comparison, positive) = remove_negation(comparison, positive);
            render_were(
                positive,
                number,
                format!("last updated {}", render_moments(&comparison)),
            )
        }
        InitiativeTest::ActiveDuring(crisis) => render_did(positive, ["ran", "run"], render_crisis(crisis)),
        InitiativeTest::StartedDuring(crisis) => {
            render_did(positive, ["started", "start"], render_crisis(crisis))
        }
        InitiativeTest::FundedDuring(crisis) => {
            let quantity = if positive { "some" } else { "any" };
            let funding = format!("{quantity} funding that started {}", render_crisis(crisis));
            render_did(positive, ["had", "have"], funding)
        }
        InitiativeTest::WayIn(perspective, comparison) => {
            render_way_in(*perspective, comparison, positive, number)
        }
        InitiativeTest::EntryPoints(perspective, comparison) => {
            render_entry_points(*perspective, comparison, positive, number)
        }
        InitiativeTest::Step(challenge, comparison) => render_step(*challenge, comparison, positive, number),
        InitiativeTest::Reasons(challenge, comparison) => {
            render_reasons(*challenge, comparison, positive, number)
        }
        InitiativeTest::Change(condition, comparison) => {
            render_change(*condition, comparison, positive, number)
        }
        InitiativeTest::FundingTerms(quantifier, predicate) => {
            render_funding(*quantifier, predicate, positive)
        }
        InitiativeTest::FundingTermsRecorded(recorded) => {
            let positive = positive == *recorded;
            let no = if positive { "" } else { "no " };
            let has = number.choose("has", "have");
            Clause::new(positive, Verb::Has, format!("{has} {no}funding on record"))
        }
    }
}

/// When an initiative started or ended.
fn render_event(
    verb: [&str; 2],
    comparison: &Comparison<NaiveDate>,
    positive: bool,
    number: GrammaticalNumber,
) -> Clause {
    if let Comparison::Known(known) = comparison {
        return render_said(
            positive == *known,
            format!("when {} {}", number.pronoun(), verb[0]),
        );
    }
    let (comparison, positive) = remove_negation(comparison, positive);
    render_did(positive, verb, render_dates(&comparison))
}

/// The period and the places of a crisis, such as "during the flood in an affected place".
fn render_crisis(crisis: &CrisisPeriod) -> String {
    let place = if crisis.places.is_empty() {
        ""
    } else {
        " in an affected place"
    };
    // The article is lower case in the middle of a sentence.
    let name = match crisis.name.strip_prefix("The ") {
        Some(rest) => format!("the {rest}"),
        None => crisis.name.clone(),
    };
    format!("during {name}{place}")
}

fn render_way_in(
    perspective: Option<Perspective>,
    comparison: &WayInComparison,
    positive: bool,
    number: GrammaticalNumber,
) -> Clause {
    let question = format!("how {} started", number.pronoun());
    let points = match comparison {
        WayInComparison::OneOf(points) => points,
        WayInComparison::Known(known) => {
            return render_known_view(perspective, positive == *known, &question);
        }
    };
    if let Some(allows_all) = find_constant(EntryPoint::ALL, |point| points.contains(&point) == positive) {
        return render_any_or_no_view(perspective, allows_all, &question);
    }
    let rest = format!("from {}", join_labels(points));
    render_did_in_view(perspective, positive, STARTED, rest)
}

fn render_entry_points(
    perspective: Option<Perspective>,
    comparison: &SetComparison<EntryPoint>,
    positive: bool,
    number: GrammaticalNumber,
) -> Clause {
    let question = format!("which entry points {} took", number.pronoun());
    if let SetComparison::IncludesAny(points) = comparison
        && let Some(allows_all) = find_constant(EntryPoint::ALL, |point| points.contains(&point) == positive)
    {
        return render_any_or_no_view(perspective, allows_all, &question);
    }
    let points = match comparison {
        SetComparison::IncludesAll(points) if has_several(points) => {
            let labels = points.iter().map(|point| point.label().to_owned());
            format!("{} as entry points", join_and(labels, positive))
        }
        SetComparison::IncludesAll(points) | SetComparison::IncludesAny(points) => {
            format!("{} as an entry point", join_labels(points))
        }
        SetComparison::Known(known) => return render_known_view(perspective, positive == *known, &question),
    };
    render_did_in_view(perspective, positive, ["took", "take"], points)
}

/// "took ..", or "took, in the community's view, ..". The view comes before what it could be said of.
fn render_did_in_view(
    perspective: Option<Perspective>,
    positive: bool,
    [past, plain]: [&str; 2],
    rest: String,
) -> Clause {
    let Some(view) = perspective.map(describe_view) else {
        return render_did(positive, [past, plain], rest);
    };
    let text = if positive {
        format!("{past}, in {view}, {rest}")
    } else {
        format!("did not, in {view}, {plain} {rest}")
    };
    Clause::new(positive, Verb::Did, text)
}

/// "the funders' view".
fn describe_view(perspective: Perspective) -> String {
    let label = perspective.label();
    let whose = label.strip_prefix("the ").unwrap_or(label);
    let ending = if whose.ends_with('s') { "'" } else { "'s" };
    format!("the {whose}{ending} view")
}

/// Whether an answer is recorded from a perspective, or from any.
fn render_known_view(perspective: Option<Perspective>, positive: bool, question: &str) -> Clause {
    match perspective {
        None => render_said(positive, question),
        Some(one) => {
            let view = format!("{} of {question}", describe_view(one));
            render_did(positive, ["gave", "give"], view).with_open_end(true)
        }
    }
}

/// A test of a view that allows all answers or none.
fn render_any_or_no_view(perspective: Option<Perspective>, allows_all: bool, question: &str) -> Clause {
    match (perspective, allows_all) {
        (None, _) => render_any_or_no_answer(allows_all, question),
        (Some(_), true) => render_known_view(perspective, true, question),
        (Some(_), false) => {
            let answer = format!("an impossible answer on {question}");
            render_did_in_view(perspective, true, ["gave", "give"], answer).with_open_end(true)
        }
    }
}

/// A challenge's label. Labels are in the plural.
fn render_challenge(challenge: Challenge, number: GrammaticalNumber) -> String {
    let possessive = number.possessive();
    let words = challenge.label().split(' ');
    let agreeing = words.map(|word| if word == "their" { possessive } else { word });
    agreeing.collect::<Vec<_>>().join(" ")
}

/// Names the steps that remain rather than denies those that are excluded, except that "did not skip" is said as such.
fn render_step(
    challenge: Challenge,
    comparison: &Comparison<ChallengeStep>,
    positive: bool,
    number: GrammaticalNumber,
) -> Clause {
    let challenge = render_challenge(challenge, number);
    let question = format!("how {} went about {challenge}", number.pronoun());
    if let Comparison::Known(known) = comparison {
        return render_said(positive == *known, question);
    }
    let is_possible = |step: &ChallengeStep| comparison.matches(step) == positive;
    let [taken, rushed, skipped] = [
        ChallengeStep::Taken,
        ChallengeStep::Rushed,
        ChallengeStep::Skipped,
    ]
    .map(|step| is_possible(&step));
    let (is_affirmed, verbs) = match (taken, rushed, skipped) {
        (true, false, false) => (true, "took time over"),
        (false, true, false) => (true, "rushed"),
        (false, false, true) => (true, "skipped"),
        (true, true, false) => (false, "did not skip"),
        (true, false, true) => (true, "took time over or skipped"),
        (false, true, true) => (true, "rushed or skipped"),
        (true, true, true) | (false, false, false) => return render_any_or_no_answer(taken, question),
    };
    let clause = Clause::new(is_affirmed, Verb::Did, format!("{verbs} {challenge}"));
    if verbs.contains(" or ") {
        clause.with_verbs_joined_by_or()
    } else {
        clause
    }
}

/// Reasons are in quotation marks, because some labels are whole clauses.
fn render_reasons(
    challenge: Challenge,
    comparison: &SetComparison<ChallengeReason>,
    positive: bool,
    number: GrammaticalNumber,
) -> Clause {
    let quotes =
        |codes: &[ChallengeReason]| -> Vec<String> { codes.iter().map(|code| quote(code.label())).collect() };
    let purpose = format!("to rush or skip {}", render_challenge(challenge, number));
    let (positive, reasons) = match comparison {
        SetComparison::IncludesAny(codes) if ChallengeReason::ALL.iter().all(|one| codes.contains(one)) => {
            let reason = if positive {
                "a reason"
            } else {
                "an impossible reason"
            };
            (true, reason.into())
        }
        SetComparison::IncludesAny(codes) if has_several(codes) && !positive => {
            let reasons = join_list(deduplicate(quotes(codes)), "nor");
            let text = format!("gave neither {reasons} as a reason {purpose}");
            return Clause::new(false, Verb::Did, text).with_open_end(true);
        }
        SetComparison::IncludesAll(codes) if has_several(codes) => (
            positive,
            format!("{} as reasons", join_and(quotes(codes), positive)),
        ),
        SetComparison::IncludesAll(codes) | SetComparison::IncludesAny(codes)
            if codes.iter().all(|code| *code == ChallengeReason::Other) =>
        {
            (positive, ChallengeReason::Other.label().into())
        }
        SetComparison::IncludesAll(codes) | SetComparison::IncludesAny(codes) => {
            (positive, format!("{} as a reason", join_or(quotes(codes))))
        }
        SetComparison::Known(known) => (positive == *known, "a reason".into()),
    };
    render_did(positive, ["gave", "give"], format!("{reasons} {purpose}")).with_open_end(true)
}

/// Names the extents that remain rather than denies those that are excluded.
fn render_change(
    condition: ConditionForChange,
    comparison: &Comparison<ChangeExtent>,
    positive: bool,
    number: GrammaticalNumber,
) -> Clause {
    let label = condition.label();
    let noun = label.strip_prefix("the ").unwrap_or(label);
    let condition = format!("{} {noun}", number.possessive());
    let question = format!("whether {} changed {condition}", number.pronoun());
    if let Comparison::Known(known) = comparison {
        return render_said(positive == *known, question);
    }
    let is_possible = |extent: &ChangeExtent| comparison.matches(extent) == positive;
    let [altered, partly, unchanged] = [
        ChangeExtent::Altered,
        ChangeExtent::Partly,
        ChangeExtent::Unchanged,
    ]
    .map(|one| is_possible(&one));
    let extent = match (altered, partly, unchanged) {
        (true, false, false) => "fully",
        (false, true, false) => "partly",
        (true, true, false) => "at least partly",
        (false, true, true) => "partly or not at all",
        (true, false, true) => "fully or not at all",
        (false, false, true) => return Clause::new(true, Verb::Did, format!("left {condition} unchanged")),
        (true, true, true) | (false, false, false) => return render_any_or_no_answer(altered, question),
    };
    Clause::new(true, Verb::Did, format!("changed {condition} {extent}"))
}

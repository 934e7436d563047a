//! Conditions as verb phrases, put in words from the vocabulary's labels.
//!
//! A condition is first made plain: "not" is carried down to the tests, by the
//! rules that hold for UNKNOWN too, and what is always or never so is left out.
//! So no phrase says "not" twice, and parts that are joined alike need no
//! brackets. The same is done for the conditions on funding terms and on
//! organisations that stand within tests.

use std::fmt::Display;

use chrono::NaiveDate;
use wayin_records::fields::funding_term::{ChoiceKind, FundingChoice, FundingCode};
use wayin_vocabulary::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Choice, DeliveryTimeline, EntryPoint,
    OrganisationKind, Perspective, ReportingBasis, ReportingFrequency, Restriction,
};

use super::count;
use crate::predicate::{
    Comparison, Condition, CrisisPeriod, InitiativeCondition, InitiativeTest, OrganisationCondition,
    OrganisationTest, Quantifier, SetComparison, TermCondition, TermTest, TextComparison, WayInComparison,
};
use crate::three_valued::Truth;
use wayin_vocabulary::Labelled;

/// How many initiatives a phrase speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    One,
    Many,
}

impl Number {
    /// The number that agrees with a count; none are spoken of as many.
    pub(super) const fn of(count: u64) -> Self {
        if count == 1 { Self::One } else { Self::Many }
    }

    fn choose<T>(self, one: T, many: T) -> T {
        match self {
            Self::One => one,
            Self::Many => many,
        }
    }

    fn they(self) -> &'static str {
        self.choose("it", "they")
    }
}

/// A condition as a verb phrase in the past tense.
pub(super) struct Phrase {
    pub text: String,
    /// Stands for the phrase when it is said again: "did", "were not".
    pub echo: &'static str,
    /// Stands for its opposite: "did not", "were".
    pub denied: &'static str,
}

/// The condition in words that follow "an initiative that" or "initiatives that".
pub(super) fn phrase(condition: &InitiativeCondition, number: Number) -> Phrase {
    let condition = Plain::of(condition, true);
    let words = match condition.constant() {
        Some(so) => with_auxiliary(so, Verb::Is, number, "in the base"),
        None => condition.say(&|test, so| initiative(test, so, number)),
    };
    Phrase {
        echo: words.verb.again(words.so, number),
        denied: words.verb.again(!words.so, number),
        text: words.text,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum With {
    And,
    Or,
}

/// A condition in which "not" stands with the tests alone, no joint stands
/// directly within the same joint, and no part is without tests.
#[derive(PartialEq)]
enum Plain<'a, T> {
    /// A test, and whether it is to be so.
    Test(&'a T, bool),
    Joined(With, Vec<Self>),
}

impl<'a, T: PartialEq> Plain<'a, T> {
    /// The condition, or what it is not.
    fn of(condition: &'a Condition<T>, so: bool) -> Self {
        match condition {
            Condition::All(parts) => Self::joined(if so { With::And } else { With::Or }, parts, so),
            Condition::Any(parts) => Self::joined(if so { With::Or } else { With::And }, parts, so),
            Condition::Not(part) => Self::of(part, !so),
            Condition::Test(test) => Self::Test(test, so),
        }
    }

    fn joined(with: With, parts: &'a [Condition<T>], so: bool) -> Self {
        let mut flat = Vec::new();
        for part in parts.iter().map(|part| Self::of(part, so)) {
            match part {
                Self::Joined(inner, parts) if inner == with => flat.extend(parts),
                // What is always so decides an "or", what is never so decides an "and".
                Self::Joined(inner, parts) if parts.is_empty() => return Self::Joined(inner, parts),
                part => flat.push(part),
            }
        }
        let mut flat = once(flat);
        if flat.len() == 1 {
            flat.remove(0)
        } else {
            Self::Joined(with, flat)
        }
    }

    /// Whether it is always so, or never; none where that depends.
    fn constant(&self) -> Option<bool> {
        match self {
            Self::Joined(with, parts) if parts.is_empty() => Some(*with == With::And),
            _ => None,
        }
    }

    fn say(&self, test: &impl Fn(&T, bool) -> Words) -> Words {
        match self {
            Self::Test(one, so) => test(one, *so),
            Self::Joined(with, parts) => join(*with, parts.iter().map(|part| part.say(test)).collect()),
        }
    }
}

/// The verb that a phrase is said again with.
#[derive(Clone, Copy)]
enum Verb {
    Did,
    Was,
    Is,
    Has,
    HadSome,
    /// Several verbs that are joined.
    Several,
}

impl Verb {
    fn again(self, so: bool, number: Number) -> &'static str {
        match (self, so) {
            (Self::Did, true) => "did",
            (Self::Did, false) => "did not",
            (Self::Was, true) => number.choose("was", "were"),
            (Self::Was, false) => number.choose("was not", "were not"),
            (Self::Is, true) => number.choose("is", "are"),
            (Self::Is, false) => number.choose("is not", "are not"),
            (Self::Has, true) => number.choose("has", "have"),
            (Self::Has, false) => number.choose("has none", "have none"),
            (Self::HadSome, true) => "had some",
            (Self::HadSome, false) => "had none",
            (Self::Several, true) => "did the same",
            (Self::Several, false) => "did not do the same",
        }
    }
}

/// Whether words that follow could be taken for a part of a phrase.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    Whole,
    /// It ends in a clause, so that they could.
    Open,
    /// It joins verbs, so that words before it could be, too.
    Joined,
}

/// A verb phrase on its way into a sentence.
struct Words {
    text: String,
    /// The phrase without its verb, where that is enough: "of 18 months" for "was of 18 months".
    bare: Option<String>,
    /// Whether it says that something is so, rather than that it is not.
    so: bool,
    verb: Verb,
    shape: Shape,
}

impl Words {
    fn of(so: bool, verb: Verb, text: String) -> Self {
        Self {
            text,
            bare: None,
            so,
            verb,
            shape: Shape::Whole,
        }
    }

    fn at_least(mut self, shape: Shape) -> Self {
        self.shape = self.shape.max(shape);
        self
    }

    fn or_bare(mut self, bare: impl Into<String>) -> Self {
        self.bare = Some(bare.into());
        self
    }
}

/// "skipped ..." or "did not skip ...".
fn did(so: bool, past: &str, plain: &str, rest: impl Display) -> Words {
    let text = if so {
        format!("{past} {rest}")
    } else {
        format!("did not {plain} {rest}")
    };
    Words::of(so, Verb::Did, text)
}

/// "were led by ..." or "were not led by ...".
fn with_auxiliary(so: bool, verb: Verb, number: Number, rest: impl Display) -> Words {
    Words::of(so, verb, format!("{} {rest}", verb.again(so, number)))
}

fn were(so: bool, number: Number, rest: impl Display) -> Words {
    with_auxiliary(so, Verb::Was, number, rest)
}

/// What a funding term or an organisation was, where the verb may be left out.
fn was(so: bool, rest: impl Display) -> Words {
    were(so, Number::One, &rest).or_bare(rest.to_string())
}

/// Whether something is on record: "said where they work".
fn said(so: bool, what: impl Display) -> Words {
    did(so, "said", "say", what).at_least(Shape::Open)
}

fn join(with: With, parts: Vec<Words>) -> Words {
    let so = parts.iter().any(|part| part.so);
    let last = parts.len().saturating_sub(1);
    let texts: Vec<String> = parts
        .into_iter()
        .enumerate()
        .map(|(place, part)| match part.shape {
            Shape::Whole => part.text,
            Shape::Open if place == last => part.text,
            Shape::Open | Shape::Joined => format!("({})", part.text),
        })
        .collect();
    let text = texts.join(match with {
        With::And => " and ",
        With::Or => " or ",
    });
    Words {
        so,
        ..Words::of(true, Verb::Several, text).at_least(Shape::Joined)
    }
}

fn initiative(test: &InitiativeTest, so: bool, number: Number) -> Words {
    let they = number.they();
    match test {
        InitiativeTest::Id(ids) => match ids.len() {
            1 => were(so, number, "the one chosen"),
            chosen => were(so, number, format!("among the {} chosen", count(chosen as u64))),
        },
        InitiativeTest::Title(comparison) => {
            let (so, title) = attribute("title", comparison, so);
            did(so, "had", "have", title)
        }
        InitiativeTest::PlaceIs(place) => did(so, "worked", "work", format!("in {} itself", place.name)),
        InitiativeTest::PlaceWithin(place) => did(so, "worked", "work", format!("in {}", place.name)),
        InitiativeTest::PlaceKnown(known) => said(
            so == *known,
            format!("where {they} {}", number.choose("works", "work")),
        ),
        InitiativeTest::LeadOrganisation(condition) => {
            let lead = organisation(condition, so);
            were(lead.so, number, format!("led by {}", lead.text)).at_least(lead.shape)
        }
        InitiativeTest::StartedOn(Comparison::Known(known)) => {
            said(so == *known, format!("when {they} started"))
        }
        InitiativeTest::StartedOn(comparison) => {
            let (comparison, so) = without_not(comparison, so);
            did(so, "started", "start", days(&comparison))
        }
        InitiativeTest::EndedOn(Comparison::Known(known)) => said(so == *known, format!("when {they} ended")),
        InitiativeTest::EndedOn(comparison) => {
            let (comparison, so) = without_not(comparison, so);
            did(so, "ended", "end", days(&comparison))
        }
        InitiativeTest::ActiveDuring(crisis) => were(so, number, at_work_during(crisis)),
        InitiativeTest::WayIn(perspective, comparison) => way_in(*perspective, comparison, so, number),
        InitiativeTest::EntryPoints(perspective, comparison) => {
            entry_points(*perspective, comparison, so, number)
        }
        InitiativeTest::Step(challenge, comparison) => step(*challenge, comparison, so, number),
        InitiativeTest::Reasons(challenge, comparison) => reasons(*challenge, comparison, so, number),
        InitiativeTest::Change(condition, Comparison::Known(known)) => {
            said(so == *known, format!("what became of {}", condition.label()))
        }
        InitiativeTest::Change(condition, comparison) => {
            let (changes, so) = codes(comparison, ChangeExtent::ALL, so);
            let seen = format!("{} {}", condition.label(), labels(&changes));
            did(so, "saw", "see", seen)
        }
        InitiativeTest::FundingTerms(quantifier, condition) => funding(*quantifier, condition, so),
        InitiativeTest::AnyTermRecorded(recorded) => term_on_record(so == *recorded, number),
    }
}

fn at_work_during(crisis: &CrisisPeriod) -> String {
    let place = if crisis.places.is_empty() {
        ""
    } else {
        " in an affected place"
    };
    // Within a sentence a name that begins with the article does so in lower case.
    let name = match crisis.name.strip_prefix("The ") {
        Some(rest) => format!("the {rest}"),
        None => crisis.name.clone(),
    };
    format!("at work during {name}{place}")
}

fn way_in(perspective: Option<Perspective>, comparison: &WayInComparison, so: bool, number: Number) -> Words {
    let viewed = viewed(perspective);
    match comparison {
        WayInComparison::OneOf(points) => {
            did(so, "started", "start", format!("from {}{viewed}", labels(points)))
        }
        WayInComparison::Known(known) => said(so == *known, format!("how {} started{viewed}", number.they())),
    }
}

fn entry_points(
    perspective: Option<Perspective>,
    comparison: &SetComparison<EntryPoint>,
    so: bool,
    number: Number,
) -> Words {
    let viewed = viewed(perspective);
    let took = |points: String, role: &str| did(so, "took", "take", format!("{points} as {role}{viewed}"));
    match comparison {
        SetComparison::IncludesAll(points) if several(points) => {
            let labels = points.iter().map(|point| point.label().to_owned()).collect();
            took(all_of(labels, so), "entry points")
        }
        SetComparison::IncludesAll(points) | SetComparison::IncludesAny(points) => {
            took(labels(points), "an entry point")
        }
        SetComparison::Known(known) => {
            let what = format!("which entry points {} took{viewed}", number.they());
            said(so == *known, what)
        }
    }
}

/// Whether it lists more than one, however often.
fn several<T: PartialEq>(codes: &[T]) -> bool {
    codes.iter().any(|code| *code != codes[0])
}

fn viewed(perspective: Option<Perspective>) -> String {
    perspective.map_or_else(String::new, |one| format!(" (as {} saw it)", one.label()))
}

/// A challenge's label; it speaks of many initiatives, and may have to speak of one.
fn step_towards(challenge: Challenge, number: Number) -> String {
    let of_number = |word| match word {
        "their" => number.choose("its", "their"),
        word => word,
    };
    let words: Vec<&str> = challenge.label().split(' ').map(of_number).collect();
    words.join(" ")
}

fn step(challenge: Challenge, comparison: &Comparison<ChallengeStep>, so: bool, number: Number) -> Words {
    let about = step_towards(challenge, number);
    if let Comparison::Known(known) = comparison {
        let what = format!("how {} went about {about}", number.they());
        return said(so == *known, what);
    }
    let (steps, so) = codes(comparison, ChallengeStep::ALL, so);
    let forms = |step: &ChallengeStep| match step {
        ChallengeStep::Taken => ("took time over", "take time over"),
        ChallengeStep::Rushed => ("rushed", "rush"),
        ChallengeStep::Skipped => ("skipped", "skip"),
    };
    let past = steps.iter().map(|step| forms(step).0.to_owned()).collect();
    let plain = steps.iter().map(|step| forms(step).1.to_owned()).collect();
    let words = did(so, &one_of(past, "others"), &one_of(plain, "others"), about);
    words.at_least(if steps.len() > 1 {
        Shape::Joined
    } else {
        Shape::Whole
    })
}

/// Reasons are quoted, as some labels are whole clauses.
fn reasons(
    challenge: Challenge,
    comparison: &SetComparison<ChallengeReason>,
    so: bool,
    number: Number,
) -> Words {
    let about = format!(
        "for how {} went about {}",
        number.they(),
        step_towards(challenge, number)
    );
    let quotes = |codes: &[ChallengeReason]| codes.iter().map(|code| quoted(code.label())).collect();
    let (so, given) = match comparison {
        SetComparison::IncludesAll(codes) if several(codes) => {
            (so, format!("{} as reasons", all_of(quotes(codes), so)))
        }
        SetComparison::IncludesAll(codes) | SetComparison::IncludesAny(codes) => {
            (so, format!("{} as a reason", one_of(quotes(codes), "others")))
        }
        SetComparison::Known(known) => (so == *known, "a reason".into()),
    };
    did(so, "gave", "give", format!("{given} {about}")).at_least(Shape::Open)
}

fn term_on_record(so: bool, number: Number) -> Words {
    let some = if so { "a" } else { "no" };
    let text = format!("{} {some} funding term on record", number.choose("has", "have"));
    Words::of(so, Verb::Has, text)
}

/// "had some funding ...", "had no funding ..." or "had only funding ...".
fn funding(quantifier: Quantifier, condition: &TermCondition, so: bool) -> Words {
    // `none P` is `not some P`, and `every P` is `not some (not P)`.
    let has = so == (quantifier == Quantifier::Some);
    let every = quantifier == Quantifier::Every;
    let of = Plain::of(condition, !every);
    if let Some(constant) = of.constant() {
        let some = if has == constant { "some" } else { "no" };
        return Words::of(has == constant, Verb::HadSome, format!("had {some} funding"));
    }
    let (terms, opposite) = (of.say(&term), Plain::of(condition, every).say(&term));
    if has {
        return had(true, "some", Verb::Did, terms);
    }
    // "only funding from" rather than "no funding that was not from".
    if !terms.so || (every && opposite.so) {
        return had(true, "only", Verb::Did, opposite);
    }
    had(false, "no", Verb::HadSome, terms)
}

fn had(so: bool, which: &str, verb: Verb, terms: Words) -> Words {
    match terms.bare {
        Some(bare) if terms.so => {
            Words::of(so, verb, format!("had {which} funding {bare}")).at_least(terms.shape)
        }
        _ => Words::of(so, verb, format!("had {which} funding that {}", terms.text))
            .at_least(terms.shape.max(Shape::Open)),
    }
}

/// What one test says of the funding of one term.
fn term(test: &TermTest, so: bool) -> Words {
    match test {
        TermTest::Funder(condition) => {
            let funder = organisation(condition, so);
            was(funder.so, format!("from {}", funder.text)).at_least(funder.shape)
        }
        TermTest::DurationMonths(Comparison::Known(known)) => said(so == *known, "how long it was for"),
        TermTest::DurationMonths(comparison) => {
            let (comparison, so) = without_not(comparison, so);
            was(so, format!("of {}", months(&comparison)))
        }
        TermTest::AmountMinor(Comparison::Known(known)) => said(so == *known, "how much it was"),
        TermTest::AmountMinor(comparison) => {
            let (comparison, so) = without_not(comparison, so);
            was(so, format!("of {}", amount(&comparison)))
        }
        TermTest::Currency(TextComparison::Known(known)) => said(so == *known, "which currency it was in"),
        TermTest::Currency(comparison) => was(so, format!("in {}", currency(comparison))),
        TermTest::StartsOn(Comparison::Known(known)) => said(so == *known, "when it was to start"),
        TermTest::StartsOn(comparison) => {
            let (comparison, so) = without_not(comparison, so);
            was(so, format!("planned to start {}", days(&comparison)))
        }
        TermTest::Choice(choice, comparison) => funding_choice(*choice, comparison, so),
    }
}

/// What one choice of a funding term says.
fn funding_choice(choice: FundingChoice, comparison: &Comparison<u8>, so: bool) -> Words {
    let code = match choice.kind() {
        ChoiceKind::Code(code) => code,
        ChoiceKind::YesNo(words) => {
            return either_way(&values(comparison), so, words.question, |is_yes: bool| {
                let text = if is_yes { words.yes } else { words.no };
                Words::of(is_yes, Verb::Did, text.to_owned())
            });
        }
    };
    match code {
        FundingCode::IntendedFocus => {
            if let Comparison::Known(known) = comparison {
                return said(so == *known, "what it was meant for");
            }
            let (points, so) = codes(&values(comparison), EntryPoint::ALL, so);
            was(so, format!("meant for {}", labels(&points)))
        }
        FundingCode::ReportingFrequency => reports(&values(comparison), so),
        FundingCode::Restriction => {
            let question = "whether it was restricted";
            either_way(&values(comparison), so, question, |restriction: Restriction| {
                were(true, Number::One, restriction.label())
            })
        }
        FundingCode::ReportingBasis => {
            let question = "what was to be reported on";
            either_way(&values(comparison), so, question, |basis: ReportingBasis| {
                did(true, "asked", "ask", format!("for {}", basis.label())).at_least(Shape::Open)
            })
        }
        FundingCode::DeliveryTimeline => {
            let question = "whether its timeline could move";
            either_way(&values(comparison), so, question, |timeline: DeliveryTimeline| {
                let timeline = timeline.label();
                did(true, "had", "have", timeline)
                    .or_bare(format!("with {timeline}"))
                    .at_least(Shape::Open)
            })
        }
    }
}

/// The comparison of a choice's numbers as one of its values.
fn values<T: Choice>(comparison: &Comparison<u8>) -> Comparison<T> {
    match comparison {
        Comparison::Known(known) => Comparison::Known(*known),
        comparison => {
            let values = T::ALL.iter().copied();
            Comparison::OneOf(
                values
                    .filter(|value| meets(comparison, &value.number()))
                    .collect(),
            )
        }
    }
}

/// A test of one of two values: what is known and not the one is the other, and is better said so.
fn either_way<T: Choice + PartialOrd>(
    comparison: &Comparison<T>,
    so: bool,
    whether: &str,
    say: impl Fn(T) -> Words,
) -> Words {
    if let Comparison::Known(known) = comparison {
        return said(so == *known, whether);
    }
    let left: Vec<T> = T::ALL
        .iter()
        .copied()
        .filter(|value| meets(comparison, value) == so)
        .collect();
    match left.as_slice() {
        [] => said(false, whether),
        [one] => say(*one),
        _ => said(true, whether),
    }
}

fn reports(comparison: &Comparison<ReportingFrequency>, so: bool) -> Words {
    if let Comparison::Known(known) = comparison {
        return said(so == *known, "how often to report");
    }
    let never = &ReportingFrequency::None;
    let (often, so) = codes(comparison, ReportingFrequency::ALL, so);
    if often == [*never] {
        let text = if so {
            "never asked for a report"
        } else {
            "asked for a report"
        };
        return Words::of(!so, Verb::Did, text.into());
    }
    // "did not ask never" would be hard to follow: whoever asks otherwise asks at one of the other times.
    if !so && often.contains(never) && often.len() < ReportingFrequency::ALL.len() {
        let all = ReportingFrequency::ALL.iter().copied();
        let others: Vec<_> = all.filter(|one| !often.contains(one)).collect();
        return did(true, "asked", "ask", format!("for a report {}", labels(&others)));
    }
    did(so, "asked", "ask", format!("for a report {}", labels(&often)))
}

/// Who an organisation is, and whether it is to be so: "a funder", "an organisation that ...".
fn organisation(condition: &OrganisationCondition, so: bool) -> Words {
    let of = Plain::of(condition, so);
    if let Some(constant) = of.constant() {
        let any = if constant {
            "an organisation"
        } else {
            "any organisation"
        };
        return Words::of(constant, Verb::Was, any.into());
    }
    let said = of.say(&organisation_test);
    if said.so
        && let Some(who) = said.bare
    {
        return Words::of(true, Verb::Was, who);
    }
    // "not led by a funder" rather than "led by an organisation that was not a funder".
    let opposite = Plain::of(condition, !so).say(&organisation_test);
    match opposite.bare {
        Some(who) => Words::of(false, Verb::Was, who),
        None => {
            Words::of(true, Verb::Was, format!("an organisation that {}", said.text)).at_least(said.shape)
        }
    }
}

fn organisation_test(test: &OrganisationTest, so: bool) -> Words {
    let having = |what: &str, comparison: &TextComparison| {
        let (so, attribute) = attribute(what, comparison, so);
        did(so, "had", "have", &attribute).or_bare(format!("an organisation with {attribute}"))
    };
    match test {
        OrganisationTest::Id(named) => {
            let names = named.iter().map(|one| one.name.clone()).collect();
            was(so, one_of(names, "others"))
        }
        OrganisationTest::Name(comparison) => having("name", comparison),
        OrganisationTest::Identifier(comparison) => having("identifier", comparison),
        OrganisationTest::Kind(Comparison::Known(known)) => {
            let kind = "of a known kind";
            were(so == *known, Number::One, kind).or_bare(format!("an organisation {kind}"))
        }
        OrganisationTest::Kind(comparison) => {
            let (kinds, so) = codes(comparison, OrganisationKind::ALL, so);
            let kinds = kinds.into_iter().map(|kind| with_article(kind.label())).collect();
            was(so, one_of(kinds, "others"))
        }
    }
}

/// "a name containing ...", and whether it is to be so.
fn attribute(what: &str, comparison: &TextComparison, so: bool) -> (bool, String) {
    let text = match comparison {
        TextComparison::OneOf(texts) => {
            let texts = texts.iter().map(|text| quoted(text)).collect();
            format!("the {what} {}", one_of(texts, "others"))
        }
        TextComparison::Contains(part) => format!("{} containing {}", with_article(what), quoted(part)),
        TextComparison::StartsWith(start) => {
            format!("{} starting with {}", with_article(what), quoted(start))
        }
        TextComparison::Known(known) => return (so == *known, format!("a known {what}")),
    };
    (so, text)
}

fn currency(comparison: &TextComparison) -> String {
    match comparison {
        TextComparison::OneOf(codes) => {
            one_of(codes.iter().map(|code| code.to_uppercase()).collect(), "others")
        }
        comparison => format!("a currency with {}", attribute("code", comparison, true).1),
    }
}

fn quoted(text: &str) -> String {
    format!("“{text}”")
}

fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {noun}")
}

/// The comparison by which the same is said without "not", where there is one:
/// "more than 18 months" for "not 18 months or less".
fn without_not<T: Copy>(comparison: &Comparison<T>, so: bool) -> (Comparison<T>, bool) {
    match comparison {
        comparison if so => (comparison.clone(), true),
        Comparison::Less(bound) => (Comparison::AtLeast(*bound), true),
        Comparison::AtMost(bound) => (Comparison::More(*bound), true),
        Comparison::More(bound) => (Comparison::AtMost(*bound), true),
        Comparison::AtLeast(bound) => (Comparison::Less(*bound), true),
        comparison => (comparison.clone(), false),
    }
}

fn days(comparison: &Comparison<NaiveDate>) -> String {
    let day = |day: &NaiveDate| day.format("%-d %B %Y").to_string();
    match comparison {
        Comparison::OneOf(listed) => format!("on {}", one_of(listed.iter().map(day).collect(), "other days")),
        Comparison::Less(bound) => format!("before {}", day(bound)),
        Comparison::AtMost(bound) => format!("on or before {}", day(bound)),
        Comparison::More(bound) => format!("after {}", day(bound)),
        Comparison::AtLeast(bound) => format!("on or after {}", day(bound)),
        Comparison::Known(_) => "on a known day".into(),
    }
}

fn months(comparison: &Comparison<i32>) -> String {
    let number = |months: &i32| signed(i64::from(*months), count);
    let length = |months: &i32| {
        let unit = if *months == 1 { "month" } else { "months" };
        format!("{} {unit}", number(months))
    };
    match comparison {
        Comparison::OneOf(lengths) if lengths.iter().any(|one| *one != 1) => {
            let numbers = lengths.iter().map(number).collect();
            format!("{} months", one_of(numbers, "other numbers of"))
        }
        comparison => compared(comparison, length),
    }
}

/// A currency's smallest unit may be a hundredth or not, and another test may
/// say which currency it is; so both the number and its usual meaning are said.
fn amount(comparison: &Comparison<i64>) -> String {
    let number = |minor: &i64| signed(*minor, count);
    let major = |minor: &i64| {
        signed(*minor, |minor| {
            format!("{}.{:02}", count(minor / 100), minor % 100)
        })
    };
    let usual = match comparison {
        Comparison::OneOf(listed) => one_of(listed.iter().map(major).collect(), "others"),
        Comparison::Less(bound)
        | Comparison::AtMost(bound)
        | Comparison::More(bound)
        | Comparison::AtLeast(bound) => major(bound),
        Comparison::Known(_) => return "a known amount".into(),
    };
    format!(
        "{} in its currency's smallest unit ({usual} in pounds or euros)",
        compared(comparison, number)
    )
}

fn compared<T>(comparison: &Comparison<T>, say: impl Fn(&T) -> String) -> String {
    match comparison {
        Comparison::OneOf(values) => one_of(values.iter().map(say).collect(), "others"),
        Comparison::Less(bound) => format!("less than {}", say(bound)),
        Comparison::AtMost(bound) => format!("{} or less", say(bound)),
        Comparison::More(bound) => format!("more than {}", say(bound)),
        Comparison::AtLeast(bound) => format!("{} or more", say(bound)),
        Comparison::Known(_) => "a known size".into(),
    }
}

fn signed(number: i64, say: impl Fn(u64) -> String) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", say(number.unsigned_abs()))
}

fn meets<T: PartialOrd>(comparison: &Comparison<T>, value: &T) -> bool {
    comparison.of(Some(value)) == Truth::True
}

/// The codes that meet a comparison, and whether it is to be so; where none
/// does, the same is said by all of them not being so.
fn codes<T: Copy + PartialOrd>(comparison: &Comparison<T>, all: &[T], so: bool) -> (Vec<T>, bool) {
    let met: Vec<T> = all
        .iter()
        .copied()
        .filter(|code| meets(comparison, code))
        .collect();
    if met.is_empty() {
        (all.to_vec(), !so)
    } else {
        (met, so)
    }
}

fn labels<T: Labelled>(codes: &[T]) -> String {
    one_of(
        codes.iter().map(|code| code.label().to_owned()).collect(),
        "others",
    )
}

/// The most words that are listed one by one, and how many of more than that.
const MOST_LISTED: usize = 10;
const LISTED_OF_MORE: usize = 8;

/// "a, b or c"; of a long list only the first, and how many `others`.
fn one_of(words: Vec<String>, others: &str) -> String {
    let mut words = once(words);
    if words.len() > MOST_LISTED {
        let more = count((words.len() - LISTED_OF_MORE) as u64);
        words.truncate(LISTED_OF_MORE);
        words.push(format!("one of {more} {others}"));
    }
    listed(&words, "or")
}

/// "a and b"; "both a and b" where "not" stands before it, which else might be taken for neither.
fn all_of(words: Vec<String>, so: bool) -> String {
    let words = once(words);
    let all = match words.len() {
        0 | 1 => "",
        _ if so => "",
        2 => "both ",
        _ => "all of ",
    };
    format!("{all}{}", listed(&words, "and"))
}

fn listed(words: &[String], with: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} {with} {last}", before.join(", ")),
    }
}

/// Each of them once, in their order.
fn once<T: PartialEq>(all: Vec<T>) -> Vec<T> {
    let mut once = Vec::with_capacity(all.len());
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}

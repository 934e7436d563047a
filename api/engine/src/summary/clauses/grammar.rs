//! The grammar of clauses: number, verbs, negation and conjunctions.

use std::fmt::Display;

use super::super::join_list;

/// Whether a phrase is about one initiative or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrammaticalNumber {
    One,
    Many,
}

impl GrammaticalNumber {
    /// The number that agrees with a count; 0 takes the plural.
    pub const fn from_count(count: u64) -> Self {
        if count == 1 { Self::One } else { Self::Many }
    }

    pub fn choose<T>(self, one: T, many: T) -> T {
        match self {
            Self::One => one,
            Self::Many => many,
        }
    }

    pub fn pronoun(self) -> &'static str {
        self.choose("it", "they")
    }

    pub fn possessive(self) -> &'static str {
        self.choose("its", "their")
    }
}

/// The verb that repeats a clause: "did", "were not".
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Did,
    Was,
    Is,
    Has,
    HadSome,
    /// Several verbs, joined by a conjunction.
    Several,
}

impl Verb {
    pub fn render(self, positive: bool, number: GrammaticalNumber) -> &'static str {
        let [affirmation, negation] = match self {
            Self::Did => ["did", "did not"],
            Self::Was => number.choose(["was", "was not"], ["were", "were not"]),
            Self::Is => number.choose(["is", "is not"], ["are", "are not"]),
            Self::Has => number.choose(["has", "has none"], ["have", "have none"]),
            Self::HadSome => ["had some", "had none"],
            Self::Several => ["did the same", "did not do the same"],
        };
        if positive { affirmation } else { negation }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Conjunction {
    And,
    Or,
}

impl Conjunction {
    pub const fn word(self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Or => "or",
        }
    }
}

/// Where a bare text can stand.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BareForm {
    /// Anywhere.
    Closed,
    /// Not before "that", because it ends in a noun.
    Open,
    /// Only alone: beside another part, "planned to start" could be read as what the initiative did.
    Participle,
}

/// A verb phrase, before it becomes part of a sentence.
pub struct Clause {
    pub text: String,
    /// The clause without its verb, after a noun: "of 18 months" for "was for 18 months".
    pub bare: Option<String>,
    /// The clause as a word before a noun: "unrestricted" for "was unrestricted".
    pub adjective: Option<&'static str>,
    /// False if the clause is a negation.
    pub positive: bool,
    pub verb: Verb,
    /// Whether it ends in a subordinate clause, which could absorb the words that follow.
    is_open: bool,
    pub bare_form: BareForm,
    /// If it joins verbs: by which conjunction, and the text beside the other conjunction.
    nested: Option<(Conjunction, String)>,
}

impl Clause {
    pub fn new(positive: bool, verb: Verb, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            bare: None,
            adjective: None,
            positive,
            verb,
            is_open: false,
            bare_form: BareForm::Closed,
            nested: None,
        }
    }

    pub fn with_open_end(mut self, is_open: bool) -> Self {
        self.is_open |= is_open;
        self
    }

    pub fn with_bare_text(mut self, bare: impl Into<String>) -> Self {
        self.bare = Some(bare.into());
        self
    }

    pub fn with_open_bare_text(mut self) -> Self {
        self.bare_form = BareForm::Open;
        self
    }

    pub fn with_participle(mut self) -> Self {
        self.bare_form = BareForm::Participle;
        self
    }

    pub fn with_adjective(mut self, adjective: &'static str) -> Self {
        self.adjective = Some(adjective);
        self
    }

    /// The clause joins verbs by "or".
    pub fn with_verbs_joined_by_or(mut self) -> Self {
        self.nested = Some((Conjunction::Or, format!("either {}", self.text)));
        self
    }

    pub fn joins_by_other_than(&self, conjunction: Conjunction) -> bool {
        matches!(&self.nested, Some((inner, _)) if *inner != conjunction)
    }

    /// The text in a list with this conjunction.
    pub fn text_beside(&self, conjunction: Conjunction) -> &str {
        match &self.nested {
            Some((inner, text)) if *inner != conjunction => text,
            _ => &self.text,
        }
    }

    /// The text after "that". If it joins verbs, "both" or "either" shows that all of them follow "that".
    pub fn text_after_that(&self) -> &str {
        self.nested.as_ref().map_or(&self.text, |(_, text)| text)
    }

    /// Whether the words that follow could be taken as a part of the clause.
    pub fn could_absorb_what_follows(&self) -> bool {
        self.is_open || self.nested.is_some() || has_list(&self.text)
    }

    /// The place in a list: denials after affirmations, so that "no" does not come before "not", and then what could
    /// absorb the words that follow.
    fn rank(&self, conjunction: Conjunction) -> (bool, bool, bool) {
        (
            self.joins_by_other_than(conjunction),
            !self.positive,
            self.could_absorb_what_follows(),
        )
    }
}

/// Whether a text joins words. The "or" of a bound, such as "18 months or less", joins none.
fn has_list(text: &str) -> bool {
    let is_joined_by_or = has_or_before_other_than(text, &["less", "more", "before", "after"]);
    text.contains(", ") || text.contains(" and ") || is_joined_by_or
}

fn has_or_before_other_than(text: &str, words: &[&str]) -> bool {
    let mut rests = text.split(" or ").skip(1);
    rests.any(|rest| !words.iter().any(|word| rest.starts_with(word)))
}

/// "skipped ..." or "did not skip ...". `past` and `plain` are forms of the verb.
pub fn render_did(positive: bool, [past, plain]: [&str; 2], rest: impl Display) -> Clause {
    let text = if positive {
        format!("{past} {rest}")
    } else {
        format!("did not {plain} {rest}")
    };
    Clause::new(positive, Verb::Did, text)
}

/// "is ..." or "is not ...".
pub fn render_with_auxiliary(
    positive: bool,
    verb: Verb,
    number: GrammaticalNumber,
    rest: impl Display,
) -> Clause {
    Clause::new(
        positive,
        verb,
        format!("{} {rest}", verb.render(positive, number)),
    )
}

/// "were led by ..." or "were not led by ...".
pub fn render_were(positive: bool, number: GrammaticalNumber, rest: impl Display) -> Clause {
    render_with_auxiliary(positive, Verb::Was, number, rest)
}

/// What a funding term was. The verb can be left out.
pub fn render_was(positive: bool, rest: impl Display) -> Clause {
    render_was_and_bare(positive, &rest, &rest)
}

/// As [`render_was`]; `bare` is what remains without the verb.
pub fn render_was_and_bare(positive: bool, rest: impl Display, bare: impl Display) -> Clause {
    let not = if positive { "" } else { "not " };
    render_were(positive, GrammaticalNumber::One, rest).with_bare_text(format!("{not}{bare}"))
}

/// Whether an answer is recorded: "said where they work".
pub fn render_said(positive: bool, question: impl Display) -> Clause {
    render_did(positive, ["said", "say"], question).with_open_end(true)
}

/// A test of an answer that allows all answers or none.
pub fn render_any_or_no_answer(allows_all: bool, question: impl Display) -> Clause {
    if allows_all {
        render_said(true, question)
    } else {
        render_did(
            true,
            ["gave", "give"],
            format!("an impossible answer on {question}"),
        )
        .with_open_end(true)
    }
}

/// "a, b and c", or "a, and b" if `has_comma`.
pub fn join_words(conjunction: Conjunction, has_comma: bool, words: &[String]) -> String {
    match words {
        [before @ .., last] if has_comma && !before.is_empty() => {
            format!("{}, {} {last}", before.join(", "), conjunction.word())
        }
        _ => join_list(words, conjunction.word()),
    }
}

/// Joins clauses without brackets: those that join clauses themselves come last and begin with "both" or "either",
/// and a comma ends what could absorb the words that follow.
pub fn join_clauses(conjunction: Conjunction, mut clauses: Vec<Clause>) -> Clause {
    if clauses.len() == 1 {
        return clauses.remove(0);
    }
    clauses.sort_by_key(|clause| clause.rank(conjunction));
    let mut signs = clauses.iter().map(|clause| clause.positive);
    let positive = match conjunction {
        Conjunction::And => signs.any(|positive| positive),
        Conjunction::Or => signs.all(|positive| positive),
    };
    let has_comma = needs_comma(conjunction, &clauses);
    let mut texts: Vec<String> = clauses
        .iter()
        .map(|clause| clause.text_beside(conjunction).to_owned())
        .collect();
    let auxiliary = take_auxiliary(&mut texts);
    let list = join_words(conjunction, has_comma, &texts);
    let nested = match (conjunction, texts.as_slice()) {
        (Conjunction::Or, _) => format!("{auxiliary}either {list}"),
        (Conjunction::And, [one, other]) => format!("{auxiliary}both {one} and {other}"),
        // "both" is said of two alone.
        (Conjunction::And, _) => format!("{auxiliary}{}", texts.join(" and ")),
    };
    let mut clause = Clause::new(positive, Verb::Several, auxiliary.to_owned() + &list);
    clause.nested = Some((conjunction, nested));
    clause
}

/// Whether a comma comes before the conjunction.
fn needs_comma(conjunction: Conjunction, clauses: &[Clause]) -> bool {
    let before_last = &clauses[..clauses.len().saturating_sub(1)];
    if before_last.iter().any(Clause::could_absorb_what_follows) {
        return true;
    }
    // "18 months or less or" is hard to read; "on or after 1 April 2020 or" is not.
    let has_or = |clause: &Clause| has_or_before_other_than(&clause.text, &["before", "after"]);
    let is_group = |clause: &Clause| clause.joins_by_other_than(conjunction);
    conjunction == Conjunction::Or && clauses.iter().any(|clause| has_or(clause) || is_group(clause))
}

/// Takes "was" away from texts that all begin with it, so that it is said once. Not from "was not", because "was not a
/// or b" could mean neither.
fn take_auxiliary(texts: &mut [String]) -> &'static str {
    for (auxiliary, negation) in [("was ", "was not "), ("were ", "were not ")] {
        let can_be_taken = |text: &String| text.starts_with(auxiliary) && !text.starts_with(negation);
        if texts.iter().all(can_be_taken) {
            for text in texts {
                text.drain(..auxiliary.len());
            }
            return auxiliary;
        }
    }
    ""
}

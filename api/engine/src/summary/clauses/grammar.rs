//! The grammar of clauses: number, verbs, negation and brackets.

use std::fmt::Display;

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
}

/// The verb that repeats a clause: "did", "were not".
#[derive(Clone, Copy)]
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

/// Whether a clause needs brackets beside a conjunction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Boundary {
    Closed,
    /// It ends in a subordinate clause, which could absorb the words that follow.
    Open,
    /// It joins verbs, so it could absorb the words before it too.
    Coordinated,
}

/// A verb phrase, before it becomes part of a sentence.
pub struct Clause {
    pub text: String,
    /// The clause without its verb, if that is enough: "of 18 months" for "was of 18 months".
    pub bare: Option<String>,
    /// False if the clause is a negation.
    pub positive: bool,
    pub verb: Verb,
    pub boundary: Boundary,
}

impl Clause {
    pub fn new(positive: bool, verb: Verb, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            bare: None,
            positive,
            verb,
            boundary: Boundary::Closed,
        }
    }

    pub fn with_boundary_at_least(mut self, boundary: Boundary) -> Self {
        self.boundary = self.boundary.max(boundary);
        self
    }

    pub fn with_bare_text(mut self, bare: impl Into<String>) -> Self {
        self.bare = Some(bare.into());
        self
    }
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

/// What a funding term or an organisation was. The verb can be left out.
pub fn render_was(positive: bool, rest: impl Display) -> Clause {
    render_were(positive, GrammaticalNumber::One, &rest).with_bare_text(rest.to_string())
}

/// Whether an answer is recorded: "said where they work".
pub fn render_said(positive: bool, question: impl Display) -> Clause {
    render_did(positive, ["said", "say"], question).with_boundary_at_least(Boundary::Open)
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Conjunction {
    And,
    Or,
}

pub fn join_clauses(conjunction: Conjunction, clauses: Vec<Clause>) -> Clause {
    let positive = clauses.iter().any(|clause| clause.positive);
    let last = clauses.len().saturating_sub(1);
    let texts = clauses
        .into_iter()
        .enumerate()
        .map(|(index, clause)| match clause.boundary {
            Boundary::Closed => clause.text,
            Boundary::Open if index == last => clause.text,
            Boundary::Open | Boundary::Coordinated => format!("({})", clause.text),
        });
    let text = texts.collect::<Vec<_>>().join(match conjunction {
        Conjunction::And => " and ",
        Conjunction::Or => " or ",
    });
    Clause::new(positive, Verb::Several, text).with_boundary_at_least(Boundary::Coordinated)
}

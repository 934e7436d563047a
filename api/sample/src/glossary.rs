//! The field's words in plain language.

use super::ExampleTerm;

const fn new_term(slug: &'static str, word: &'static str, definition: &'static str) -> ExampleTerm {
    ExampleTerm {
        slug,
        name: word,
        definition,
        synonyms: &[],
        usage_note: None,
        code: None,
    }
}

/// The words, in alphabetical order of their slugs.
pub(super) const TERMS: [ExampleTerm; 22] = [
    ExampleTerm {
        synonyms: &["flexible", "learning as we go", "responsive"],
        code: Some("ADAPTABLE"),
        ..new_term(
            "adaptive",
            "adaptive",
            "Ready to alter the plan as the work shows what helps and what does not.",
        )
    },
    ExampleTerm {
        synonyms: &["shared goals", "collective ambitions", "what we want to see"],
        code: Some("DEFINING_AMBITIONS"),
        ..new_term(
            "ambitions",
            "ambitions",
            "What those involved have agreed together that they want to change. Skipping this step means that each \
             works towards an aim of their own.",
        )
    },
    ExampleTerm {
        synonyms: &["working together", "partnership", "joining up"],
        usage_note: Some(
            "Sitting round one table is not yet systems change: the word is often used as if it were.",
        ),
        code: Some("COLLABORATION"),
        ..new_term(
            "collaboration",
            "collaboration",
            "Organisations and people working together on something that concerns them all. One of the four entry \
             points.",
        )
    },
    ExampleTerm {
        synonyms: &["learning group", "peer group"],
        usage_note: Some("Sounds like an institution. \"A group that learns together\" says the same."),
        ..new_term(
            "community-of-practice",
            "community of practice",
            "People who do the same kind of work and meet to learn from each other.",
        )
    },
    ExampleTerm {
        synonyms: &["many moving parts", "messiness"],
        usage_note: Some(
            "Can sound as if nothing could be done, or as if those affected would not understand it.",
        ),
        code: Some("COMPLEXITY"),
        ..new_term(
            "complexity",
            "complexity",
            "When many things act on each other, so that nobody can foretell what one change will do. As an entry \
             point: starting from small steps, and learning from each.",
        )
    },
    ExampleTerm {
        synonyms: &["what makes it possible", "enabling conditions"],
        code: Some("FOSTERING_CONDITIONS"),
        ..new_term(
            "conditions",
            "conditions for change",
            "What has to be in place for people to work together and to learn on the way: how decisions are made, \
             when things are due, what is reported, what is rewarded, and time for trust.",
        )
    },
    ExampleTerm {
        synonyms: &["starting point", "where to begin"],
        ..new_term(
            "entry-point",
            "entry point",
            "One of four places to start changing a system from: collaboration, complexity, root causes, or a \
             single organisation. Most people take more than one, in time.",
        )
    },
    ExampleTerm {
        synonyms: &["targets", "key performance indicators", "KPIs"],
        usage_note: Some("\"KPIs\" means nothing to most people outside an office."),
        code: Some("FIXED_TARGETS"),
        ..new_term(
            "fixed-targets",
            "fixed targets",
            "Numbers to be reached that were set before the work began, and that are reported to the funder whatever has been learned since.",
        )
    },
    ExampleTerm {
        synonyms: &["grant round", "funding period"],
        ..new_term(
            "funding-cycle",
            "funding cycle",
            "The time from one decision about money to the next. A short one can be over before people have agreed \
             what they want.",
        )
    },
    ExampleTerm {
        synonyms: &["who decides", "how decisions are made"],
        usage_note: Some("Sounds like boards and lawyers. Ask \"who decides, and how?\" instead."),
        code: Some("GOVERNANCE"),
        ..new_term(
            "governance",
            "governance",
            "How decisions are made, who makes them, and to whom they answer.",
        )
    },
    ExampleTerm {
        synonyms: &["project", "programme", "piece of work"],
        ..new_term(
            "initiative",
            "initiative",
            "A piece of work in a place that sets out to change how things work there, with the organisation that leads it and the money it was given.",
        )
    },
    ExampleTerm {
        synonyms: &["unknown", "not recorded", "missing"],
        usage_note: Some("Not known is not no. It is counted by itself, and never as an answer."),
        ..new_term(
            "not-known",
            "not known",
            "Nobody recorded it, so the evidence says neither yes nor no.",
        )
    },
    ExampleTerm {
        synonyms: &["coincidence", "association"],
        usage_note: Some("Two things that are found together need not be cause and effect."),
        ..new_term(
            "pattern",
            "pattern",
            "How often two things are found together, set against how often one is found without the other.",
        )
    },
    ExampleTerm {
        synonyms: &["whose view", "point of view"],
        ..new_term(
            "perspective",
            "perspective",
            "Whose view something is: that of those who do the work, of those who pay for it, of a national \
             charity, or of the people who live there.",
        )
    },
    ExampleTerm {
        synonyms: &["area", "neighbourhood", "where we live"],
        usage_note: Some("A council's boundary is seldom where people would say that their place ends."),
        ..new_term(
            "place",
            "place",
            "Where the work happens: a neighbourhood, a town, a council's area or more.",
        )
    },
    ExampleTerm {
        synonyms: &["built on trust", "people first"],
        usage_note: Some(
            "Few people use the word of their own relationships. \"Trust\" is usually what is meant.",
        ),
        code: Some("RELATIONAL_SPACE"),
        ..new_term(
            "relational",
            "relational",
            "Resting on people knowing and trusting each other, and on having the time for it.",
        )
    },
    ExampleTerm {
        synonyms: &["what is behind it", "underlying causes"],
        usage_note: Some(
            "Can sound as if somebody were to blame. Say what produces the problem, and not who.",
        ),
        code: Some("ROOT_CAUSES"),
        ..new_term(
            "root-causes",
            "root causes",
            "What produces a problem over and over again, as against what it looks like. One of the four entry \
             points.",
        )
    },
    ExampleTerm {
        synonyms: &["changing ourselves first", "putting our own house in order"],
        code: Some("SINGLE_ORGANISATION"),
        ..new_term(
            "single-organisation",
            "single organisation",
            "One organisation altering its own ways first, before it asks others to. One of the four entry points.",
        )
    },
    ExampleTerm {
        synonyms: &["changing how things work", "lasting change"],
        usage_note: Some(
            "Shuts out many who are doing it. Ask what keeps producing the problem, and what would have to be \
             different.",
        ),
        ..new_term(
            "systems-change",
            "systems change",
            "Altering what keeps producing a problem (rules, money, habits, who decides), and not only helping \
             those whom it meets.",
        )
    },
    ExampleTerm {
        synonyms: &["core funding", "money without strings"],
        usage_note: Some(
            "\"Core\" and \"unrestricted\" are funders' words. Say what the money may be used for.",
        ),
        code: Some("UNRESTRICTED"),
        ..new_term(
            "unrestricted-funding",
            "unrestricted funding",
            "Money that an organisation may use for whatever it exists to do.",
        )
    },
    ExampleTerm {
        synonyms: &["discovery", "scoping", "finding out first"],
        usage_note: Some(
            "\"Research\" can sound as if people were to be studied. They can do the finding out themselves.",
        ),
        code: Some("UNDERSTANDING_LOCAL_SYSTEM"),
        ..new_term(
            "up-front-research",
            "up-front research",
            "Finding out, before the work starts, what the problem is here and how it comes about, with time and \
             money set aside for it.",
        )
    },
    ExampleTerm {
        synonyms: &["starting point", "first step"],
        ..new_term(
            "way-in",
            "way in",
            "The entry point that somebody took first. It may differ between those who do the work, those who pay \
             for it, and the people who live there.",
        )
    },
];

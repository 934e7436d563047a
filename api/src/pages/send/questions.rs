//! The steps of the form of a record and their questions, which are made from the columns of files.

use std::sync::LazyLock;

use wayin_records::fields::column::{Column, ColumnKind};
use wayin_records::workbook::columns::SHEETS;
use wayin_records::workbook::vocabulary::Vocabulary;

use crate::pages::record::labels::is_within;
use crate::submission::validate::list_required_fields;

/// The fields that a record needs before it is sent, as paths. Those of an item of a list are at position 0.
static REQUIRED_FIELDS: LazyLock<Vec<String>> = LazyLock::new(list_required_fields);

/// A step of the form of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordStep {
    About,
    Funding,
    WaysIn,
    Challenges,
    Changes,
    Sharing,
    Check,
}

/// A list of a record, whose items a step asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordList {
    /// The field of the record.
    pub field: &'static str,
    /// What an item is called on the page.
    pub item: &'static str,
    /// For a list that has each code of a vocabulary at most once: the field of the code, and the vocabulary.
    pub key: Option<(&'static str, Vocabulary)>,
}

/// A question of a step.
#[derive(Clone, Copy, Debug)]
pub struct RecordQuestion {
    pub column: &'static Column,
    pub label: &'static str,
    /// Empty if there is none.
    pub hint: &'static str,
    /// Whether the record needs an answer before it is sent.
    pub is_required: bool,
    /// Whether the form asks it only of those who open the further questions.
    pub is_further: bool,
}

/// A field to ask for, and the words that differ from those of its column.
#[derive(Clone, Copy)]
struct Asked {
    path: &'static str,
    label: Option<&'static str>,
    hint: Option<&'static str>,
    is_further: bool,
}

const fn ask(path: &'static str) -> Asked {
    Asked {
        path,
        label: None,
        hint: None,
        is_further: false,
    }
}

impl Asked {
    const fn labelled(self, label: &'static str) -> Self {
        Self {
            label: Some(label),
            ..self
        }
    }

    const fn hinted(self, hint: &'static str) -> Self {
        Self {
            hint: Some(hint),
            ..self
        }
    }

    /// Asks it only of those who open the further questions, as few can answer it.
    const fn further(self) -> Self {
        Self {
            is_further: true,
            ..self
        }
    }
}

const DATE_HINT: &str = "For example, 1 April 2020.";

const ABOUT: &[Asked] = &[
    ask("title").hinted("What the initiative is called."),
    ask("externalRef").hinted(
        "Your own name or number for the initiative. If you send the same reference again, it replaces the record.",
    ),
    ask("summary").hinted("What it does. Name nobody: no email addresses, telephone numbers or full postcodes."),
    ask("startedOn").hinted(DATE_HINT),
    ask("endedOn").hinted("For example, 31 March 2022. Leave it empty if the work still goes on."),
    ask("ongoing").labelled("Is the work still going on?").hinted(""),
    ask("leadOrganisation/name")
        .hinted("Leave it empty if your own organisation leads it.")
        .further(),
    ask("leadOrganisation/identifier").further(),
    ask("leadOrganisation/kind")
        .labelled("What kind of organisation leads it")
        .hinted("Only for an organisation that you name above.")
        .further(),
];

const FUNDING: &[Asked] = &[
    ask("funder/name").hinted("Who gave the money. The field offers the funders that Wayin knows."),
    ask("funder/identifier").hinted(
        "You need it only if Wayin does not know the funder. For a charity in England or Wales, write GB-CHC- and its number, such \
         as GB-CHC-1164883. For a company, write GB-COH- and its number.",
    ),
    ask("funder/kind")
        .labelled("What kind of organisation the funder is")
        .hinted("")
        .further(),
    ask("programme")
        .hinted("What the funder calls the programme.")
        .further(),
    ask("grantIdentifier")
        .hinted("The grant's 360Giving identifier, if you know it.")
        .further(),
    ask("currency").hinted("Three letters, such as GBP for pounds."),
    ask("amountMinor").hinted("In pounds, or the main unit of the currency, such as 15,000 or 15,000.50."),
    ask("awardedOn")
        .hinted("The day of the decision. For example, 1 April 2020.")
        .further(),
    ask("startsOn").hinted("As planned. For example, 1 April 2020."),
    ask("endsOn").hinted("As planned. For example, 31 March 2022."),
    ask("durationMonths")
        .hinted("Whole months, such as 12. Leave it empty and Wayin counts them from both days."),
    ask("upfrontResearch")
        .labelled("Was research before the work paid for?")
        .hinted(""),
    ask("upfrontResearchMonths").hinted("Whole months.").further(),
    ask("collaborationResourced")
        .labelled("Was the extra time and resource of working together paid for?")
        .hinted(""),
    ask("restriction")
        .labelled("What the money may be used for")
        .hinted(""),
    ask("reportingFrequency")
        .labelled("How often the funder asks for a report")
        .hinted(""),
    ask("reportingBasis")
        .labelled("What the reports are about")
        .hinted(""),
    ask("deliveryTimeline").labelled("May the plan move?").hinted(""),
    ask("renewable")
        .labelled("May the funding be renewed?")
        .hinted("")
        .further(),
    ask("intendedFocus")
        .labelled("What the funder meant to fund")
        .hinted("")
        .further(),
    ask("multiSite")
        .labelled("Does this money also pay for work in other places?")
        .hinted("")
        .further(),
];

const WAYS_IN: &[Asked] = &[
    ask("perspective")
        .labelled("Who says so?")
        .hinted("Groups of people can see the same work differently."),
    ask("entryPoint")
        .labelled("Where did the work start from?")
        .hinted(""),
    ask("takenOn").labelled("When was that?").hinted(DATE_HINT),
    ask("motivation")
        .labelled("Why there?")
        .hinted("In your own words."),
];

const CHALLENGES: &[Asked] = &[
    ask("step")
        .labelled("Was this step taken, rushed or skipped?")
        .hinted(""),
    ask("reasons").hinted("Why it was rushed or skipped. Choose all that apply."),
    ask("note").hinted("In your own words. Name nobody.").further(),
    ask("noticedOn").hinted(DATE_HINT).further(),
    ask("perspective").hinted("Who sees it so.").further(),
];

const CHANGES: &[Asked] = &[ask("change").labelled("Was it altered?").hinted("")];

const SHARING: &[Asked] = &[
    ask("visibility").hinted(""),
    ask("sharedWithFunders")
        .labelled("May its funders read all of it?")
        .hinted("It matters only for a record that others only count."),
    ask("sharing/basis").hinted("In your words, such as: the partnership's board agreed on 3 May."),
    ask("sharing/licence").hinted("CC-BY-4.0 lets others reuse the record if they name your organisation. Ask a steward if another licence must apply."),
    ask("sharing/confirmedBy").hinted("A role, not a person's name."),
    ask("sharing/confirmedOn").hinted(DATE_HINT),
    ask("source/kind")
        .labelled("Where your answers come from")
        .hinted(""),
    ask("source/title").hinted("What that source is called, such as Yearly return 2021."),
    ask("source/url")
        .hinted("A web address at which it can be read.")
        .further(),
    ask("source/datedOn").hinted(DATE_HINT).further(),
    ask("source/licence")
        .hinted("The licence under which the source may be reused.")
        .further(),
];

impl RecordStep {
    pub const ALL: [Self; 7] = [
        Self::About,
        Self::Funding,
        Self::WaysIn,
        Self::Challenges,
        Self::Changes,
        Self::Sharing,
        Self::Check,
    ];

    /// The last part of the address.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::About => "about",
            Self::Funding => "funding",
            Self::WaysIn => "ways-in",
            Self::Challenges => "challenges",
            Self::Changes => "changes",
            Self::Sharing => "sharing",
            Self::Check => "check",
        }
    }

    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.slug() == slug)
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::About => "About",
            Self::Funding => "Funding",
            Self::WaysIn => "Ways in",
            Self::Challenges => "Challenges",
            Self::Changes => "What changed",
            Self::Sharing => "Sharing",
            Self::Check => "Check and send",
        }
    }

    /// What the step asks for, in a sentence or two.
    pub const fn introduction(self) -> &'static str {
        match self {
            Self::About => "What the initiative is, where it works and when.",
            Self::Funding => "The terms that each sum of money came with.",
            Self::WaysIn => {
                "Where the work started from. If it turned to something else later, or if people see it differently, add another way in."
            }
            Self::Challenges => {
                "Whether you took the time to meet each challenge, and why not if you did not."
            }
            Self::Changes => "What has changed in the conditions that the work depends on.",
            Self::Sharing => {
                "Who may read the record, why you may share it, and where your answers come from."
            }
            Self::Check => "Read your answers once more, then send them.",
        }
    }

    /// What leads to the further questions of the step, or of an item of its list. Empty if there are none.
    pub const fn further_label(self) -> &'static str {
        match self {
            Self::About => "Another organisation leads it",
            Self::Funding => "More about this funding",
            Self::Challenges => "More about this challenge",
            Self::Sharing => "More about the source",
            Self::WaysIn | Self::Changes | Self::Check => "",
        }
    }

    /// The step after this one.
    pub fn next(self) -> Self {
        let mut steps = Self::ALL.into_iter().skip_while(|step| *step != self);
        steps.next();
        steps.next().unwrap_or(Self::Check)
    }

    /// The list that the step asks for. None if it asks for fields of the record itself.
    pub const fn list(self) -> Option<RecordList> {
        match self {
            Self::Funding => Some(RecordList {
                field: "fundingTerms",
                item: "Funding",
                key: None,
            }),
            Self::WaysIn => Some(RecordList {
                field: "entryPoints",
                item: "Way in",
                key: None,
            }),
            Self::Challenges => Some(RecordList {
                field: "challengesFaced",
                item: "Challenge",
                key: Some(("challenge", Vocabulary::Challenge)),
            }),
            Self::Changes => Some(RecordList {
                field: "conditionsChanged",
                item: "Condition",
                key: Some(("condition", Vocabulary::Condition)),
            }),
            Self::About | Self::Sharing | Self::Check => None,
        }
    }

    /// The questions about the record, or about each item of the list. The place has a control of its own.
    pub fn questions(self) -> Vec<RecordQuestion> {
        let asked = match self {
            Self::About => ABOUT,
            Self::Funding => FUNDING,
            Self::WaysIn => WAYS_IN,
            Self::Challenges => CHALLENGES,
            Self::Changes => CHANGES,
            Self::Sharing => SHARING,
            Self::Check => &[],
        };
        let columns = list_columns(self.list().map(|list| list.field));
        let questions = asked.iter().filter_map(|asked| {
            let column = columns.iter().find(|column| column.path == asked.path)?;
            Some(RecordQuestion {
                column,
                label: asked.label.unwrap_or(column.header),
                hint: asked.hint.unwrap_or(column.note),
                is_required: false,
                is_further: asked.is_further,
            })
        });
        let mut questions: Vec<RecordQuestion> = questions.collect();
        for field in self.required_fields() {
            if let Some(question) = questions.iter_mut().find(|question| question.asks_for(field)) {
                question.is_required = true;
            }
        }
        questions
    }

    /// The fields that the record needs before it is sent, or that each item of the list needs then.
    fn required_fields(self) -> impl Iterator<Item = &'static str> {
        let part = self
            .list()
            .map_or_else(String::new, |list| format!("{}/0/", list.field));
        REQUIRED_FIELDS
            .iter()
            .filter_map(move |field| field.strip_prefix(part.as_str()))
    }

    /// The step that asks for a list.
    pub fn of_list(field: &str) -> Option<Self> {
        let has_list = |step: &Self| step.list().is_some_and(|list| list.field == field);
        Self::ALL.into_iter().find(has_list)
    }
}

impl RecordList {
    /// The codes that the list has at most once each, with their headings. Empty for other lists.
    pub fn codes(self) -> Vec<(&'static str, String)> {
        let words = self.key.map_or(&[][..], |(_, vocabulary)| vocabulary.words());
        words
            .iter()
            .map(|word| (word.code, word.display_text()))
            .collect()
    }

    /// The definition of a code of the list.
    pub fn define(self, code: &str) -> &'static str {
        let words = self.key.map_or(&[][..], |(_, vocabulary)| vocabulary.words());
        words
            .iter()
            .find(|word| word.code == code)
            .map_or("", |word| word.definition)
    }
}

/// Whether a record needs a field before it is sent.
pub fn is_required(field: &str) -> bool {
    REQUIRED_FIELDS.iter().any(|required| required == field)
}

/// The fields within a part of a record that the record needs before it is sent, as paths.
pub fn list_required_parts(path: &str) -> Vec<&'static str> {
    let is_part = |field: &&str| is_within(field, path) && *field != path;
    REQUIRED_FIELDS
        .iter()
        .map(String::as_str)
        .filter(is_part)
        .collect()
}

impl RecordQuestion {
    /// Whether it asks for a field, for what contains the field, or for a part of it.
    pub fn asks_for(&self, field: &str) -> bool {
        !field.is_empty() && (is_within(field, self.column.path) || is_within(self.column.path, field))
    }

    /// The name of the field in the form, without what comes before it for an item of a list.
    pub fn name(&self) -> String {
        self.column.dotted_path()
    }

    /// Whether it is answered in several lines.
    pub fn is_long(&self) -> bool {
        (self.column.kind == ColumnKind::Text && self.column.width >= 50)
            || self.column.path == "sharing/basis"
    }
}

fn list_columns(list: Option<&str>) -> &'static [Column] {
    SHEETS
        .iter()
        .find(|sheet| sheet.list == list)
        .map_or(&[], |sheet| sheet.columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_has_a_column() {
        let counts = RecordStep::ALL.map(|step| step.questions().len());
        let asked = [ABOUT, FUNDING, WAYS_IN, CHALLENGES, CHANGES, SHARING, &[]].map(<[Asked]>::len);
        assert_eq!(counts, asked);
    }

    #[test]
    fn every_column_of_the_template_is_asked_for() {
        // The place has its own control. Why a list is missing is asked in the step of the list.
        let elsewhere = |path: &str| path.starts_with("place/") || path.starts_with("missing/");
        for sheet in &SHEETS {
            let steps = RecordStep::ALL.into_iter();
            let steps = steps.filter(|step| step.list().map(|list| list.field) == sheet.list);
            let asked: Vec<&str> = steps
                .clone()
                .flat_map(RecordStep::questions)
                .map(|question| question.column.path)
                .chain(steps.filter_map(|step| Some(step.list()?.key?.0)))
                .collect();
            for column in sheet.columns.iter().filter(|column| column.is_in_template) {
                assert!(
                    asked.contains(&column.path) || elsewhere(column.path),
                    "{} is not asked for",
                    column.path
                );
            }
        }
    }

    #[test]
    fn no_further_question_is_required() {
        for step in RecordStep::ALL {
            let questions = step.questions();
            let further: Vec<_> = questions.iter().filter(|question| question.is_further).collect();
            assert!(further.iter().all(|question| !question.is_required), "{step:?}");
            assert_eq!(further.is_empty(), step.further_label().is_empty(), "{step:?}");
        }
    }

    #[test]
    fn required_answers_follow_from_the_rules_for_records() {
        let required = RecordStep::ALL.map(|step| {
            let questions = step.questions().into_iter();
            let required = questions.filter(|question| question.is_required);
            required.map(|question| question.column.path).collect::<Vec<_>>()
        });
        let sharing = ["sharing/basis", "sharing/licence", "source/kind", "source/title"];
        assert_eq!(
            required,
            [
                &["title", "externalRef"][..],
                &["funder/name"],
                &["perspective", "entryPoint"],
                &[],
                &[],
                &sharing,
                &[],
            ]
        );
        assert!(is_required("place") && !is_required("summary"));
    }
}

//! What the template of the builder shows.

use askama::Template;
use wayin_engine::query::RecordScope;
use wayin_entity::{Dimension, Labelled as _, to_heading};

use super::conditions::{
    CATALOGUE, ChosenCondition, ConditionInput, ConditionKind, ConditionTopic, InputKind, TEMPLATE,
};
use super::form::{Draft, NEGATED};
use super::operations::ExploreChoicesOperation;
use super::question::{Question, QuestionPart};
use super::tree::{ConditionTree, Join, Row, RowContent, RowGroup, RowTrouble, TreeItem};
use crate::pages::answer::address::scope_code;
use crate::pages::answer::data::{ConditionsData, TableData};
use crate::pages::answer::wording::CountPrecision;
use crate::pages::layout::parts::{Choice, FormProblems};

/// The builder, with all its fields.
#[derive(Template)]
#[template(path = "explore/builder.html")]
pub struct BuilderTemplate {
    pub builder: BuilderView,
}

pub struct BuilderView {
    pub parts: Vec<PartView>,
    pub dimensions: Vec<Choice>,
    pub scopes: Vec<Choice>,
    pub problems: FormProblems,
    /// What the question has that the builder has no fields for. Empty if it has nothing.
    pub not_shown: String,
    /// The address of the whole question in GraphiQL, if some of it is not shown. Empty if it has none.
    pub query_href: String,
    /// How many initiatives match so far. Empty if nothing is chosen.
    pub matching: String,
    /// The control to go to. Empty for none.
    pub focus: String,
    /// The order of the groups, which the builder keeps.
    pub sort: &'static str,
}

/// One of the three conditions of a question.
pub struct PartView {
    pub name: &'static str,
    pub legend: &'static str,
    /// Hidden words after a label that the other parts have too.
    pub which: String,
    pub hint: &'static str,
    /// How the rows are joined. Empty if there are fewer than two.
    pub joins: Vec<Choice>,
    pub join: &'static str,
    pub joiner: &'static str,
    pub items: Vec<ItemView>,
    pub topics: Vec<TopicView>,
    /// The whole condition in words. Empty if they are not known.
    pub words: String,
}

pub enum ItemView {
    Row(RowView),
    Group(GroupView),
}

pub struct GroupView {
    /// The path, such as "when.1".
    pub place: String,
    /// Hidden words after a label that other groups have too.
    pub which: String,
    pub joins: Vec<Choice>,
    pub joiner: &'static str,
    pub class: &'static str,
    pub rows: Vec<RowView>,
    pub topics: Vec<TopicView>,
}

pub struct RowView {
    /// The path, such as "when.1.0".
    pub place: String,
    pub label: &'static str,
    pub meaning: &'static str,
    /// The id of the meaning.
    pub meaning_id: String,
    /// The id and the name of the control for whether the condition is to be true, and its choices.
    pub truth_id: String,
    pub truth: Vec<Choice>,
    /// The key of the kind. Empty for a condition in the query language.
    pub kind: &'static str,
    /// The template that the condition was written with. Empty for the usual one.
    pub written_with: String,
    /// A condition in the query language. Empty for others.
    pub filter: String,
    pub inputs: Vec<InputView>,
    /// The choices of this row with their definitions.
    pub definitions: Vec<(String, &'static str)>,
    /// What is the matter with the whole row. Empty if nothing is.
    pub error: String,
}

pub struct InputView {
    /// The id and the name of the control.
    pub id: String,
    pub label: String,
    pub control: Control,
    pub value: String,
    pub choices: Vec<Choice>,
    pub hint: &'static str,
    pub error: String,
    /// The choice of nothing in a list. Empty if there is none.
    pub empty_label: &'static str,
}

impl ItemView {
    pub const fn row(&self) -> Option<&RowView> {
        match self {
            Self::Row(row) => Some(row),
            Self::Group(_) => None,
        }
    }

    pub const fn group(&self) -> Option<&GroupView> {
        match self {
            Self::Group(group) => Some(group),
            Self::Row(_) => None,
        }
    }
}

impl InputView {
    pub fn is(&self, control: &str) -> bool {
        self.control.name() == control
    }
}

/// The control of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    Select,
    Checkboxes,
    Number,
    Date,
    Text,
}

impl Control {
    /// The name in templates.
    const fn name(self) -> &'static str {
        match self {
            Self::Select => "select",
            Self::Checkboxes => "checkboxes",
            Self::Number => "number",
            Self::Date => "date",
            Self::Text => "text",
        }
    }
}

/// Conditions under a heading, in the list from which people add one.
pub struct TopicView {
    pub label: &'static str,
    pub kinds: Vec<(&'static str, &'static str)>,
}

/// Shows a draft. `words` are the conditions in words, if the question was answered.
pub fn build_builder(
    draft: &Draft,
    choices: &ExploreChoicesOperation,
    words: Option<&ConditionsData>,
    matching: String,
) -> BuilderView {
    let question = &draft.question;
    let not_shown: usize = draft.trees.iter().map(ConditionTree::count_written).sum();
    BuilderView {
        parts: QuestionPart::ALL
            .into_iter()
            .map(|part| build_part(part, draft, choices, words))
            .collect(),
        dimensions: Dimension::ALL
            .iter()
            .map(|by| Choice::new(by.code(), to_heading(by.label()), question.by == Some(*by)))
            .collect(),
        scopes: list_scopes(question.scope),
        problems: list_problems(draft),
        not_shown: describe_not_shown(not_shown),
        query_href: if not_shown > 0 && draft.is_complete() {
            question.query_address()
        } else {
            String::new()
        },
        matching,
        focus: draft.focus.clone().unwrap_or_default(),
        sort: question.sort.name(),
    }
}

fn list_scopes(chosen: RecordScope) -> Vec<Choice> {
    let scopes = [
        (
            RecordScope::All,
            "All published records, also those that you may only count",
        ),
        (RecordScope::Visible, "Only the records that you can read"),
    ];
    scopes
        .into_iter()
        .map(|(scope, label)| Choice::new(scope_code(scope), label, scope == chosen))
        .collect()
}

fn describe_not_shown(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "This form has no fields for one condition of the question. The condition still counts, and is below as it \
              was written."
            .into(),
        _ => format!(
            "This form has no fields for {count} conditions of the question. They still count, and are below as they \
             were written."
        ),
    }
}

fn list_problems(draft: &Draft) -> FormProblems {
    let mut problems = FormProblems::default();
    for trouble in &draft.parameter_troubles {
        let field = match trouble.name {
            "by" | "scope" => trouble.name.to_owned(),
            "when" | "then" | "among" => format!("add.{}", trouble.name),
            _ => String::new(),
        };
        problems.push(field, trouble.message.clone());
    }
    for part in QuestionPart::ALL {
        for trouble in &draft.row_troubles[part as usize] {
            let row = format!("{}.{}", part.name(), trouble.place);
            let field = if trouble.input.is_empty() {
                row
            } else {
                format!("{row}.{}", trouble.input)
            };
            problems.push(field, trouble.message.clone());
        }
    }
    problems
}

fn build_part(
    part: QuestionPart,
    draft: &Draft,
    choices: &ExploreChoicesOperation,
    words: Option<&ConditionsData>,
) -> PartView {
    let (legend, hint) = match part {
        QuestionPart::When => (
            "When an initiative…",
            "The first condition, such as short funding.",
        ),
        QuestionPart::Then => (
            "…how often does it also…",
            "The second condition, such as a step that was skipped.",
        ),
        QuestionPart::Among => (
            "Only among initiatives that…",
            "You can leave this out. Then the question is about all initiatives.",
        ),
    };
    let tree = draft.tree(part);
    let rows = RowContext {
        troubles: &draft.row_troubles[part as usize],
        choices,
        part,
        legend,
    };
    let words = words.and_then(|words| match part {
        QuestionPart::When => Some(words.when.clone()),
        QuestionPart::Then => Some(words.then.clone()),
        QuestionPart::Among => words.among.clone(),
    });
    PartView {
        name: part.name(),
        legend,
        which: format!("to “{legend}”"),
        hint,
        joins: if tree.items.len() > 1 {
            list_joins(tree.join, &[Join::All, Join::Any, Join::None])
        } else {
            Vec::new()
        },
        join: tree.join.code(),
        joiner: tree.join.word(),
        items: tree
            .items
            .iter()
            .enumerate()
            .map(|(at, item)| rows.build_item(at, item, count_groups(&tree.items[..=at])))
            .collect(),
        topics: list_topics(|_| true),
        words: words.unwrap_or_default(),
    }
}

fn count_groups(items: &[TreeItem]) -> usize {
    let groups = items.iter().filter(|item| matches!(item, TreeItem::Group(_)));
    groups.count()
}

/// The choices of a join. All ways to write the same join are one choice.
fn list_joins(chosen: Join, offered: &[Join]) -> Vec<Choice> {
    let joins = offered.iter().map(|join| {
        let join = if join.label() == chosen.label() {
            chosen
        } else {
            *join
        };
        Choice::new(join.code(), join.label(), join == chosen)
    });
    joins.collect()
}

fn list_topics(is_offered: impl Fn(&ConditionKind) -> bool) -> Vec<TopicView> {
    let topics = ConditionTopic::ALL.into_iter().map(|topic| TopicView {
        label: topic.label(),
        kinds: CATALOGUE
            .iter()
            .filter(|kind| kind.topic == topic && is_offered(kind))
            .map(|kind| (kind.key, kind.label))
            .collect(),
    });
    topics.filter(|topic| !topic.kinds.is_empty()).collect()
}

/// What the rows of a part need.
struct RowContext<'a> {
    troubles: &'a [RowTrouble],
    choices: &'a ExploreChoicesOperation,
    part: QuestionPart,
    legend: &'static str,
}

impl RowContext<'_> {
    /// `number` is how many groups there are up to the item.
    fn build_item(&self, at: usize, item: &TreeItem, number: usize) -> ItemView {
        match item {
            TreeItem::Row(row) => ItemView::Row(self.build_row(&at.to_string(), row)),
            TreeItem::Group(group) => ItemView::Group(self.build_group(at, group, number)),
        }
    }

    fn build_group(&self, at: usize, group: &RowGroup, number: usize) -> GroupView {
        let is_about_funding = group.join.is_about_one_term();
        GroupView {
            place: format!("{}.{at}", self.part.name()),
            which: format!("({number} of “{}”)", self.legend),
            joins: list_joins(group.join, &[Join::All, Join::Any, Join::None, Join::SameFunding]),
            joiner: group.join.word(),
            class: match group.join {
                Join::Any => "or",
                Join::None => "not",
                Join::All | Join::Listed | Join::Together | Join::SameFunding | Join::SameFundingListed => {
                    "and"
                }
            },
            rows: group
                .rows
                .iter()
                .enumerate()
                .map(|(within, row)| self.build_row(&format!("{at}.{within}"), row))
                .collect(),
            topics: list_topics(|kind| !is_about_funding || kind.is_about_one_term()),
        }
    }

    fn build_row(&self, path: &str, row: &Row) -> RowView {
        let place = format!("{}.{path}", self.part.name());
        let meaning_id = format!("{place}.meaning");
        let truth_id = format!("{place}.not");
        let error = self.find_error(path, "");
        match &row.content {
            RowContent::Written(filter) => RowView {
                place,
                label: "A condition that this form has no fields for",
                meaning: "It is kept as it was written in the query language. You can remove it.",
                meaning_id,
                truth_id,
                truth: list_truth(row),
                kind: "",
                written_with: String::new(),
                filter: filter.to_string(),
                inputs: Vec::new(),
                definitions: Vec::new(),
                error,
            },
            RowContent::Chosen(condition) => RowView {
                label: condition.kind.label,
                meaning: condition.kind.meaning,
                meaning_id,
                truth_id,
                truth: list_truth(row),
                kind: condition.kind.key,
                written_with: first_value(condition, TEMPLATE),
                filter: String::new(),
                inputs: condition
                    .kind
                    .inputs
                    .iter()
                    .map(|input| self.build_input(path, &place, condition, input))
                    .collect(),
                definitions: list_definitions(condition.kind),
                place,
                error,
            },
        }
    }

    fn build_input(
        &self,
        path: &str,
        place: &str,
        condition: &ChosenCondition,
        input: &ConditionInput,
    ) -> InputView {
        let value = first_value(condition, input.name);
        let is_chosen = |code: &str| {
            let given = condition.values.get(input.name);
            given.map_or(code.is_empty(), |given| given.iter().any(|one| one == code))
        };
        let (control, choices) = match &input.kind {
            InputKind::OneOf(choices) | InputKind::ManyOf(choices) => {
                let control = if matches!(input.kind, InputKind::OneOf(_)) {
                    Control::Select
                } else {
                    Control::Checkboxes
                };
                let choices = choices
                    .iter()
                    .map(|choice| Choice::new(choice.code, choice.label.clone(), is_chosen(choice.code)));
                (control, choices.collect())
            }
            InputKind::YesOrNo { yes, no } => {
                let choices = [("true", *yes), ("false", *no)];
                let choices = choices.map(|(code, label)| Choice::new(code, label, is_chosen(code)));
                (Control::Select, Vec::from(choices))
            }
            InputKind::Region => (Control::Select, list_regions(self.choices, &value)),
            InputKind::Crisis => (Control::Select, list_crises(self.choices, &value)),
            InputKind::Number(_) | InputKind::Pounds => (Control::Number, Vec::new()),
            InputKind::Date => (Control::Date, Vec::new()),
            InputKind::Text(_) => (Control::Text, Vec::new()),
        };
        InputView {
            id: format!("{place}.{}", input.name),
            label: input.label.to_owned(),
            // A visitor without a session gets no list of regions, but can give a code.
            control: if matches!(input.kind, InputKind::Region) && self.choices.places.is_none() {
                Control::Text
            } else {
                control
            },
            value,
            choices,
            hint: match input.kind {
                InputKind::Text(hint) => hint,
                InputKind::Region if self.choices.places.is_none() => {
                    "The GSS code, such as E12000002 for the North West"
                }
                _ => "",
            },
            error: self.find_error(path, input.name),
            empty_label: if matches!(input.kind, InputKind::Region | InputKind::Crisis) {
                "Choose one"
            } else {
                ""
            },
        }
    }

    fn find_error(&self, path: &str, input: &str) -> String {
        let found = self
            .troubles
            .iter()
            .find(|trouble| trouble.place == path && trouble.input == input);
        found.map(|trouble| trouble.message.clone()).unwrap_or_default()
    }
}

/// The choices of whether a condition is to be true.
fn list_truth(row: &Row) -> Vec<Choice> {
    vec![
        Choice::new("", "where this is true", !row.is_negated),
        Choice::new(NEGATED, "where this is not true", row.is_negated),
    ]
}

fn first_value(condition: &ChosenCondition, input: &str) -> String {
    let first = condition.values.get(input).and_then(|values| values.first());
    first.cloned().unwrap_or_default()
}

fn list_definitions(kind: &ConditionKind) -> Vec<(String, &'static str)> {
    let choices = kind.inputs.iter().flat_map(|input| match &input.kind {
        InputKind::OneOf(choices) | InputKind::ManyOf(choices) => choices.as_slice(),
        _ => &[],
    });
    choices
        .filter(|choice| !choice.definition.is_empty())
        .map(|choice| (choice.label.clone(), choice.definition))
        .collect()
}

fn list_regions(choices: &ExploreChoicesOperation, chosen: &str) -> Vec<Choice> {
    let places = choices.places.iter().flat_map(|places| &places.nodes);
    let regions = places.filter_map(|place| Some((place.code.clone()?, place.name.clone())));
    list_named(regions, chosen, "Another place")
}

fn list_crises(choices: &ExploreChoicesOperation, chosen: &str) -> Vec<Choice> {
    let crises = choices.crises.nodes.iter();
    let crises = crises.map(|crisis| (crisis.slug.clone(), crisis.name.clone()));
    list_named(crises, chosen, "Another crisis")
}

/// The choices of a list, with the chosen one if the list does not have it.
fn list_named(listed: impl Iterator<Item = (String, String)>, chosen: &str, other: &str) -> Vec<Choice> {
    let mut choices: Vec<Choice> = listed
        .map(|(code, name)| {
            let is_chosen = code == chosen;
            Choice::new(code, name, is_chosen)
        })
        .collect();
    if !chosen.is_empty() && !choices.iter().any(|choice| choice.is_chosen) {
        choices.push(Choice::new(chosen, format!("{other} ({chosen})"), true));
    }
    choices
}

/// In the place of counts of all records that may not be shown.
const COUNTED_READABLE: &str =
    "These are the records that you can read, because the counts of all may not be shown.";

/// Says how many initiatives match what is chosen so far. `basis` is that of the counts, a code of the enum `RecordScope`.
pub fn describe_matching(
    question: &Question,
    basis: &str,
    table: &TableData,
    precision: CountPrecision,
) -> String {
    let say = |count: Option<u64>, what: &str| match count {
        Some(1) => format!("1 initiative {}.", what.replacen("match", "matches", 1)),
        Some(_) => format!("{} initiatives {what}.", to_heading(&precision.describe(count))),
        None => format!("Too few initiatives {what} to say how many."),
    };
    let mut sentences = match (&question.when, &question.then) {
        (Some(_), Some(_)) => {
            let known = table.both.zip(table.when_only).map(|(both, only)| both + only);
            vec![
                say(
                    known,
                    "match the first condition, with a known answer to the second",
                ),
                say(table.both, "match both"),
            ]
        }
        (None, None) => vec![say(table.population, "match")],
        _ => vec![say(table.both, "match")],
    };
    if let Some(1..) = table.unknown {
        sentences.push(format!(
            "For {} more, it is not known.",
            precision.describe(table.unknown)
        ));
    }
    if basis != scope_code(question.scope) {
        sentences.push(COUNTED_READABLE.into());
    }
    sentences.join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pages::explore::operations::CrisisList;

    fn no_choices() -> ExploreChoicesOperation {
        ExploreChoicesOperation {
            crises: CrisisList { nodes: Vec::new() },
            places: None,
        }
    }

    fn show(question: Question) -> String {
        let draft = Draft::from_question(question, Vec::new());
        let builder = build_builder(&draft, &no_choices(), None, String::new());
        BuilderTemplate { builder }.render().unwrap()
    }

    #[test]
    fn condition_in_the_query_language_is_shown_and_kept() {
        let html = show(Question {
            when: Some(json!({"title": {"eq": "<b>"}})),
            ..Question::default()
        });
        for part in [
            "A condition that this form has no fields for",
            "no fields for one condition of the question",
            "href=\"/graphiql?query=",
        ] {
            assert!(html.contains(part), "{part} is not in {html}");
        }
        assert!(
            html.contains("name=\"when.0.filter\"") && !html.contains("<b>"),
            "{html}"
        );
        assert!(html.contains("value=\"remove:when.0\""), "{html}");
    }

    #[test]
    fn chosen_values_are_shown() {
        let html = show(Question {
            when: Some(json!({"not": {"activeDuring": {"crisis": "unheard-of"}}})),
            then: Some(json!({"challenge": {"on": "DEFINING_AMBITIONS", "step": {"eq": "RUSHED"}}})),
            ..Question::default()
        });
        for part in [
            "Another crisis (unheard-of)",
            "<option value=\"1\" selected>where this is not true</option>",
            "value=\"DEFINING_AMBITIONS\" selected",
            "name=\"then.0.written\" value=\"1\"",
            "The step was taken in less time than it needed.",
        ] {
            assert!(html.contains(part), "{part} is not in {html}");
        }
        assert!(!html.contains("/graphiql"), "everything is shown: {html}");
    }

    #[test]
    fn every_list_of_conditions_has_a_name_of_its_own() {
        let either = json!({"or": [{"fundedByMe": true}, {"ledByMe": true}]});
        let html = show(Question {
            when: Some(json!({"and": [either, {"fundedByMe": true}, either]})),
            ..Question::default()
        });
        for part in [
            "Add a condition<span class=\"visually-hidden\"> to “When an initiative…”</span></label>",
            "Add a condition<span class=\"visually-hidden\"> to “…how often does it also…”</span></label>",
            "Add a condition<span class=\"visually-hidden\"> to “Only among initiatives that…”</span></label>",
            "Add to this group<span class=\"visually-hidden\"> (1 of “When an initiative…”)</span></label>",
            "Add to this group<span class=\"visually-hidden\"> (2 of “When an initiative…”)</span></label>",
            "Match<span class=\"visually-hidden\"> in “When an initiative…”</span></label>",
        ] {
            assert_eq!(html.matches(part).count(), 1, "{part} is once in {html}");
        }
    }

    #[test]
    fn counts_are_said_with_care() {
        let table = |both| TableData {
            population: Some(2003),
            both,
            when_only: Some(201),
            then_only: Some(165),
            neither: Some(420),
            unknown: Some(951),
        };
        let mut question = Question {
            when: Some(json!({})),
            then: Some(json!({})),
            ..Question::default()
        };
        assert_eq!(
            describe_matching(&question, "ALL", &table(Some(266)), CountPrecision::Rounded),
            "About 470 initiatives match the first condition, with a known answer to the second. About 270 \
             initiatives match both. For about 950 more, it is not known."
        );
        question.then = None;
        assert_eq!(
            describe_matching(&question, "ALL", &table(None), CountPrecision::Rounded),
            "Too few initiatives match to say how many. For about 950 more, it is not known."
        );
        question.when = None;
        assert_eq!(
            describe_matching(&question, "VISIBLE", &table(Some(1)), CountPrecision::Exact),
            "2,003 initiatives match. For 951 more, it is not known. These are the records that you can read, because \
             the counts of all may not be shown."
        );
    }
}

//! What the template of the builder shows.

mod matching;
mod rows;

use askama::Template;
use wayin_engine::query::RecordScope;
use wayin_entity::{Dimension, Labelled as _, to_heading};

pub use self::matching::describe_matching;
use self::rows::{RowContext, RowView};
use super::conditions::{CATALOGUE, ConditionKind, ConditionTopic};
use super::form::Draft;
use super::operations::ExploreChoicesOperation;
use super::question::QuestionPart;
use super::tree::{ConditionTree, Join, RowGroup, TreeItem};
use crate::pages::answer::address::scope_code;
use crate::pages::answer::data::ConditionsData;
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
        (RecordScope::All, "All published records"),
        (RecordScope::Visible, "Only records that you can read in full"),
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
            let message = match trouble.label.as_str() {
                "" => trouble.message.clone(),
                label => format!("{label}: {}", trouble.message),
            };
            problems.push(field, message);
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
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pages::explore::operations::CrisisList;
    use crate::pages::explore::question::Question;

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
}

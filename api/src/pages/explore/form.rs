//! The fields of the builder: read from a form into a question, and written as rows of controls.
//!
//! A row has fields such as `when.0.is` (its kind) and `when.0.months` (an input), and within a group `when.1.0.is`. The
//! button that was pressed is `do`, such as `add:when` or `remove:when.1.0`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::conditions::{ChosenCondition, TEMPLATE, find_kind};
use super::question::{ParameterTrouble, Question, QuestionPart};
use super::tree::{ConditionTree, Join, Row, RowContent, RowGroup, RowTrouble, TreeItem};

/// What the builder shows: a tree for each part of a question, and what is the matter with it.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub trees: [ConditionTree; 3],
    /// The grouping, the scope and the order. Its filters are those of the trees, where these are complete.
    pub question: Question,
    /// What is the matter with the rows of each part.
    pub row_troubles: [Vec<RowTrouble>; 3],
    pub parameter_troubles: Vec<ParameterTrouble>,
    /// The id of the control to go to after what a button did.
    pub focus: Option<String>,
}

/// What a button of the builder does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum BuilderAction {
    /// Adds a condition to a part or to one of its groups.
    Add(Place),
    /// Adds a group with one condition.
    AddGroup(QuestionPart),
    Remove(Place),
    /// Shows the answer, or reads what was changed.
    Update,
    /// Counts what matches so far, while people still edit.
    Count,
}

/// Where a row or a group is: a part of the question, then positions.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    part: QuestionPart,
    path: Vec<usize>,
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        let mut steps = text.split('.');
        let part = QuestionPart::from_name(steps.next()?)?;
        let path: Option<Vec<usize>> = steps.map(|step| step.parse().ok()).collect();
        Some(Self {
            part,
            path: path.filter(|path| path.len() <= 2)?,
        })
    }
}

impl BuilderAction {
    fn parse(text: &str) -> Self {
        let parsed = match text.split_once(':') {
            Some(("add", place)) => Place::parse(place).map(Self::Add),
            Some(("group", place)) => Place::parse(place).map(|place| Self::AddGroup(place.part)),
            Some(("remove", place)) => Place::parse(place).map(Self::Remove),
            _ => (text == "count").then_some(Self::Count),
        };
        parsed.unwrap_or(Self::Update)
    }
}

/// Whether parameters are fields of the builder, and not a question in JSON.
pub fn are_form_fields(parameters: &[(String, String)]) -> bool {
    parameters
        .iter()
        .any(|(name, _)| name == "do" || name.contains('.'))
}

impl Draft {
    /// Shows a question.
    pub fn from_question(question: Question, parameter_troubles: Vec<ParameterTrouble>) -> Self {
        let trees = QuestionPart::ALL.map(|part| {
            question
                .part(part)
                .map(ConditionTree::from_filter)
                .unwrap_or_default()
        });
        Self {
            trees,
            question,
            parameter_troubles,
            ..Self::default()
        }
    }

    /// Reads the fields of the builder, and does what the button says that was pressed.
    pub fn from_fields(fields: &[(String, String)]) -> Self {
        let own = fields
            .iter()
            .filter(|(name, _)| QuestionPart::from_name(name).is_none());
        let own: Vec<(String, String)> = own.cloned().collect();
        let (question, parameter_troubles) = Question::from_parameters(&own);
        let mut draft = Self {
            trees: QuestionPart::ALL.map(|part| read_tree(part, fields)),
            question,
            parameter_troubles,
            ..Self::default()
        };
        let pressed = fields.iter().rfind(|(name, _)| name == "do");
        let action = pressed.map_or(BuilderAction::Update, |(_, text)| BuilderAction::parse(text));
        draft.perform(&action, fields);
        draft.check(action == BuilderAction::Update);
        draft
    }

    pub fn tree(&self, part: QuestionPart) -> &ConditionTree {
        &self.trees[part as usize]
    }

    /// Whether everything is complete, so that the question has an address.
    pub fn is_complete(&self) -> bool {
        let are_written = self.trees.iter().all(|tree| tree.to_filter().is_ok());
        are_written && self.parameter_troubles.is_empty()
    }

    /// Writes the filters of the trees into the question. `reports` says whether rows that are not complete are reported.
    fn check(&mut self, reports: bool) {
        for part in QuestionPart::ALL {
            match self.trees[part as usize].to_filter() {
                Ok(filter) => self.question.set_part(part, filter),
                Err(troubles) if reports => self.row_troubles[part as usize] = troubles,
                Err(_) => {}
            }
        }
    }

    fn perform(&mut self, action: &BuilderAction, fields: &[(String, String)]) {
        match action {
            BuilderAction::Add(place) => {
                let to = place.path.first();
                let name = to.map_or_else(
                    || format!("add.{}", place.part.name()),
                    |at| format!("add.{}.{at}", place.part.name()),
                );
                let Some(row) = find_new_row(fields, &name) else {
                    self.focus = Some(name);
                    return;
                };
                let place_of = |prefix: String, at: usize| first_control(&format!("{prefix}.{at}"), &row);
                let items = &mut self.trees[place.part as usize].items;
                match to {
                    None => {
                        self.focus = Some(place_of(place.part.name().to_owned(), items.len()));
                        items.push(TreeItem::Row(row));
                    }
                    Some(at) => {
                        if let Some(TreeItem::Group(group)) = items.get_mut(*at) {
                            let prefix = format!("{}.{at}", place.part.name());
                            self.focus = Some(place_of(prefix, group.rows.len()));
                            group.rows.push(row);
                        }
                    }
                }
            }
            BuilderAction::AddGroup(part) => {
                let name = format!("add.{}", part.name());
                let Some(row) = find_new_row(fields, &name) else {
                    self.focus = Some(name);
                    return;
                };
                let group = RowGroup {
                    join: Join::Any,
                    rows: vec![row],
                };
                let items = &mut self.trees[*part as usize].items;
                self.focus = Some(format!("{}.{}.join", part.name(), items.len()));
                items.push(TreeItem::Group(group));
            }
            BuilderAction::Remove(place) => {
                remove(&mut self.trees[place.part as usize], &place.path);
                self.focus = Some(format!("add.{}", place.part.name()));
            }
            BuilderAction::Update | BuilderAction::Count => {}
        }
    }
}

/// The id of the first control of a row.
fn first_control(place: &str, row: &Row) -> String {
    match &row.content {
        RowContent::Chosen(condition) => match condition.kind.inputs.first() {
            Some(input) => format!("{place}.{}", input.name),
            None => format!("{place}.not"),
        },
        RowContent::Written(_) => format!("{place}.not"),
    }
}

fn find_new_row(fields: &[(String, String)], name: &str) -> Option<Row> {
    let key = fields
        .iter()
        .find(|(field, _)| field == name)
        .map(|(_, key)| key)?;
    find_kind(key).map(|kind| Row::new(ChosenCondition::new(kind)))
}

fn remove(tree: &mut ConditionTree, path: &[usize]) {
    match *path {
        [at] if at < tree.items.len() => {
            tree.items.remove(at);
        }
        [at, within] => {
            if let Some(TreeItem::Group(group)) = tree.items.get_mut(at) {
                if within < group.rows.len() {
                    group.rows.remove(within);
                }
                if group.rows.is_empty() {
                    tree.items.remove(at);
                }
            }
        }
        _ => {}
    }
}

/// The fields of rows and groups, by their positions.
#[derive(Default)]
struct ItemFields<'a> {
    own: Vec<(&'a str, &'a str)>,
    rows: BTreeMap<usize, Vec<(&'a str, &'a str)>>,
}

fn read_tree(part: QuestionPart, fields: &[(String, String)]) -> ConditionTree {
    let mut tree = ConditionTree::default();
    let mut items: BTreeMap<usize, ItemFields<'_>> = BTreeMap::new();
    for (name, value) in fields {
        let Some(rest) = name
            .strip_prefix(part.name())
            .and_then(|rest| rest.strip_prefix('.'))
        else {
            continue;
        };
        if rest == "join" {
            tree.join = Join::from_code(value).unwrap_or_default();
            continue;
        }
        let Some((at, rest)) = split_position(rest) else {
            continue;
        };
        let item = items.entry(at).or_default();
        match split_position(rest) {
            Some((within, rest)) => item.rows.entry(within).or_default().push((rest, value)),
            None => item.own.push((rest, value)),
        }
    }
    tree.items = items.into_values().filter_map(read_item).collect();
    tree
}

/// Splits "1.rest" into the number and the rest.
fn split_position(text: &str) -> Option<(usize, &str)> {
    let (at, rest) = text.split_once('.')?;
    Some((at.parse().ok()?, rest))
}

fn read_item(fields: ItemFields<'_>) -> Option<TreeItem> {
    if fields.rows.is_empty() {
        return read_row(&fields.own).map(TreeItem::Row);
    }
    let join = find_field(&fields.own, "join").and_then(Join::from_code);
    let rows = fields.rows.values().filter_map(|fields| read_row(fields));
    Some(TreeItem::Group(RowGroup {
        join: join.unwrap_or_default(),
        rows: rows.collect(),
    }))
}

fn find_field<'a>(fields: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    fields
        .iter()
        .find(|(field, _)| *field == name)
        .map(|(_, value)| *value)
}

/// The value of the field `not` of a row whose condition is not to be true.
pub const NEGATED: &str = "1";
/// The field of a row that keeps a condition in the query language.
pub const WRITTEN_FILTER: &str = "filter";

fn read_row(fields: &[(&str, &str)]) -> Option<Row> {
    let is_negated = find_field(fields, "not") == Some(NEGATED);
    if let Some(text) = find_field(fields, WRITTEN_FILTER) {
        let filter: Value = serde_json::from_str(text).ok()?;
        return Some(Row {
            is_negated,
            content: RowContent::Written(filter),
        });
    }
    let kind = find_kind(find_field(fields, "is")?)?;
    let mut condition = ChosenCondition {
        kind,
        values: BTreeMap::new(),
    };
    for (name, value) in fields {
        if *name == TEMPLATE || kind.find_input(name).is_some() {
            let values = condition.values.entry((*name).to_owned()).or_default();
            values.push((*value).to_owned());
        }
    }
    Some(Row {
        is_negated,
        content: RowContent::Chosen(condition),
    })
}

/// The fields with which the builder sends a tree, without its buttons.
pub fn list_fields(part: QuestionPart, tree: &ConditionTree) -> Vec<(String, String)> {
    let part = part.name();
    let mut fields = vec![(format!("{part}.join"), tree.join.code().to_owned())];
    for (at, item) in tree.items.iter().enumerate() {
        let place = format!("{part}.{at}");
        match item {
            TreeItem::Row(row) => fields.extend(list_row_fields(&place, row)),
            TreeItem::Group(group) => {
                fields.push((format!("{place}.join"), group.join.code().to_owned()));
                let rows = group.rows.iter().enumerate();
                fields.extend(rows.flat_map(|(at, row)| list_row_fields(&format!("{place}.{at}"), row)));
            }
        }
    }
    fields
}

fn list_row_fields(place: &str, row: &Row) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    if row.is_negated {
        fields.push((format!("{place}.not"), NEGATED.to_owned()));
    }
    match &row.content {
        RowContent::Written(filter) => {
            fields.push((format!("{place}.{WRITTEN_FILTER}"), filter.to_string()));
        }
        RowContent::Chosen(condition) => {
            fields.push((format!("{place}.is"), condition.kind.key.to_owned()));
            for (name, values) in &condition.values {
                fields.extend(
                    values
                        .iter()
                        .map(|value| (format!("{place}.{name}"), value.clone())),
                );
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::pages::explore::tree::tests::any_filter;

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    const SHORT: [(&str, &str); 4] = [
        ("when.0.is", "funding-months"),
        ("when.0.which", "some"),
        ("when.0.compare", "lte"),
        ("when.0.months", "18"),
    ];

    #[test]
    fn buttons_add_and_remove_rows_and_groups() {
        let mut given = SHORT.to_vec();
        given.extend([("add.when", "funding-research"), ("do", "add:when")]);
        let draft = Draft::from_fields(&fields(&given));
        assert!(draft.is_complete());
        let short = json!({"fundingTerms": {"some": {"durationMonths": {"lte": 18}}}});
        let researched = json!({"fundingTerms": {"some": {"upfrontResearch": {"eq": true}}}});
        assert_eq!(draft.question.when, Some(json!({"and": [short, researched]})));

        given.extend([("do", "group:when")]);
        let draft = Draft::from_fields(&fields(&given));
        assert_eq!(
            draft.question.when,
            Some(json!({"and": [short, {"or": [researched]}]}))
        );

        let mut again = list_fields(QuestionPart::When, draft.tree(QuestionPart::When));
        again.extend(fields(&[("add.when.1", "title"), ("do", "add:when.1")]));
        let draft = Draft::from_fields(&again);
        // A title has no default, so the row waits for one.
        assert!(!draft.is_complete() && draft.row_troubles.iter().all(Vec::is_empty));

        let mut again = list_fields(QuestionPart::When, draft.tree(QuestionPart::When));
        let reported = Draft::from_fields(&again);
        assert_eq!(reported.row_troubles[0][0].place, "1.1");
        again.extend(fields(&[("do", "remove:when.1.1")]));
        assert!(Draft::from_fields(&again).is_complete());
        again.extend(fields(&[("do", "remove:when.1")]));
        assert_eq!(Draft::from_fields(&again).question.when, Some(short));
    }

    #[test]
    fn button_without_a_chosen_condition_leads_to_the_list() {
        for action in ["add:when", "group:when"] {
            let mut given = SHORT.to_vec();
            given.extend([("add.when", ""), ("do", action)]);
            let draft = Draft::from_fields(&fields(&given));
            assert_eq!(draft.tree(QuestionPart::When).items.len(), 1, "{action}");
            assert_eq!(draft.focus.as_deref(), Some("add.when"), "{action}");
        }
    }

    #[test]
    fn nonsense_in_fields_is_ignored() {
        let draft = Draft::from_fields(&fields(&[
            ("when.0.is", "nothing"),
            ("when.x.is", "step"),
            ("when.1.filter", "{"),
            ("when.2", "step"),
            ("do", "remove:when.99.1"),
            ("then.join", "xor"),
        ]));
        assert!(draft.is_complete());
        assert_eq!(draft.question, Question::default());
    }

    #[test]
    fn only_fields_of_the_builder_are_a_form() {
        assert!(are_form_fields(&fields(&[("when.0.is", "step")])));
        assert!(are_form_fields(&fields(&[("by", ""), ("do", "ask")])));
        assert!(!are_form_fields(&fields(&[("when", "{}"), ("sort", "name")])));
    }

    proptest! {
        #[test]
        fn form_sends_the_filter_that_it_shows(filter in any_filter()) {
            let tree = ConditionTree::from_filter(&filter);
            let draft = Draft::from_fields(&list_fields(QuestionPart::Among, &tree));
            prop_assert_eq!(draft.question.among, Some(filter));
        }
    }
}

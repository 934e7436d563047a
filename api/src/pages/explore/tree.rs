//! A filter as rows and groups of rows, as the builder shows it, and back.
//!
//! What the rows cannot say is kept as it was written. So a filter that is read and written again is always the same.

use serde_json::{Map, Value, json};

use super::conditions::{ChosenCondition, QUANTIFIER};
use super::template::InputTrouble;

/// How the parts of a group are joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Join {
    /// All hold, written as a list if there are several.
    #[default]
    All,
    /// All hold, written as a list even if there is one.
    Listed,
    /// All hold, written as the fields of one filter.
    Together,
    /// At least one holds.
    Any,
    /// None holds.
    None,
    /// All hold for the same funding term, written as the fields of one filter.
    SameFunding,
    /// All hold for the same funding term, written as a list.
    SameFundingListed,
}

impl Join {
    pub const EVERY: [Self; 7] = [
        Self::All,
        Self::Listed,
        Self::Together,
        Self::Any,
        Self::None,
        Self::SameFunding,
        Self::SameFundingListed,
    ];

    pub const fn code(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Listed => "list",
            Self::Together => "together",
            Self::Any => "any",
            Self::None => "none",
            Self::SameFunding => "funding",
            Self::SameFundingListed => "funding-list",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|join| join.code() == code)
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::All | Self::Listed | Self::Together => "All of these",
            Self::Any => "Any of these",
            Self::None => "None of these",
            Self::SameFunding | Self::SameFundingListed => "All of these, about the same grant or contract",
        }
    }

    /// The word between two parts.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Any | Self::None => "or",
            Self::All | Self::Listed | Self::Together | Self::SameFunding | Self::SameFundingListed => "and",
        }
    }

    /// Whether all parts are about the same funding term.
    pub const fn is_about_one_term(self) -> bool {
        matches!(self, Self::SameFunding | Self::SameFundingListed)
    }
}

/// The condition of one row.
#[derive(Clone, Debug, PartialEq)]
pub enum RowContent {
    Chosen(ChosenCondition),
    /// A condition in the query language.
    Written(Value),
}

/// A row of the builder.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub is_negated: bool,
    pub content: RowContent,
}

/// Rows within a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowGroup {
    pub join: Join,
    pub rows: Vec<Row>,
}

/// A row or a group of rows.
#[derive(Clone, Debug, PartialEq)]
pub enum TreeItem {
    Row(Row),
    Group(RowGroup),
}

/// A filter as the builder shows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConditionTree {
    pub join: Join,
    pub items: Vec<TreeItem>,
}

/// What is the matter with a row. `place` is the path of the row, such as "1.0".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowTrouble {
    pub place: String,
    /// The input, or an empty text if it is the whole row.
    pub input: String,
    /// What the condition and the input are called.
    pub label: String,
    pub message: String,
}

impl Row {
    pub const fn new(condition: ChosenCondition) -> Self {
        Self {
            is_negated: false,
            content: RowContent::Chosen(condition),
        }
    }

    /// Whether the row keeps a condition in the query language, because the catalogue does not have it.
    pub const fn is_written(&self) -> bool {
        matches!(self.content, RowContent::Written(_))
    }

    fn read(filter: &Value) -> Self {
        Self::read_chosen(filter).unwrap_or_else(|| Self {
            is_negated: false,
            content: RowContent::Written(filter.clone()),
        })
    }

    /// Reads a condition that the catalogue has, or its negation.
    fn read_chosen(filter: &Value) -> Option<Self> {
        if let Some(condition) = ChosenCondition::from_filter(filter) {
            return Some(Self::new(condition));
        }
        let condition = ChosenCondition::from_filter(only_field(filter, "not")?)?;
        Some(Self {
            is_negated: true,
            content: RowContent::Chosen(condition),
        })
    }

    fn write(&self, place: &str) -> Result<Value, Vec<RowTrouble>> {
        let filter = self.write_content(place)?;
        Ok(negate_if(self.is_negated, filter))
    }

    fn write_content(&self, place: &str) -> Result<Value, Vec<RowTrouble>> {
        match &self.content {
            RowContent::Written(filter) => Ok(filter.clone()),
            RowContent::Chosen(condition) => condition.to_filter().map_err(|troubles| {
                let in_row = |trouble: InputTrouble| RowTrouble {
                    place: place.to_owned(),
                    label: condition.kind.describe_input(&trouble.input),
                    input: trouble.input,
                    message: trouble.message,
                };
                troubles.into_iter().map(in_row).collect()
            }),
        }
    }

    /// The part of the filter that is about one funding term.
    fn write_for_term(&self, place: &str) -> Result<Value, Vec<RowTrouble>> {
        let mut filter = self.write_content(place)?;
        let is_about_one_term = match &self.content {
            RowContent::Chosen(condition) => condition.kind.is_about_one_term(),
            RowContent::Written(_) => find_term_part(&filter).is_some(),
        };
        match filter.pointer_mut("/fundingTerms/some") {
            Some(part) if is_about_one_term => Ok(negate_if(self.is_negated, part.take())),
            _ => Err(vec![RowTrouble {
                place: place.to_owned(),
                input: if is_about_one_term {
                    QUANTIFIER.into()
                } else {
                    String::new()
                },
                label: match &self.content {
                    RowContent::Chosen(condition) => condition.kind.label.to_owned(),
                    RowContent::Written(_) => String::new(),
                },
                message:
                    "A group about the same grant or contract has only conditions about at least one grant \
                          or contract. Move this one out of the group."
                        .into(),
            }]),
        }
    }
}

impl RowGroup {
    fn write(&self, place: &str) -> Result<Option<Value>, Vec<RowTrouble>> {
        let rows = self.rows.iter().enumerate();
        let parts = rows.map(|(at, row)| {
            let place = format!("{place}.{at}");
            if self.join.is_about_one_term() {
                row.write_for_term(&place)
            } else {
                row.write(&place)
            }
        });
        Ok(join_parts(self.join, collect_parts(parts)?))
    }

    /// Reads several conditions on the same funding term. None if the catalogue has none of them.
    fn read_same_funding(filter: &Value) -> Option<Self> {
        let terms = find_term_part(filter)?;
        let (join, parts) = match only_field(terms, "and") {
            Some(listed) => (Join::SameFundingListed, listed.as_array()?.clone()),
            None => (Join::SameFunding, split_term(terms.as_object()?)),
        };
        let rows: Vec<Row> = parts.iter().map(read_term_row).collect();
        let is_shown = rows.iter().any(|row| !row.is_written());
        is_shown.then_some(Self { join, rows })
    }

    fn read(filter: &Value) -> Option<Self> {
        if let Some(group) = Self::read_same_funding(filter) {
            return Some(group);
        }
        let (join, parts) = split(filter)?;
        Some(Self {
            join,
            rows: parts.iter().map(Row::read).collect(),
        })
    }
}

impl TreeItem {
    fn list_rows(&self) -> &[Row] {
        match self {
            Self::Row(row) => std::slice::from_ref(row),
            Self::Group(group) => &group.rows,
        }
    }

    fn write(&self, place: &str) -> Result<Option<Value>, Vec<RowTrouble>> {
        match self {
            Self::Row(row) => row.write(place).map(Some),
            Self::Group(group) => group.write(place),
        }
    }

    fn read(filter: &Value) -> Self {
        if let Some(row) = Row::read_chosen(filter) {
            return Self::Row(row);
        }
        let group = RowGroup::read(filter).map(Self::Group);
        group
            .filter(|group| group.write("").as_ref() == Ok(&Some(filter.clone())))
            .unwrap_or_else(|| Self::Row(Row::read(filter)))
    }
}

impl ConditionTree {
    /// Reads a filter.
    pub fn from_filter(filter: &Value) -> Self {
        let read = match (Row::read_chosen(filter), RowGroup::read_same_funding(filter)) {
            (Some(row), _) => Self::of(TreeItem::Row(row)),
            (None, Some(group)) => Self::of(TreeItem::Group(group)),
            (None, None) => match split(filter) {
                Some((join, parts)) => Self {
                    join,
                    items: parts.iter().map(TreeItem::read).collect(),
                },
                None => Self::of(TreeItem::Row(Row::read(filter))),
            },
        };
        if read.to_filter().as_ref() == Ok(&Some(filter.clone())) {
            return read;
        }
        Self::of(TreeItem::Row(Row {
            is_negated: false,
            content: RowContent::Written(filter.clone()),
        }))
    }

    /// The filter. None if there is no condition.
    ///
    /// # Errors
    /// What is the matter with the rows.
    pub fn to_filter(&self) -> Result<Option<Value>, Vec<RowTrouble>> {
        let items = self.items.iter().enumerate();
        let parts = items.map(|(at, item)| item.write(&at.to_string()));
        let parts = collect_parts(parts)?.into_iter().flatten().collect();
        Ok(join_parts(self.join, parts))
    }

    /// How many conditions the rows keep in the query language.
    pub fn count_written(&self) -> usize {
        let rows = self.items.iter().flat_map(TreeItem::list_rows);
        rows.filter(|row| row.is_written()).count()
    }

    fn of(item: TreeItem) -> Self {
        Self {
            join: Join::All,
            items: vec![item],
        }
    }
}

/// Collects what was written, or all that is the matter.
fn collect_parts<T>(
    parts: impl Iterator<Item = Result<T, Vec<RowTrouble>>>,
) -> Result<Vec<T>, Vec<RowTrouble>> {
    let (mut written, mut troubles) = (Vec::new(), Vec::new());
    for part in parts {
        match part {
            Ok(part) => written.push(part),
            Err(found) => troubles.extend(found),
        }
    }
    if troubles.is_empty() {
        Ok(written)
    } else {
        Err(troubles)
    }
}

fn join_parts(join: Join, mut parts: Vec<Value>) -> Option<Value> {
    if parts.is_empty() {
        return None;
    }
    let joined = match join {
        Join::Any => json!({"or": parts}),
        Join::None => json!({"not": {"or": parts}}),
        Join::All if parts.len() == 1 => parts.remove(0),
        Join::All | Join::Listed => json!({"and": parts}),
        Join::Together => merge_or_list(parts),
        Join::SameFunding => json!({"fundingTerms": {"some": merge_or_list(parts)}}),
        Join::SameFundingListed => json!({"fundingTerms": {"some": {"and": parts}}}),
    };
    Some(joined)
}

/// The parts as the fields of one filter, or as a list if two of them have the same field.
fn merge_or_list(parts: Vec<Value>) -> Value {
    let mut merged = Map::new();
    for part in &parts {
        let Some(fields) = part.as_object() else {
            return json!({"and": parts});
        };
        for (name, value) in fields {
            if merged.insert(name.clone(), value.clone()).is_some() {
                return json!({"and": parts});
            }
        }
    }
    Value::Object(merged)
}

/// Splits a filter into the parts that it joins. None if it joins none.
fn split(filter: &Value) -> Option<(Join, Vec<Value>)> {
    let listed = |filter: &Value, name: &str| only_field(filter, name)?.as_array().cloned();
    if let Some(parts) = listed(filter, "and") {
        let join = if parts.len() > 1 { Join::All } else { Join::Listed };
        return Some((join, parts));
    }
    if let Some(parts) = listed(filter, "or") {
        return Some((Join::Any, parts));
    }
    if let Some(parts) = only_field(filter, "not").and_then(|inner| listed(inner, "or")) {
        return Some((Join::None, parts));
    }
    let fields = filter.as_object().filter(|fields| fields.len() > 1)?;
    Some((Join::Together, split_fields(fields)))
}

fn split_fields(fields: &Map<String, Value>) -> Vec<Value> {
    fields.iter().map(|(name, value)| json!({name: value})).collect()
}

/// Splits a filter of funding terms. An amount belongs to its currency.
fn split_term(fields: &Map<String, Value>) -> Vec<Value> {
    const AMOUNT: [&str; 2] = ["amountMinor", "currency"];
    let mut fields = fields.clone();
    let mut parts = Vec::new();
    if AMOUNT.iter().all(|name| fields.contains_key(*name)) {
        let amount: Map<String, Value> = AMOUNT
            .iter()
            .filter_map(|name| fields.remove_entry(*name))
            .collect();
        parts.push(Value::Object(amount));
    }
    parts.extend(split_fields(&fields));
    parts
}

/// The part of a filter that is about one funding term. None if the filter is about anything else.
fn find_term_part(filter: &Value) -> Option<&Value> {
    only_field(only_field(filter, "fundingTerms")?, "some")
}

fn read_term_row(part: &Value) -> Row {
    let of_terms = |part: &Value| json!({"fundingTerms": {"some": part}});
    let (is_negated, inner) = match only_field(part, "not") {
        Some(inner) => (true, inner),
        None => (false, part),
    };
    match ChosenCondition::from_filter(&of_terms(inner)) {
        Some(condition) => Row {
            is_negated,
            content: RowContent::Chosen(condition),
        },
        None => Row {
            is_negated: false,
            content: RowContent::Written(of_terms(part)),
        },
    }
}

fn negate_if(is_negated: bool, filter: Value) -> Value {
    if is_negated {
        json!({"not": filter})
    } else {
        filter
    }
}

/// The value of a field, if a filter has no other.
fn only_field<'a>(filter: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = filter.as_object().filter(|fields| fields.len() == 1)?;
    fields.get(name)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pages::explore::conditions::tests::list_examples;

    fn is_written(item: &TreeItem) -> bool {
        matches!(item, TreeItem::Row(row) if row.is_written())
    }

    #[test]
    fn claims_of_the_sample_are_rows() {
        let claims: Value = serde_json::from_str(include_str!("../../../sample/data/claims.json")).unwrap();
        for claim in claims.as_array().unwrap() {
            for part in ["when", "then", "among"] {
                let Some(filter) = claim.get(part) else { continue };
                let tree = ConditionTree::from_filter(filter);
                assert!(!tree.items.iter().any(is_written), "{filter}");
                assert_eq!(tree.to_filter(), Ok(Some(filter.clone())));
            }
        }
    }

    #[test]
    fn conditions_on_one_term_are_a_group() {
        for terms in [
            json!({"durationMonths": {"lte": 18}, "upfrontResearch": {"eq": false}}),
            json!({"amountMinor": {"gte": 100}, "currency": {"eq": "GBP"}, "funder": {"isMe": true}}),
            json!({"and": [{"durationMonths": {"lte": 18}}, {"durationMonths": {"gte": 6}}]}),
            json!({"durationMonths": {"lte": 18}, "not": {"renewable": {"eq": true}}}),
        ] {
            let filter = json!({"fundingTerms": {"some": terms}});
            let tree = ConditionTree::from_filter(&filter);
            let [TreeItem::Group(group)] = tree.items.as_slice() else {
                panic!("{tree:?}")
            };
            assert!(group.join.is_about_one_term(), "{group:?}");
            assert_eq!((group.rows.len(), tree.count_written()), (2, 0));
            assert_eq!(tree.to_filter(), Ok(Some(filter)));
        }
    }

    #[test]
    fn group_about_one_term_refuses_other_conditions() {
        let row = |filter: Value| Row::read(&filter);
        let tree = ConditionTree {
            join: Join::All,
            items: vec![TreeItem::Group(RowGroup {
                join: Join::SameFunding,
                rows: vec![
                    row(json!({"fundedByMe": true})),
                    row(json!({"fundingTerms": {"every": {"durationMonths": {"lte": 18}}}})),
                ],
            })],
        };
        let troubles = tree.to_filter().unwrap_err();
        let places: Vec<(&str, &str)> = troubles
            .iter()
            .map(|trouble| (trouble.place.as_str(), trouble.input.as_str()))
            .collect();
        assert_eq!(places, [("0.0", ""), ("0.1", QUANTIFIER)]);
    }

    #[test]
    fn what_rows_cannot_say_is_kept() {
        let deep =
            json!({"or": [{"and": [{"or": [{}, {"title": {"eq": "x"}}]}]}, {"updatedAt": {"lt": "x"}}]});
        let tree = ConditionTree::from_filter(&deep);
        assert_eq!(tree.join, Join::Any);
        assert_eq!(tree.to_filter(), Ok(Some(deep)));
        let empty = ConditionTree::from_filter(&json!({}));
        assert_eq!(empty.to_filter(), Ok(Some(json!({}))));
        assert_eq!(ConditionTree::default().to_filter(), Ok(None));
    }

    #[test]
    fn what_rows_can_say_is_shown_beside_what_they_cannot() {
        let short = json!({"durationMonths": {"lte": 18}});
        let between = json!({"durationMonths": {"gt": 6, "lt": 24}});
        let mine = json!({"funder": {"isMe": true}});
        let of_terms = |part: Value| json!({"fundingTerms": {"some": part}});
        let untitled = json!({"title": {"eq": "x"}});
        for (filter, rows, written) in [
            (json!({"and": [of_terms(short.clone()), untitled]}), 2, 1),
            (json!({"and": [of_terms(short.clone())]}), 1, 0),
            (json!({"fundedByMe": true, "title": {"eq": "x"}}), 2, 1),
            (
                json!({"fundedByMe": true, "not": {"or": [{"ledByMe": true}, untitled]}}),
                3,
                1,
            ),
            (
                of_terms(json!({"and": [short, {"renewable": {"eq": true}}]})),
                2,
                0,
            ),
            (
                of_terms(json!({"durationMonths": {"gt": 6, "lt": 24}, "funder": {"isMe": true}})),
                2,
                1,
            ),
            (of_terms(json!({"and": [mine, between, {"not": between}]})), 3, 2),
            (of_terms(between.clone()), 1, 1),
        ] {
            let tree = ConditionTree::from_filter(&filter);
            let shown: usize = tree.items.iter().map(|item| item.list_rows().len()).sum();
            assert_eq!(
                (shown, tree.count_written()),
                (rows, written),
                "{filter}: {tree:?}"
            );
            assert_eq!(tree.to_filter(), Ok(Some(filter)));
        }
    }

    /// Filters of the catalogue and others, joined at random.
    pub fn any_filter() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            4 => prop::sample::select(list_examples()),
            1 => Just(json!({})),
            1 => Just(json!({"title": {"eq": "A", "isKnown": true}})),
            1 => Just(json!({"fundingTerms": {"some": {
                "renewable": {"isKnown": true, "eq": true}, "multiSite": {"eq": true},
            }}})),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(|parts| json!({"and": parts})),
                prop::collection::vec(inner.clone(), 0..4).prop_map(|parts| json!({"or": parts})),
                inner.clone().prop_map(|part| json!({"not": part})),
                prop::collection::vec(inner, 1..3).prop_map(merge_or_list),
            ]
        })
    }

    proptest! {
        #[test]
        fn filter_that_is_read_and_written_is_the_same(filter in any_filter()) {
            let tree = ConditionTree::from_filter(&filter);
            prop_assert_eq!(tree.to_filter(), Ok(Some(filter)));
        }
    }
}

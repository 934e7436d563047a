//! Converts the document of a record to the fields of its form, and back.
//!
//! A field has the path of its value as its name, with points: `fundingTerms.0.durationMonths`. A list that has each code
//! at most once has the code in place of the position: `challengesFaced.DEFINING_AMBITIONS.step`. A field that a form does
//! not have leaves its value as it is, and so does a field that is sent back as it was shown. What is not in the form is
//! kept.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::{Map, Value};
use wayin_records::fields::column::ColumnKind;
use wayin_records::money::format_all_decimals;
use wayin_records::text::parse_any_date;

use super::amounts::{SUGGESTED_CURRENCY, read_amount};
use super::questions::{RecordList, RecordQuestion, RecordStep};
use crate::pages::answer::wording::format_date;

/// The field that says why fields of a part have no answer.
const MISSING: &str = "missing";
/// The list of the terms of funding.
pub const FUNDING_TERMS: &str = "fundingTerms";
const CURRENCY: &str = "currency";
const AMOUNT: &str = "amountMinor";
/// The name of the choice of a place.
pub const PLACE: &str = "place";
/// The name of the text to search places for. It is the name of the place if the form offers no places.
pub const PLACE_SEARCH: &str = "place.search";
/// The highest number of items that a form may add to a list at once.
const MAX_ADDED_ITEMS: usize = 20;

/// The fields that a form sent, in order.
#[derive(Clone, Debug, Default)]
pub struct FormFields(pub Vec<(String, String)>);

impl FormFields {
    /// The values of a field, with the line ends of documents. None if the form does not have it.
    pub fn values(&self, name: &str) -> Option<Vec<String>> {
        let given = self.0.iter().filter(|(field, _)| field == name);
        let values: Vec<String> = given.map(|(_, value)| value.replace("\r\n", "\n")).collect();
        (!values.is_empty()).then_some(values)
    }

    /// The last value of a field, or an empty text.
    pub fn text(&self, name: &str) -> &str {
        let mut given = self.0.iter().rev();
        given
            .find(|(field, _)| field == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// The positions of the items of a list that the form has.
    fn positions(&self, list: &str) -> BTreeSet<usize> {
        let position = |name: &str| {
            let rest = name.strip_prefix(list)?.strip_prefix('.')?;
            rest.split('.').next()?.parse().ok()
        };
        self.0.iter().filter_map(|(name, _)| position(name)).collect()
    }
}

/// An item of a list, as a form shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormItem {
    /// What comes before the names of its fields, such as `fundingTerms.0`.
    pub name: String,
    /// The position in the list. None for an item that the list does not have yet.
    pub position: Option<usize>,
    /// The code, in a list that has each code at most once.
    pub code: Option<&'static str>,
    /// Whether the form can show it. If not, it can only be removed.
    pub is_readable: bool,
}

/// The items of a list, with one for each code that it does not have, or with an empty one if `is_extended` or if there is
/// none.
pub fn list_items(record: &Value, list: RecordList, is_extended: bool) -> Vec<FormItem> {
    let stored = find_list(record, list.field);
    let mut items = Vec::new();
    let mut shown = BTreeSet::new();
    for (code, _) in list.codes() {
        let position = find_position(stored, list, code);
        shown.extend(position);
        items.push(FormItem {
            name: format!("{}.{code}", list.field),
            position,
            code: Some(code),
            is_readable: true,
        });
    }
    for (position, item) in stored.iter().enumerate() {
        if shown.contains(&position) {
            continue;
        }
        items.push(FormItem {
            name: format!("{}.{position}", list.field),
            position: Some(position),
            code: None,
            is_readable: list.key.is_none() && item.is_object(),
        });
    }
    if list.key.is_none() && (is_extended || stored.is_empty()) {
        items.push(FormItem {
            name: format!("{}.{}", list.field, stored.len()),
            position: None,
            code: None,
            is_readable: true,
        });
    }
    items
}

/// The part of the record that an item is. Null if the list does not have it yet.
pub fn find_item<'a>(record: &'a Value, list: RecordList, item: &FormItem) -> &'a Value {
    let stored = find_list(record, list.field);
    item.position
        .and_then(|position| stored.get(position))
        .unwrap_or(&Value::Null)
}

/// The texts that the form shows as the answer to a question of a part. One text, except for a question with several answers.
pub fn show_answer(part: &Value, question: &RecordQuestion) -> Vec<String> {
    let is_blank = |field: &str| show_scalar(part.get(field)).is_empty();
    let is_currency_open = question.column.path == CURRENCY
        && is_blank(CURRENCY)
        && is_blank(AMOUNT)
        && show_missing_reason(part, CURRENCY).is_empty();
    if is_currency_open {
        return vec![SUGGESTED_CURRENCY.to_owned()];
    }
    show_stored(part, question)
}

/// The texts of the answer that a part has.
fn show_stored(part: &Value, question: &RecordQuestion) -> Vec<String> {
    let value = find_value(part, question.column.path);
    match question.column.kind {
        ColumnKind::Codes(_) => {
            let codes = value.and_then(Value::as_array).into_iter().flatten();
            codes.filter_map(Value::as_str).map(ToOwned::to_owned).collect()
        }
        ColumnKind::Money => {
            let text = match (value.and_then(Value::as_i64), currency_of(part)) {
                (Some(minor), Some(currency)) => format_all_decimals(minor, &currency),
                _ => show_scalar(value),
            };
            vec![text]
        }
        ColumnKind::Date => {
            let text = show_scalar(value);
            vec![read_iso_date(&text).map_or(text, format_date)]
        }
        _ => vec![show_scalar(value)],
    }
}

/// Why a field of a part has no answer: the code of the reason, or an empty text.
pub fn show_missing_reason(part: &Value, field: &str) -> String {
    show_scalar(part.get(MISSING).and_then(|missing| missing.get(field)))
}

/// The place as a choice: `code:E06000001`, `id:...`, `name:Hartlepool`, or an empty text.
pub fn show_place(record: &Value) -> String {
    let place = record.get(PLACE);
    let keys = ["code", "id", "name"].into_iter();
    keys.filter_map(|key| Some((key, place?.get(key)?.as_str()?)))
        .find(|(_, text)| !text.is_empty())
        .map_or_else(String::new, |(key, text)| format!("{key}:{text}"))
}

/// Writes the answers of a form into a record.
pub fn apply_fields(record: &mut Value, step: RecordStep, fields: &FormFields) {
    if !record.is_object() {
        *record = Value::Object(Map::new());
    }
    let questions = step.questions();
    if let Some(list) = step.list() {
        apply_missing_reason(record, "", list.field, fields);
        apply_list(record, list, &questions, fields);
        return;
    }
    apply_answers(record, "", &questions, fields);
    if step == RecordStep::About {
        apply_place(record, fields);
        apply_missing_reason(record, "", PLACE, fields);
    }
}

/// Removes an item of a list, by the name that the form gives it. Returns whether there was one.
pub fn remove_item(record: &mut Value, name: &str) -> bool {
    let Some((field, key)) = name.split_once('.') else {
        return false;
    };
    let Some(list) = RecordStep::of_list(field).and_then(RecordStep::list) else {
        return false;
    };
    let stored = find_list(record, field);
    let position = key
        .parse::<usize>()
        .ok()
        .or_else(|| find_position(stored, list, key))
        .filter(|position| *position < stored.len());
    let Some(position) = position else {
        return false;
    };
    let mut items = stored.to_vec();
    items.remove(position);
    set_value(record, field, (!items.is_empty()).then_some(Value::Array(items)));
    true
}

/// Names an organisation as the funder of the funding at a position, if there is one.
pub fn name_funder(record: &mut Value, position: usize, name: &str, identifier: Option<&str>) {
    let terms = record.get_mut(FUNDING_TERMS).and_then(Value::as_array_mut);
    if let Some(term) = terms.and_then(|terms| terms.get_mut(position)) {
        set_value(term, "funder/name", Some(name.into()));
        set_value(term, "funder/identifier", identifier.map(Into::into));
    }
}

fn apply_list(record: &mut Value, list: RecordList, questions: &[RecordQuestion], fields: &FormFields) {
    let before = find_list(record, list.field).to_vec();
    let mut items = before.clone();
    if let Some((key, _)) = list.key {
        for (code, _) in list.codes() {
            let name = format!("{}.{code}.", list.field);
            if let Some(position) = find_position(&items, list, code) {
                let unchanged = items[position].clone();
                apply_answers(&mut items[position], &name, questions, fields);
                // An item without answers would say that there was such a challenge.
                if items[position] != unchanged && has_only(&items[position], key) {
                    items.remove(position);
                }
            } else {
                let mut item = Value::Object(Map::new());
                apply_answers(&mut item, &name, questions, fields);
                if let Some(answers) = item.as_object_mut().filter(|answers| !answers.is_empty()) {
                    answers.insert(key.to_owned(), code.into());
                    items.push(item);
                }
            }
        }
    } else {
        for position in fields.positions(list.field) {
            let name = format!("{}.{position}.", list.field);
            if let Some(item) = items.get_mut(position) {
                if item.is_object() {
                    apply_answers(item, &name, questions, fields);
                }
            } else if items.len() < before.len() + MAX_ADDED_ITEMS {
                let mut item = Value::Object(Map::new());
                apply_answers(&mut item, &name, questions, fields);
                if item != Value::Object(Map::new()) {
                    items.push(item);
                }
            }
        }
    }
    if items != before {
        set_value(
            record,
            list.field,
            (!items.is_empty()).then_some(Value::Array(items)),
        );
    }
}

/// Whether an item has nothing but the field of its code.
fn has_only(item: &Value, key: &str) -> bool {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    let mut fields = item.as_object().into_iter().flatten();
    fields.all(|(name, value)| name == key || is_empty(value))
}

fn apply_answers(part: &mut Value, name: &str, questions: &[RecordQuestion], fields: &FormFields) {
    let currency_before = currency_of(part);
    for question in questions {
        if let Some(given) = fields.values(&format!("{name}{}", question.name()))
            && !is_suggestion(part, name, question, &given, fields)
        {
            apply_answer(part, question, &given, currency_before.as_deref());
        }
        if question.column.accepts_missing_reason {
            apply_missing_reason(part, name, question.column.field_name(), fields);
        }
    }
}

/// Whether an answer is only the currency that the form suggests. It is an answer as soon as there is an amount.
fn is_suggestion(
    part: &Value,
    name: &str,
    question: &RecordQuestion,
    given: &[String],
    fields: &FormFields,
) -> bool {
    if question.column.path != CURRENCY || given.last().is_none_or(|text| text != SUGGESTED_CURRENCY) {
        return false;
    }
    let amount = fields.values(&format!("{name}{AMOUNT}"));
    let amount = amount.and_then(|values| values.into_iter().next_back());
    let amount = amount.unwrap_or_else(|| show_scalar(part.get(AMOUNT)));
    show_scalar(part.get(CURRENCY)).is_empty() && amount.trim().is_empty()
}

fn apply_answer(
    part: &mut Value,
    question: &RecordQuestion,
    given: &[String],
    currency_before: Option<&str>,
) {
    let (path, kind) = (question.column.path, question.column.kind);
    let is_several = matches!(kind, ColumnKind::Codes(_));
    let mut shown = show_stored(part, question);
    shown.retain(|text| !is_several || !text.is_empty());
    let given: Vec<&str> = given
        .iter()
        .map(String::as_str)
        .filter(|text| !is_several || !text.is_empty())
        .collect();
    let text = given.last().copied().unwrap_or_default();
    if kind == ColumnKind::Money {
        apply_amount(part, path, text, currency_before);
    } else if is_several {
        if given != shown {
            let codes: Vec<Value> = given.into_iter().map(Value::from).collect();
            set_value(part, path, (!codes.is_empty()).then_some(Value::Array(codes)));
        }
    } else if shown.first().is_none_or(|shown| shown != text) {
        set_value(part, path, read_answer(kind, text));
    }
}

/// Writes an amount in the minor unit of the currency, which the form may have changed too.
fn apply_amount(part: &mut Value, path: &str, text: &str, currency_before: Option<&str>) {
    let currency = currency_of(part);
    let stored = find_value(part, path);
    let shown_before = match (stored.and_then(Value::as_i64), currency_before) {
        (Some(minor), Some(currency)) => format_all_decimals(minor, currency),
        _ => show_scalar(stored),
    };
    let is_same_currency = currency.as_deref() == currency_before;
    if shown_before == text && (is_same_currency || stored.is_none()) {
        return;
    }
    let value = if text.trim().is_empty() {
        None
    } else {
        let minor = read_amount(text, currency.as_deref());
        Some(minor.map_or_else(|_| text.trim().into(), Value::from))
    };
    set_value(part, path, value);
}

/// Reads one answer. What is not what the question asks for is kept as it was typed, for the check to report.
fn read_answer(kind: ColumnKind, text: &str) -> Option<Value> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return None;
    }
    Some(match kind {
        ColumnKind::Date => match parse_any_date(trimmed) {
            Ok(read) => read.date.to_string().into(),
            Err(_) => text.into(),
        },
        ColumnKind::Whole => {
            // All whole numbers that the form asks for are months.
            let mut units = ["months", "month"].into_iter();
            let number = units.find_map(|unit| trimmed.strip_suffix(unit));
            let number = number.unwrap_or(trimmed).trim_end();
            number.parse::<i64>().map_or_else(|_| text.into(), Value::from)
        }
        ColumnKind::YesNo => match trimmed {
            "true" => true.into(),
            "false" => false.into(),
            _ => text.into(),
        },
        _ => text.into(),
    })
}

fn apply_missing_reason(part: &mut Value, name: &str, field: &str, fields: &FormFields) {
    let Some(given) = fields.values(&format!("{name}{MISSING}.{field}")) else {
        return;
    };
    let reason = given.last().map_or("", String::as_str);
    if show_missing_reason(part, field) != reason {
        let path = format!("{MISSING}/{field}");
        set_value(part, &path, (!reason.is_empty()).then(|| reason.into()));
    }
}

fn apply_place(record: &mut Value, fields: &FormFields) {
    let chosen = fields.values(PLACE).and_then(|values| values.last().cloned());
    let typed = fields.text(PLACE_SEARCH).trim();
    let chosen = match chosen {
        Some(chosen) => chosen,
        None if !typed.is_empty() => format!("name:{typed}"),
        None => return,
    };
    if chosen == show_place(record) {
        return;
    }
    let place = chosen
        .split_once(':')
        .filter(|(key, _)| matches!(*key, "code" | "id" | "name"))
        .map(|(key, text)| Value::Object(Map::from_iter([(key.to_owned(), text.into())])));
    set_value(record, PLACE, place);
}

fn find_list<'a>(record: &'a Value, field: &str) -> &'a [Value] {
    record
        .get(field)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The position of the first item with a code.
pub fn find_position(items: &[Value], list: RecordList, code: &str) -> Option<usize> {
    let (key, _) = list.key?;
    let has_code = |item: &Value| item.get(key).and_then(Value::as_str) == Some(code);
    items.iter().position(has_code)
}

pub fn find_value<'a>(part: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('/').try_fold(part, |value, step| value.get(step))
}

/// Sets a value and creates the objects on the way to it, or removes it with the objects that are empty without it.
fn set_value(part: &mut Value, path: &str, value: Option<Value>) {
    let Some(fields) = part.as_object_mut() else {
        return;
    };
    let Some((first, rest)) = path.split_once('/') else {
        match value {
            Some(value) => fields.insert(path.to_owned(), value),
            None => fields.remove(path),
        };
        return;
    };
    if value.is_none() && !fields.get(first).is_some_and(Value::is_object) {
        return;
    }
    let inner = fields.entry(first).or_insert_with(|| Value::Object(Map::new()));
    if !inner.is_object() {
        *inner = Value::Object(Map::new());
    }
    set_value(inner, rest, value);
    if inner.as_object().is_some_and(Map::is_empty) {
        fields.remove(first);
    }
}

/// A date as records have it, such as 2020-04-01.
fn read_iso_date(text: &str) -> Option<NaiveDate> {
    text.parse()
        .ok()
        .filter(|date: &NaiveDate| date.to_string() == text)
}

pub fn currency_of(part: &Value) -> Option<String> {
    let currency = part.get(CURRENCY)?.as_str()?.trim();
    (!currency.is_empty()).then(|| currency.to_ascii_uppercase())
}

/// A text, a number or a yes or no as a text. Empty for other values.
fn show_scalar(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.replace("\r\n", "\n"),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(is)) => is.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::pages::send::questions::RecordStep as Step;

    /// The fields that the form of a step shows for a record.
    fn show_fields(record: &Value, step: Step) -> FormFields {
        let mut fields = Vec::new();
        let mut show = |part: &Value, name: &str, questions: &[RecordQuestion]| {
            for question in questions {
                let field = format!("{name}{}", question.name());
                if matches!(question.column.kind, ColumnKind::Codes(_)) {
                    // The form has it also if nothing is chosen.
                    fields.push((field.clone(), String::new()));
                }
                for text in show_answer(part, question) {
                    fields.push((field.clone(), text));
                }
                if question.column.accepts_missing_reason {
                    let missing = question.column.field_name();
                    fields.push((
                        format!("{name}{MISSING}.{missing}"),
                        show_missing_reason(part, missing),
                    ));
                }
            }
        };
        let questions = step.questions();
        match step.list() {
            Some(list) => {
                for item in list_items(record, list, true) {
                    if item.is_readable {
                        let name = format!("{}.", item.name);
                        show(find_item(record, list, &item), &name, &questions);
                    }
                }
                fields.push((
                    format!("{MISSING}.{}", list.field),
                    show_missing_reason(record, list.field),
                ));
            }
            None => show(record, "", &questions),
        }
        if step == Step::About {
            fields.push((PLACE.into(), show_place(record)));
            fields.push((PLACE_SEARCH.into(), String::new()));
            fields.push((format!("{MISSING}.{PLACE}"), show_missing_reason(record, PLACE)));
        }
        FormFields(fields)
    }

    /// Any value, mostly of the kinds that a record has.
    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[ -~]{0,12}".prop_map(Value::from),
            Just(json!("2021-04-01")),
            Just(json!("31/01/2020")),
            Just(json!("GBP")),
            Just(json!("DEFINING_AMBITIONS")),
            Just(json!("NOT_ASKED")),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(any_key(), inner, 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    /// The name of a field: one that the form knows, or any other.
    fn any_key() -> impl Strategy<Value = String> {
        let known: Vec<String> = Step::ALL
            .into_iter()
            .flat_map(|step| {
                let keys = step
                    .list()
                    .and_then(|list| list.key)
                    .map(|(key, _)| key.to_owned());
                let lists = step.list().map(|list| list.field.to_owned());
                let paths = step.questions().into_iter();
                let steps = paths.flat_map(|question| question.column.path.split('/').map(str::to_owned));
                steps.chain(keys).chain(lists).collect::<Vec<_>>()
            })
            .chain(["place", "missing", "code"].map(str::to_owned))
            .collect();
        prop_oneof![4 => prop::sample::select(known), 1 => "[a-zA-Z]{1,8}"]
    }

    fn any_record() -> impl Strategy<Value = Value> {
        prop::collection::btree_map(any_key(), any_value(), 0..12)
            .prop_map(|fields| Value::Object(fields.into_iter().collect()))
    }

    /// A valid answer of each question, by its kind.
    fn any_answer(question: &RecordQuestion) -> BoxedStrategy<Value> {
        match question.column.kind {
            ColumnKind::Text => "[A-Za-z][ -~]{0,20}".prop_map(Value::from).boxed(),
            ColumnKind::Date => (2000..2030i32, 1..13u32, 1..29u32)
                .prop_map(|(year, month, day)| Value::from(format!("{year}-{month:02}-{day:02}")))
                .boxed(),
            ColumnKind::Whole => any::<i32>().prop_map(Value::from).boxed(),
            ColumnKind::Money => (0..1_000_000_000i64).prop_map(Value::from).boxed(),
            ColumnKind::YesNo => any::<bool>().prop_map(Value::from).boxed(),
            ColumnKind::Code(vocabulary) => prop::sample::select(vocabulary.words())
                .prop_map(|word| Value::from(word.code))
                .boxed(),
            ColumnKind::Codes(vocabulary) => {
                prop::sample::subsequence(vocabulary.words().to_vec(), 1..=vocabulary.words().len())
                    .prop_map(|words| words.iter().map(|word| Value::from(word.code)).collect::<Value>())
                    .boxed()
            }
            ColumnKind::MissingReason => Just(json!("NOT_ASKED")).boxed(),
        }
    }

    /// A part of a record with answers to all questions of a step, in the currency GBP.
    fn any_part(step: Step) -> impl Strategy<Value = Value> {
        let questions = step.questions();
        let answers: Vec<_> = questions.iter().map(any_answer).collect();
        answers.prop_map(move |answers| {
            let mut part = json!({});
            for (question, answer) in questions.iter().zip(answers) {
                let answer = match question.column.path {
                    "currency" => json!("GBP"),
                    _ => answer,
                };
                set_value(&mut part, question.column.path, Some(answer));
            }
            part
        })
    }

    fn any_step_with_part() -> impl Strategy<Value = (Step, Value)> {
        let steps = prop::sample::select(Step::ALL.to_vec());
        steps.prop_flat_map(|step| (Just(step), any_part(step)))
    }

    proptest! {
        #[test]
        fn form_that_is_sent_back_as_shown_changes_nothing(record in any_record()) {
            for step in Step::ALL {
                let mut after = record.clone();
                apply_fields(&mut after, step, &show_fields(&record, step));
                prop_assert_eq!(&after, &record, "{:?}", step);
            }
        }

        #[test]
        fn answers_are_the_same_after_a_form((step, part) in any_step_with_part()) {
            let record = match step.list() {
                Some(list) => match list.key {
                    Some((key, _)) => {
                        let items = list.codes().into_iter().map(|(code, _)| {
                            let mut item = part.clone();
                            item[key] = code.into();
                            item
                        });
                        json!({ list.field: items.collect::<Vec<_>>() })
                    }
                    None => json!({ list.field: [part.clone(), part] }),
                },
                None => part,
            };
            let shown = show_fields(&record, step);
            let mut written = json!({});
            apply_fields(&mut written, step, &shown);
            prop_assert_eq!(&written, &record);
            prop_assert_eq!(show_fields(&written, step).0, shown.0);
        }

        #[test]
        fn unknown_fields_are_kept(record in any_record(), other in any_record()) {
            let mut known = record.clone();
            known["itsOwn"] = json!({"deep": [1, null]});
            for step in Step::ALL {
                apply_fields(&mut known, step, &show_fields(&other, step));
            }
            prop_assert_eq!(&known["itsOwn"], &json!({"deep": [1, null]}));
        }
    }

    fn fields(given: &[(&str, &str)]) -> FormFields {
        FormFields(
            given
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
        )
    }

    #[test]
    fn mistakes_are_kept_as_typed() {
        let mut record = json!({});
        let typed = fields(&[
            ("fundingTerms.0.funder.name", "A funder"),
            ("fundingTerms.0.durationMonths", "a year"),
            ("fundingTerms.0.startsOn", "1 May 2020"),
            ("fundingTerms.0.endsOn", "next spring"),
            ("fundingTerms.0.currency", "GBP"),
            ("fundingTerms.0.amountMinor", "15,000"),
        ]);
        apply_fields(&mut record, Step::Funding, &typed);
        assert_eq!(
            record,
            json!({"fundingTerms": [{
                "funder": {"name": "A funder"}, "durationMonths": "a year", "startsOn": "2020-05-01",
                "endsOn": "next spring", "currency": "GBP", "amountMinor": 1_500_000,
            }]})
        );
        let shown = show_fields(&record, Step::Funding);
        assert_eq!(shown.text("fundingTerms.0.durationMonths"), "a year");
        assert_eq!(shown.text("fundingTerms.0.startsOn"), "1 May 2020");
        assert_eq!(shown.text("fundingTerms.0.endsOn"), "next spring");
        assert_eq!(shown.text("fundingTerms.0.amountMinor"), "15000.00");
    }

    #[test]
    fn an_amount_follows_its_currency() {
        let mut record = json!({"fundingTerms": [{"amountMinor": "15000"}]});
        let typed = [
            ("fundingTerms.0.currency", "GBP"),
            ("fundingTerms.0.amountMinor", "15000"),
        ];
        apply_fields(&mut record, Step::Funding, &fields(&typed));
        assert_eq!(record["fundingTerms"][0]["amountMinor"], 1_500_000);
        let typed = [
            ("fundingTerms.0.currency", "JPY"),
            ("fundingTerms.0.amountMinor", "15000.00"),
        ];
        apply_fields(&mut record, Step::Funding, &fields(&typed));
        assert_eq!(record["fundingTerms"][0]["amountMinor"], 15_000);
    }

    #[test]
    fn the_suggested_currency_is_an_answer_only_with_an_amount() {
        let currency = "fundingTerms.0.currency";
        let mut record = json!({});
        let shown = show_fields(&record, Step::Funding);
        assert_eq!(shown.text(currency), "GBP");
        apply_fields(&mut record, Step::Funding, &shown);
        assert_eq!(record, json!({}));
        let typed = [("fundingTerms.0.funder.name", "A funder"), (currency, "GBP")];
        apply_fields(&mut record, Step::Funding, &fields(&typed));
        assert_eq!(
            record,
            json!({"fundingTerms": [{"funder": {"name": "A funder"}}]})
        );
        let typed = [("fundingTerms.0.amountMinor", "£15,000"), (currency, "GBP")];
        apply_fields(&mut record, Step::Funding, &fields(&typed));
        let term = &record["fundingTerms"][0];
        assert_eq!(
            (&term["currency"], &term["amountMinor"]),
            (&json!("GBP"), &json!(1_500_000))
        );
        // Nothing is suggested where somebody says why there is no currency, or has given an amount without one.
        for part in [
            json!({"missing": {"currency": "NOT_ASKED"}}),
            json!({"amountMinor": "15"}),
        ] {
            let record = json!({"fundingTerms": [part]});
            assert_eq!(show_fields(&record, Step::Funding).text(currency), "");
        }
    }

    #[test]
    fn challenges_are_found_by_their_code() {
        let mut record = json!({"challengesFaced": [
            {"challenge": "FOSTERING_CONDITIONS", "step": "TAKEN", "colour": "red"},
        ]});
        let typed = fields(&[
            ("challengesFaced.UNDERSTANDING_LOCAL_SYSTEM.step", ""),
            ("challengesFaced.DEFINING_AMBITIONS.step", "SKIPPED"),
            ("challengesFaced.DEFINING_AMBITIONS.reasons", ""),
            ("challengesFaced.DEFINING_AMBITIONS.reasons", "SHORT_FUNDING"),
            ("challengesFaced.FOSTERING_CONDITIONS.step", ""),
            ("challengesFaced.FOSTERING_CONDITIONS.missing.step", "NOT_ASKED"),
        ]);
        apply_fields(&mut record, Step::Challenges, &typed);
        let expected = json!({"challengesFaced": [
            {"challenge": "FOSTERING_CONDITIONS", "colour": "red", "missing": {"step": "NOT_ASKED"}},
            {"challenge": "DEFINING_AMBITIONS", "step": "SKIPPED", "reasons": ["SHORT_FUNDING"]},
        ]});
        assert_eq!(record, expected);
        assert!(remove_item(&mut record, "challengesFaced.DEFINING_AMBITIONS"));
        assert!(!remove_item(&mut record, "challengesFaced.DEFINING_AMBITIONS"));
        assert!(!remove_item(&mut record, "challengesFaced.7"));
        assert!(remove_item(&mut record, "challengesFaced.0"));
        assert_eq!(record, json!({}));
    }

    #[test]
    fn a_challenge_whose_answers_are_taken_back_is_gone() {
        let reasons = "challengesFaced.DEFINING_AMBITIONS.reasons";
        let note = "challengesFaced.FOSTERING_CONDITIONS.note";
        let step = "challengesFaced.FOSTERING_CONDITIONS.step";
        let mut record = json!({});
        let ticked = fields(&[
            (reasons, ""),
            (reasons, "SHORT_FUNDING"),
            (step, "SKIPPED"),
            (note, "Too late"),
        ]);
        apply_fields(&mut record, Step::Challenges, &ticked);
        let unticked = fields(&[(reasons, ""), (step, ""), (note, "Too late")]);
        apply_fields(&mut record, Step::Challenges, &unticked);
        // A note is an answer too.
        let expected = json!([{"challenge": "FOSTERING_CONDITIONS", "note": "Too late"}]);
        assert_eq!(record, json!({ "challengesFaced": expected }));
        apply_fields(&mut record, Step::Challenges, &fields(&[(note, "")]));
        assert_eq!(record, json!({}));
        // What was sent in another way stays until somebody changes it.
        let mut record = json!({"challengesFaced": [{"challenge": "DEFINING_AMBITIONS"}]});
        apply_fields(&mut record, Step::Challenges, &fields(&[(reasons, "")]));
        assert_eq!(record["challengesFaced"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn a_place_is_chosen_or_named() {
        let mut record = json!({"place": {"code": "E06000001"}});
        assert_eq!(show_place(&record), "code:E06000001");
        let typed = [(PLACE, "code:E06000002"), (PLACE_SEARCH, "Hartle")];
        apply_fields(&mut record, Step::About, &fields(&typed));
        assert_eq!(record["place"], json!({"code": "E06000002"}));
        let typed = [(PLACE_SEARCH, "Hartlepool")];
        apply_fields(&mut record, Step::About, &fields(&typed));
        assert_eq!(record["place"], json!({"name": "Hartlepool"}));
        apply_fields(&mut record, Step::About, &fields(&[(PLACE, "")]));
        assert_eq!(record, json!({}));
    }
}

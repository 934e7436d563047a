//! Tests of the conditions, and their examples for other tests.

use super::*;
use crate::graphql::input::parse_input;
use crate::initiative::filter_input::InitiativeFilter;

/// A value that an input accepts.
fn example_of(input: &ConditionInput) -> String {
    match &input.kind {
        InputKind::OneOf(choices) | InputKind::ManyOf(choices) => choices.last().unwrap().code.to_owned(),
        InputKind::YesOrNo { .. } => "false".into(),
        InputKind::Number(_) => "7".into(),
        InputKind::Pounds => "1250".into(),
        InputKind::Date => "2020-04-01".into(),
        InputKind::Text(_) => "E06000001".into(),
        InputKind::Region => "E12000002".into(),
        InputKind::Crisis => "cost-of-living".into(),
    }
}

/// A filter of each kind of condition and of each of its templates, with its defaults and with other values.
pub fn list_examples() -> Vec<Value> {
    let mut examples = Vec::new();
    for kind in CATALOGUE.iter() {
        for at in 0..kind.templates.len() {
            let mut values = ChosenCondition::new(kind).values;
            values.insert(TEMPLATE.to_owned(), vec![at.to_string()]);
            for input in &kind.inputs {
                values
                    .entry(input.name.to_owned())
                    .or_insert_with(|| vec![example_of(input)]);
            }
            examples.push(kind.write(&values).unwrap());
            for input in &kind.inputs {
                values.insert(input.name.to_owned(), vec![example_of(input)]);
            }
            examples.push(kind.write(&values).unwrap());
        }
    }
    examples
}

#[test]
fn every_condition_is_a_filter_and_is_read_again() {
    for filter in list_examples() {
        let read = parse_input::<InitiativeFilter>("when", filter.clone());
        assert!(read.is_ok(), "{filter}: {:?}", read.err());
        let condition = ChosenCondition::from_filter(&filter).unwrap_or_else(|| panic!("{filter}"));
        assert_eq!(condition.to_filter().as_ref(), Ok(&filter));
    }
}

#[test]
fn keys_are_unique_and_conditions_have_words() {
    for (at, kind) in CATALOGUE.iter().enumerate() {
        assert!(
            CATALOGUE[..at].iter().all(|other| other.key != kind.key),
            "{}",
            kind.key
        );
        assert!(
            !kind.label.is_empty() && kind.meaning.ends_with('.'),
            "{}",
            kind.key
        );
        for input in &kind.inputs {
            let fits = input.default.is_empty() || kind.write_value(input.name, input.default).is_ok();
            assert!(fits, "{}: {}", kind.key, input.name);
        }
    }
}

#[test]
fn several_values_use_a_list() {
    let filter = json!({"challenge": {"on": "DEFINING_AMBITIONS", "step": {"eq": "SKIPPED"}}});
    let mut condition = ChosenCondition::from_filter(&filter).unwrap();
    condition
        .values
        .insert("steps".into(), vec!["SKIPPED".into(), "RUSHED".into()]);
    assert_eq!(
        condition.to_filter().unwrap(),
        json!({"challenge": {"on": "DEFINING_AMBITIONS", "step": {"in": ["SKIPPED", "RUSHED"]}}})
    );
}

#[test]
fn amounts_are_in_pounds() {
    let condition = ChosenCondition::new(find_kind("funding-amount").unwrap());
    let filter = condition.to_filter().unwrap();
    assert_eq!(
        filter["fundingTerms"]["some"]["amountMinor"],
        json!({"gte": 5_000_000})
    );
    for (text, pence) in [("£1,000", Some(100_000)), ("-1", None), ("1.5", None), ("", None)] {
        assert_eq!(read_pounds(text), pence, "{text}");
    }
}

#[test]
fn inputs_say_what_is_the_matter() {
    let mut condition = ChosenCondition::new(find_kind("funding-months").unwrap());
    condition.values.insert("months".into(), vec!["soon".into()]);
    condition.values.remove("compare");
    let troubles = condition.to_filter().unwrap_err();
    let inputs: Vec<&str> = troubles.iter().map(|trouble| trouble.input.as_str()).collect();
    assert_eq!(inputs, ["compare", "months"]);
    assert!(troubles[1].message.contains("whole number of months"));
}

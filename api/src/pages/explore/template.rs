//! Filters with open choices: a filter in JSON that has the name of an input in the place of each value that people choose.
//!
//! `{"durationMonths": {"$compare": "$months"}}` has two: the key `lte`, and the number 18. A list with one name takes all
//! values of an input, and a field whose value is `?name` is left out while nothing is chosen.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What people chose: the values of each input.
pub type ChosenValues = BTreeMap<String, Vec<String>>;

/// Turns values of inputs into JSON and back.
pub trait ValueForms {
    /// The JSON of a value, or what is the matter with it.
    fn write_value(&self, input: &str, value: &str) -> Result<Value, String>;

    /// The value that has a JSON form. None if no value has it.
    fn read_value(&self, input: &str, written: &Value) -> Option<String>;

    /// Whether a key of a filter is one of the values of an input.
    fn has_key(&self, input: &str, key: &str) -> bool;
}

/// What is the matter with an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputTrouble {
    pub input: String,
    pub message: String,
}

/// Writes the filter that a template becomes with values.
pub fn fill(
    template: &Value,
    forms: &impl ValueForms,
    chosen: &ChosenValues,
) -> Result<Value, Vec<InputTrouble>> {
    let mut filling = Filling {
        forms,
        chosen,
        troubles: Vec::new(),
    };
    let filled = filling.fill(template);
    match filled {
        Some(filled) if filling.troubles.is_empty() => Ok(filled),
        _ => Err(filling.troubles),
    }
}

/// Reads the values with which a template becomes a filter. None if there are none.
pub fn read(template: &Value, forms: &impl ValueForms, filter: &Value) -> Option<ChosenValues> {
    let mut chosen = ChosenValues::new();
    read_into(template, forms, filter, &mut chosen)?;
    Some(chosen)
}

/// The input that a text of a template names.
fn named_input(text: &str) -> Option<&str> {
    text.strip_prefix('$').or_else(|| text.strip_prefix('?'))
}

fn is_optional(template: &Value) -> bool {
    template.as_str().is_some_and(|text| text.starts_with('?'))
}

struct Filling<'a, F> {
    forms: &'a F,
    chosen: &'a ChosenValues,
    troubles: Vec<InputTrouble>,
}

impl<'a, F: ValueForms> Filling<'a, F> {
    fn fill(&mut self, template: &Value) -> Option<Value> {
        match template {
            Value::Object(fields) => self.fill_object(fields).map(Value::Object),
            Value::Array(items) => match items.first().and_then(Value::as_str).and_then(named_input) {
                Some(input) => self.fill_list(input),
                None => Some(template.clone()),
            },
            Value::String(text) => match named_input(text) {
                Some(input) => self.fill_one(input),
                None => Some(template.clone()),
            },
            other => Some(other.clone()),
        }
    }

    fn fill_object(&mut self, fields: &Map<String, Value>) -> Option<Map<String, Value>> {
        let mut filled = Map::new();
        for (key, part) in fields {
            if is_optional(part) && self.first_value(part.as_str().and_then(named_input)?).is_none() {
                continue;
            }
            let key = match named_input(key) {
                Some(input) => self.find_key(input),
                None => Some(key.clone()),
            };
            // Both are looked at, so that all that is the matter is found.
            let value = self.fill(part);
            filled.insert(key?, value?);
        }
        Some(filled)
    }

    fn find_key(&mut self, input: &str) -> Option<String> {
        match self.first_value(input) {
            Some(key) if self.forms.has_key(input, key) => Some(key.to_owned()),
            _ => self.report(input, "Choose one.".into()),
        }
    }

    fn fill_one(&mut self, input: &str) -> Option<Value> {
        let value = self.first_value(input).unwrap_or_default();
        match self.forms.write_value(input, value) {
            Ok(written) => Some(written),
            Err(message) => self.report(input, message),
        }
    }

    fn fill_list(&mut self, input: &str) -> Option<Value> {
        let values = self.chosen.get(input).map(Vec::as_slice).unwrap_or_default();
        if values.is_empty() {
            return self.report(input, "Choose at least one.".into());
        }
        let written: Result<Vec<Value>, String> = values
            .iter()
            .map(|value| self.forms.write_value(input, value))
            .collect();
        match written {
            Ok(written) => Some(Value::Array(written)),
            Err(message) => self.report(input, message),
        }
    }

    fn first_value(&self, input: &str) -> Option<&'a str> {
        let chosen: &'a ChosenValues = self.chosen;
        let first = chosen.get(input)?.first()?;
        (!first.is_empty()).then_some(first)
    }

    fn report<T>(&mut self, input: &str, message: String) -> Option<T> {
        let trouble = InputTrouble {
            input: input.to_owned(),
            message,
        };
        self.troubles.push(trouble);
        None
    }
}

fn read_into(
    template: &Value,
    forms: &impl ValueForms,
    filter: &Value,
    chosen: &mut ChosenValues,
) -> Option<()> {
    match (template, filter) {
        (Value::Object(parts), Value::Object(fields)) => read_object(parts, forms, fields, chosen),
        (Value::Array(items), Value::Array(written)) => {
            let input = items.first().and_then(Value::as_str).and_then(named_input)?;
            let values: Option<Vec<String>> =
                written.iter().map(|one| forms.read_value(input, one)).collect();
            chosen.insert(input.to_owned(), values.filter(|values| !values.is_empty())?);
            Some(())
        }
        (Value::String(text), written) => match named_input(text) {
            Some(input) => {
                let value = forms.read_value(input, written)?;
                chosen.insert(input.to_owned(), vec![value]);
                Some(())
            }
            None => (template == written).then_some(()),
        },
        _ => (template == filter).then_some(()),
    }
}

fn read_object(
    parts: &Map<String, Value>,
    forms: &impl ValueForms,
    fields: &Map<String, Value>,
    chosen: &mut ChosenValues,
) -> Option<()> {
    let mut rest: Vec<(&String, &Value)> = fields.iter().collect();
    let mut open_part = None;
    for (key, part) in parts {
        if let Some(input) = named_input(key) {
            open_part = Some((input, part));
            continue;
        }
        match rest.iter().position(|(name, _)| *name == key) {
            Some(at) => {
                let (_, value) = rest.swap_remove(at);
                read_into(part, forms, value, chosen)?;
            }
            None if is_optional(part) => {}
            None => return None,
        }
    }
    match (open_part, rest.as_slice()) {
        (None, []) => Some(()),
        (Some((input, part)), [(key, value)]) if forms.has_key(input, key) => {
            chosen.insert(input.to_owned(), vec![(*key).clone()]);
            read_into(part, forms, value, chosen)
        }
        _ => None,
    }
}

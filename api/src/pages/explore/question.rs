//! A question and its address: `/explore?when=...&then=...`, with the parameters of `/export/pattern.csv`.

use serde_json::Value;
use wayin_engine::query::RecordScope;
use wayin_entity::Dimension;

use crate::pages::answer::address::{build_address, read_scope, scope_code};

/// The most groups that a page shows.
pub const MAX_GROUPS: u32 = 100;

/// The three filters of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuestionPart {
    When,
    Then,
    Among,
}

impl QuestionPart {
    pub const ALL: [Self; 3] = [Self::When, Self::Then, Self::Among];

    pub const fn name(self) -> &'static str {
        match self {
            Self::When => "when",
            Self::Then => "then",
            Self::Among => "among",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }
}

/// The order of the groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupSort {
    Name,
    /// The largest difference first.
    #[default]
    Difference,
    /// The largest group first.
    Number,
}

impl GroupSort {
    pub const ALL: [Self; 3] = [Self::Name, Self::Difference, Self::Number];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Difference => "difference",
            Self::Number => "number",
        }
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::Name => "Name",
            Self::Difference => "Difference",
            Self::Number => "Number of initiatives",
        }
    }

    /// The order in GraphQL.
    pub fn to_order(self) -> Value {
        let (field, direction) = match self {
            Self::Name => ("NAME", "ASC"),
            Self::Difference => ("DIFFERENCE", "DESC"),
            Self::Number => ("POPULATION", "DESC"),
        };
        serde_json::json!({ "field": field, "direction": direction })
    }
}

/// A question, complete or not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Question {
    pub when: Option<Value>,
    pub then: Option<Value>,
    pub among: Option<Value>,
    pub by: Option<Dimension>,
    pub scope: RecordScope,
    pub sort: GroupSort,
}

/// What is the matter with a parameter of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterTrouble {
    pub name: &'static str,
    pub message: String,
}

impl Question {
    pub const fn part(&self, part: QuestionPart) -> Option<&Value> {
        match part {
            QuestionPart::When => self.when.as_ref(),
            QuestionPart::Then => self.then.as_ref(),
            QuestionPart::Among => self.among.as_ref(),
        }
    }

    pub fn set_part(&mut self, part: QuestionPart, filter: Option<Value>) {
        match part {
            QuestionPart::When => self.when = filter,
            QuestionPart::Then => self.then = filter,
            QuestionPart::Among => self.among = filter,
        }
    }

    pub const fn is_empty(&self) -> bool {
        self.when.is_none() && self.then.is_none() && self.among.is_none()
    }

    /// The two conditions, if both are given.
    pub fn conditions(&self) -> Option<(&Value, &Value)> {
        self.when.as_ref().zip(self.then.as_ref())
    }

    /// Reads the parameters of an address. What cannot be read is left out, and reported.
    pub fn from_parameters(parameters: &[(String, String)]) -> (Self, Vec<ParameterTrouble>) {
        let (mut question, mut troubles) = (Self::default(), Vec::new());
        for (name, text) in parameters.iter().filter(|(_, text)| !text.is_empty()) {
            if let Err(trouble) = question.read_parameter(name, text) {
                troubles.push(trouble);
            }
        }
        (question, troubles)
    }

    fn read_parameter(&mut self, name: &str, text: &str) -> Result<(), ParameterTrouble> {
        if let Some(part) = QuestionPart::from_name(name) {
            self.set_part(part, Some(read_filter(part, text)?));
            return Ok(());
        }
        let trouble = |name, what: &str| ParameterTrouble {
            name,
            message: format!("“{name}” in the address is not {what}. Choose another below."),
        };
        match name {
            "by" => {
                let by = Dimension::ALL.iter().find(|dimension| dimension.code() == text);
                self.by = Some(*by.ok_or_else(|| trouble("by", "a way to group initiatives"))?);
            }
            "scope" => {
                self.scope = read_scope(text).ok_or_else(|| trouble("scope", "a choice of records"))?;
            }
            "sort" => {
                let sort = GroupSort::ALL.into_iter().find(|sort| sort.name() == text);
                self.sort = sort.ok_or_else(|| trouble("sort", "an order of groups"))?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The parameters of the address, without those that have their default.
    pub fn list_parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters: Vec<(&'static str, String)> = QuestionPart::ALL
            .into_iter()
            .filter_map(|part| Some((part.name(), self.part(part)?.to_string())))
            .collect();
        parameters.extend(self.by.map(|by| ("by", by.code().to_owned())));
        if self.scope != RecordScope::default() {
            parameters.push(("scope", scope_code(self.scope).to_owned()));
        }
        parameters
    }

    /// The address of the question on this page.
    pub fn address(&self) -> String {
        let mut parameters = self.list_parameters();
        if self.sort != GroupSort::default() {
            parameters.push(("sort", self.sort.name().to_owned()));
        }
        build_address("/explore", &parameters)
    }

    /// The address of a file with the answer.
    pub fn file_address(&self, path: &str, extra: &[(&'static str, &str)]) -> String {
        let mut parameters = self.list_parameters();
        parameters.extend(extra.iter().map(|(name, value)| (*name, (*value).to_owned())));
        build_address(path, &parameters)
    }
}

fn read_filter(part: QuestionPart, text: &str) -> Result<Value, ParameterTrouble> {
    let filter: Option<Value> = serde_json::from_str(text).ok();
    filter.filter(Value::is_object).ok_or_else(|| ParameterTrouble {
        name: part.name(),
        message: format!(
            "“{}” in the address is not a condition in JSON, so it is left out. Build the condition below instead.",
            part.name()
        ),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parameters(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn question_is_read_from_its_parameters() {
        let question = Question {
            when: Some(json!({"fundedByMe": true})),
            then: Some(json!({"title": {"contains": "a&b=ü"}})),
            among: None,
            by: Some(Dimension::Region),
            scope: RecordScope::Visible,
            sort: GroupSort::Name,
        };
        let mut given: Vec<(String, String)> = question
            .list_parameters()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        given.push(("sort".into(), "name".into()));
        assert_eq!(Question::from_parameters(&given), (question.clone(), Vec::new()));
        let address = question.address();
        assert!(address.starts_with("/explore?when=%7B%22fundedByMe"), "{address}");
        assert!(
            address.ends_with("&by=REGION&scope=VISIBLE&sort=name"),
            "{address}"
        );
        assert_eq!(Question::default().address(), "/explore");
    }

    #[test]
    fn wrong_parameters_are_reported_and_left_out() {
        let given = parameters(&[
            ("when", "{}"),
            ("then", "short funding"),
            ("among", "[1]"),
            ("by", "region"),
            ("scope", "MINE"),
            ("sort", "size"),
            ("other", "x"),
        ]);
        let (question, troubles) = Question::from_parameters(&given);
        assert_eq!(
            question,
            Question {
                when: Some(json!({})),
                ..Question::default()
            }
        );
        let names: Vec<&str> = troubles.iter().map(|trouble| trouble.name).collect();
        assert_eq!(names, ["then", "among", "by", "scope", "sort"]);
    }
}

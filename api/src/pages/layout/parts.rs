//! What the macros of `components.html` are given.

/// A choice of a select, of radios or of checkboxes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    pub value: String,
    pub label: String,
    /// A sentence below the label. Empty if there is none.
    pub hint: String,
    pub is_chosen: bool,
}

impl Choice {
    pub fn new(value: impl Into<String>, label: impl Into<String>, is_chosen: bool) -> Self {
        Self {
            value: value.into(),
            label: label.into(),
            hint: String::new(),
            is_chosen,
        }
    }

    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// A problem with what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// The id of the control. Empty if the problem is about the whole form.
    pub field: String,
    /// What is the matter and what to do.
    pub message: String,
}

/// The problems of a form, in the order of its fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FormProblems(Vec<FieldProblem>);

impl FormProblems {
    pub fn push(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldProblem {
            field: field.into(),
            message: message.into(),
        });
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, FieldProblem> {
        self.0.iter()
    }

    /// The first problem of a field, to write beside it. Empty if there is none.
    pub fn message(&self, field: &str) -> &str {
        self.0
            .iter()
            .find(|problem| problem.field == field)
            .map_or("", |problem| &problem.message)
    }
}

impl<'a> IntoIterator for &'a FormProblems {
    type Item = &'a FieldProblem;
    type IntoIter = std::slice::Iter<'a, FieldProblem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_problem_of_a_field_is_written_beside_it() {
        let mut problems = FormProblems::default();
        problems.push("title", "Enter a title.");
        problems.push("ends_on", "Enter a date after the start.");
        problems.push("ends_on", "Enter a date in this century.");

        assert_eq!(problems.message("ends_on"), "Enter a date after the start.");
        assert_eq!(problems.message("lead"), "");
        assert_eq!(problems.iter().count(), 3);
    }
}

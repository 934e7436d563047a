//! What a file says about its table: the question, the summary, the cautions, and how to cite it.

use async_graphql::{InputType, Value};
use chrono::{DateTime, Utc};
use wayin_engine::answer::Basis;
use wayin_engine::cautions::{Caution, CautionCode};

use super::tables::ExportCell;

/// What was asked for, and how.
#[derive(Clone, Debug)]
pub struct ExportRequest {
    /// The kind of answer, in words.
    pub title: &'static str,
    /// The path of the route.
    pub path: String,
    /// The parameters of the request, as name and text.
    pub parameters: Vec<(&'static str, String)>,
    /// The licence under which the file may be reused.
    pub licence: String,
}

/// A name and its value.
pub type DetailLine = (String, ExportCell);

/// What a file says about its table.
#[derive(Clone, Debug)]
pub struct ExportDetails {
    /// What was asked for.
    pub request: ExportRequest,
    /// Which records the answer is based on.
    pub basis: Basis,
    /// The answer in plain words. None for an answer without a summary.
    pub summary: Option<String>,
    /// The figures that are not about a row of the table.
    pub figures: Vec<DetailLine>,
    /// What to consider before using the answer.
    pub cautions: Vec<Caution>,
}

const EXACT_NOTE: &str = "Counts are exact.";
const DISCLOSURE_CONTROL_NOTE: &str = "The table has rows of all records and rows of readable records. In a row of all \
    records, counts that include hidden records are changed a little and rounded, or empty if they would include too few \
    hidden records. In a row of readable records, counts are exact, of the records that you can read in full.";

impl ExportDetails {
    /// Creates details without a summary and without more figures.
    pub fn new(request: ExportRequest, basis: Basis, cautions: Vec<Caution>) -> Self {
        Self {
            request,
            basis,
            summary: None,
            figures: Vec::new(),
            cautions,
        }
    }

    /// Every detail, as names and values.
    pub fn list_lines(&self) -> Vec<DetailLine> {
        let mut lines = vec![to_line("about", self.request.title)];
        lines.extend(
            self.summary
                .iter()
                .map(|summary| to_line("summary", summary.as_str())),
        );
        let parameters = self.request.parameters.iter();
        lines.extend(parameters.map(|(name, text)| to_line(name, text.as_str())));
        let disclosure = if self.basis.hidden.is_controlled() {
            DISCLOSURE_CONTROL_NOTE
        } else {
            EXACT_NOTE
        };
        let scope = format_code(&self.basis.scope);
        lines.extend([to_line("scope", &scope), to_line("disclosure", disclosure)]);
        lines.extend(self.list_date_lines());
        lines.extend(self.figures.iter().cloned());
        let cautions = self.cautions.iter();
        lines.extend(cautions.map(|caution| to_line("caution", caution.text.as_str())));
        lines.push(to_line("source", self.render_source()));
        lines.push(to_line("licence", self.request.licence.as_str()));
        lines
    }

    /// The newest changes that the answer includes.
    pub fn list_date_lines(&self) -> Vec<DetailLine> {
        let as_of = self.basis.as_of;
        let mut lines = vec![
            ("as of change".into(), ExportCell::Integer(as_of.change_number)),
            ("as of date".into(), to_date_cell(as_of.changed_at)),
        ];
        if self.basis.hidden.is_controlled() {
            let hidden = self.basis.hidden_as_of;
            lines.extend([
                (
                    "hidden records as of change".into(),
                    ExportCell::Integer(hidden.change_number),
                ),
                (
                    "hidden records as of date".into(),
                    to_date_cell(hidden.changed_at),
                ),
            ]);
        }
        lines
    }

    /// Where the figures come from.
    pub fn render_source(&self) -> String {
        format!(
            "Wayin {}, {}: initiatives as this base publishes them",
            env!("CARGO_PKG_VERSION"),
            self.request.path
        )
    }

    /// The caution about illustrative records. None if there are none.
    pub fn find_illustrative_caution(&self) -> Option<&Caution> {
        let mut cautions = self.cautions.iter();
        cautions.find(|caution| caution.code == CautionCode::Illustrative)
    }
}

/// A detail whose value is a text.
pub fn to_line(name: &str, text: impl Into<String>) -> DetailLine {
    (name.to_owned(), ExportCell::from_text(text))
}

fn to_date_cell(at: Option<DateTime<Utc>>) -> ExportCell {
    at.map_or(ExportCell::Empty, |at| ExportCell::Text(at.to_rfc3339()))
}

/// A code, as it is written in GraphQL.
pub fn format_code(one: &impl InputType) -> String {
    match one.to_value() {
        Value::Enum(name) => name.to_string(),
        other => other.to_string(),
    }
}

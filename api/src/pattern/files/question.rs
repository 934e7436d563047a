//! The kinds and formats of files, the questions that they answer, and the addresses of both.

use axum::http::Uri;
use wayin_entity::{Dimension, Perspective};

use super::super::asker::Asker;
use super::super::graphql::{NamedCondition, list_compared_groups};
use super::super::service::{ComparisonInput, PatternInput};
use super::parameters::FileParameters;
use crate::app::App;
use crate::auth::requester::Requester;
use crate::error::{Error, Result};
use crate::graphql::filter::AskerOrganisation;
use crate::graphql::operation::cost::weights;
use crate::initiative::filter_input::InitiativeFilter;
use wayin_engine::summary::join_list;

/// The longest address that is checked, in bytes.
const MAX_ADDRESS_BYTES: usize = 32_000;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerFormat {
    /// The table of the answer.
    Csv,
    /// The answer to read, and its table.
    Workbook,
}

impl AnswerFormat {
    const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Workbook => "xlsx",
        }
    }
}

/// A kind of answer in a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileRoute {
    pub kind: ExportKind,
    pub format: AnswerFormat,
}

impl FileRoute {
    /// The routes of all files.
    pub fn list_all() -> impl Iterator<Item = Self> {
        let of_kind = |kind: ExportKind| {
            kind.formats().iter().map(move |format| Self {
                kind,
                format: *format,
            })
        };
        ExportKind::ALL.into_iter().flat_map(of_kind)
    }

    pub fn path(self) -> String {
        format!("/export/{}.{}", self.kind.name(), self.format.ending())
    }

    /// The `Content-Disposition` header. A browser saves the file under its name.
    pub fn disposition(self) -> String {
        let (name, ending) = (self.kind.name(), self.format.ending());
        format!("attachment; filename=\"wayin-{name}.{ending}\"")
    }
}

/// A kind of answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportKind {
    Pattern,
    Grid,
    Distribution,
    Flows,
    Associations,
    Compare,
}

impl ExportKind {
    pub const ALL: [Self; 6] = [
        Self::Pattern,
        Self::Grid,
        Self::Distribution,
        Self::Flows,
        Self::Associations,
        Self::Compare,
    ];

    /// The cost, which is that of the GraphQL field with the same answer.
    pub fn cost_points(self, given: &FileParameters) -> u32 {
        let (field, _) = self.graphql_field();
        weights::pattern_query_points(field, &|name| given.count_values(name), given.count_comparisons())
    }

    /// The name of the file, without its ending.
    const fn name(self) -> &'static str {
        match self {
            Self::Pattern => "pattern",
            Self::Grid => "grid",
            Self::Distribution => "distribution",
            Self::Flows => "flows",
            Self::Associations => "associations",
            Self::Compare => "compare",
        }
    }

    /// The formats of answers of this kind.
    pub const fn formats(self) -> &'static [AnswerFormat] {
        match self {
            Self::Pattern | Self::Grid | Self::Distribution | Self::Compare => {
                &[AnswerFormat::Csv, AnswerFormat::Workbook]
            }
            Self::Flows | Self::Associations => &[AnswerFormat::Csv],
        }
    }

    /// The GraphQL field with the same answer, and the types whose fields are all in the file.
    const fn graphql_field(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Pattern => ("pattern", &["Pattern", "PatternGroup", "ContingencyTable"]),
            Self::Grid => ("patternGrid", &["PatternGrid", "GridHeading", "GridCell"]),
            Self::Distribution => ("distribution", &["Distribution", "DistributionBin"]),
            Self::Flows => ("entryPointFlows", &["EntryPointFlows", "EntryPointFlow"]),
            Self::Associations => (
                "associations",
                &["Associations", "Association", "ContingencyTable"],
            ),
            Self::Compare => ("compare", &["Comparison", "ComparedGroup", "ContingencyTable"]),
        }
    }

    pub const fn title(self) -> &'static str {
        match self {
            Self::Pattern => "How often two conditions coincide",
            Self::Grid => "Every value of one dimension against every value of another",
            Self::Distribution => "How many initiatives have each value of a dimension",
            Self::Flows => "From which way in to which later entry points initiatives move",
            Self::Associations => "Which pairs of conditions coincide more than chance",
            Self::Compare => "How the rate of a condition differs between groups and the rest",
        }
    }

    /// The parameters of this kind of file, without those that every file has.
    pub const fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Pattern => &["when", "then", "among", "by"],
            Self::Grid => &["rows", "columns", "among"],
            Self::Distribution => &["of", "among"],
            Self::Flows => &["among", "perspective"],
            Self::Associations => &["conditions", "among"],
            Self::Compare => &["groups", "portfolio", "then", "among"],
        }
    }
}

/// The question that a file answers.
pub enum FileQuestion {
    Pattern(Box<PatternInput>),
    Grid {
        rows: Dimension,
        columns: Dimension,
        among: Option<InitiativeFilter>,
    },
    Distribution {
        of: Dimension,
        among: Option<InitiativeFilter>,
    },
    Flows {
        among: Option<InitiativeFilter>,
        perspective: Option<Perspective>,
    },
    Associations {
        /// The names of the conditions, in the same order.
        names: Vec<String>,
        conditions: Vec<InitiativeFilter>,
        among: Option<InitiativeFilter>,
    },
    Compare(Box<ComparisonInput>),
}

impl FileQuestion {
    /// Parses the question of a kind of file from its parameters.
    ///
    /// # Errors
    /// [`Error::BadInput`] with the name of a parameter that is missing or wrong.
    pub fn parse(kind: ExportKind, given: &FileParameters, asker: AskerOrganisation) -> Result<Self> {
        Ok(match kind {
            ExportKind::Pattern => Self::Pattern(Box::new(PatternInput {
                when: given.required("when")?,
                then: given.required("then")?,
                among: given.among()?,
                by: given.optional("by")?,
                concentration: true,
            })),
            ExportKind::Grid => Self::Grid {
                rows: given.required("rows")?,
                columns: given.required("columns")?,
                among: given.among()?,
            },
            ExportKind::Distribution => Self::Distribution {
                of: given.required("of")?,
                among: given.among()?,
            },
            ExportKind::Flows => Self::Flows {
                among: given.among()?,
                perspective: given.optional("perspective")?,
            },
            ExportKind::Associations => {
                let named: Vec<NamedCondition> = given.required("conditions")?;
                let (names, conditions) = named.into_iter().map(|one| (one.name, one.condition)).unzip();
                Self::Associations {
                    names,
                    conditions,
                    among: given.among()?,
                }
            }
            ExportKind::Compare => Self::Compare(Box::new(ComparisonInput {
                groups: list_compared_groups(given.optional("groups")?, given.portfolio()?, asker)?,
                then: given.required("then")?,
                among: given.among()?,
            })),
        })
    }
}

/// Checks whether the requester can read a kind of file.
pub fn authorise(app: &App, requester: &Requester, kind: ExportKind) -> Result<()> {
    let asking = app.permissions.identify(requester);
    let (field, types) = kind.graphql_field();
    app.permissions.check_field(asking, "Query", field)?;
    types
        .iter()
        .try_for_each(|of| app.permissions.check_all_fields(asking, of))
}

/// The address of a file on this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileAddress {
    /// The path, which names the kind of file.
    pub path: String,
    /// The path and the parameters.
    pub address: String,
}

/// Parses the address of a file, such as `/export/distribution.csv?of=REGION`, without answering its question.
///
/// # Errors
/// [`Error::BadInput`] if it is not the address of a file, or if a parameter is missing or wrong, and
/// [`Error::Unauthenticated`] or [`Error::Forbidden`] if the requester cannot read the file.
pub fn parse_address(app: &App, requester: &Requester, text: &str) -> Result<FileAddress> {
    if text.len() > MAX_ADDRESS_BYTES {
        return Err(Error::BadInput(format!(
            "has {} bytes; the maximum is {MAX_ADDRESS_BYTES}",
            text.len()
        )));
    }
    let not_a_file = || {
        let paths = FileRoute::list_all().map(FileRoute::path);
        Error::BadInput(format!(
            "is not the address of a file on this server; it begins with {}",
            join_list(paths, "or")
        ))
    };
    let uri: Uri = text.parse().map_err(|_| not_a_file())?;
    let route = FileRoute::list_all()
        .find(|route| uri.authority().is_none() && route.path() == uri.path())
        .ok_or_else(not_a_file)?;
    let kind = route.kind;
    authorise(app, requester, kind)?;
    let mut given = FileParameters::from_uri(&uri)?;
    given.require_known(kind.parameters(), route.format == AnswerFormat::Csv)?;
    let asker = Asker::from_requester(&app.permissions, requester, given.scope()?)?;
    FileQuestion::parse(kind, &given, asker.organisation)?;
    given.preamble()?;
    given.min_change_number()?;
    let (field, _) = kind.graphql_field();
    app.permissions
        .check_field_usage(asker.kind, ("Query", field), given.to_arguments()?)?;
    Ok(FileAddress {
        path: route.path(),
        address: uri.to_string(),
    })
}

//! The one table of a workbook's sheets and columns: what each column is called, which
//! field of a record it stands for, and what may be written in it. The template, exports,
//! corrected workbooks, CSV files and the readers of them all are made from it.

use super::vocabulary::Vocabulary as V;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Words.
    Text,
    /// A day.
    Date,
    /// A whole number.
    Whole,
    /// An amount of money in the currency's main unit, such as pounds, where the document has
    /// its minor unit.
    Money,
    /// Yes or no.
    YesNo,
    /// A word of a vocabulary.
    Code(V),
    /// Any number of them, with semicolons between.
    Codes(V),
    /// Why a list of the record has nothing in it.
    WhyNone,
}

/// How a file is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// In sheets, whose columns have titles.
    Workbook,
    /// In one table, whose columns are called by the paths of the fields.
    Table,
}

/// One column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// What it is called.
    pub header: &'static str,
    /// The field that it stands for, within the record or the item of its list: `place/code`.
    pub path: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What to write there, in plain words.
    pub note: &'static str,
    /// How wide it is, in characters.
    pub width: u16,
    /// Whether people are asked for it: the others are there for what is exported.
    pub is_asked: bool,
    /// Whether, in place of an answer, it may say why there is none.
    pub may_be_missing: bool,
}

impl Column {
    /// The field of the record or item that the column belongs to: `place` for `place/code`.
    pub fn field(&self) -> &'static str {
        self.path.split('/').next().unwrap_or(self.path)
    }

    /// The path that a flat file calls it by, with points: `place.code`.
    pub fn dotted(&self) -> String {
        self.path.replace('/', ".")
    }

    /// What a file calls it, in which a sheet has it, or the columns of a flat table.
    pub fn called(&self, layout: Layout) -> String {
        match layout {
            Layout::Workbook => self.header.to_owned(),
            Layout::Table => self.dotted(),
        }
    }

    /// Whether the words of somebody who has no answer are taken for none: not in texts that may hold any words, and not
    /// where an answer is needed.
    pub fn may_be_not_known(&self) -> bool {
        match self.kind {
            Kind::Text => matches!(
                self.path,
                "place/name"
                    | "place/code"
                    | "leadOrganisation/identifier"
                    | "funder/identifier"
                    | "grantIdentifier"
                    | "programme"
                    | "currency"
                    | "source/url"
                    | "source/licence"
                    | "sharing/confirmedBy"
                    | "sharing/basis"
                    | "sharing/licence"
            ),
            Kind::Code(_) => {
                self.may_be_missing
                    || matches!(self.path, "visibility" | "leadOrganisation/kind" | "funder/kind")
            }
            Kind::Date | Kind::Whole | Kind::Money | Kind::YesNo | Kind::Codes(_) | Kind::WhyNone => {
                self.path != VERSION_PATH
            }
        }
    }

    /// Whether it asks for a name without which a record, or an item of a list, cannot be kept.
    pub fn is_needed_name(&self) -> bool {
        matches!(
            self.path,
            REFERENCE_PATH | "leadOrganisation/name" | "funder/name"
        )
    }

    const fn not_asked(self) -> Self {
        Self {
            is_asked: false,
            ..self
        }
    }

    const fn or_why(self) -> Self {
        Self {
            may_be_missing: true,
            ..self
        }
    }
}

const fn column(
    header: &'static str,
    path: &'static str,
    kind: Kind,
    width: u16,
    note: &'static str,
) -> Column {
    Column {
        header,
        path,
        kind,
        note,
        width,
        is_asked: true,
        may_be_missing: false,
    }
}

/// One sheet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sheet {
    /// What it is called.
    pub name: &'static str,
    /// The list of the record that its rows are items of; none for the records themselves.
    pub list: Option<&'static str>,
    /// What one row of it is, in plain words.
    pub row: &'static str,
    /// Its columns, without those that say which record a row belongs to.
    pub columns: &'static [Column],
}

/// The column by which every sheet says which record a row belongs to.
pub const REFERENCE: &str = "Your reference";
/// The field that it stands for on the first sheet.
pub const REFERENCE_PATH: &str = "externalRef";
/// What says which version of the published record a row was written from. No field of the record itself.
pub const VERSION_PATH: &str = "version";
/// What an exported workbook tells records apart by: several organisations may use the same
/// reference, and a record that was made from a grant has none.
pub const RECORD: &str = "Record";
/// The column of a corrected workbook that says what is wrong with a row; nobody reads it again.
pub const TO_MEND: &str = "What to mend";
/// The reference of the row that shows how the template is filled in.
pub const EXAMPLE: &str = "EXAMPLE-1";
/// The sheet that explains the others.
pub const GUIDANCE: &str = "Guidance";
/// The sheet of a corrections workbook that lists what could not be read; nobody reads it again.
pub const UNREAD: &str = "Not read";
/// The sheet that the drop-downs take their words from.
pub const LISTS: &str = "Lists";

/// What the references of a row are called in its note.
pub const REFERENCE_NOTE: &str = "Your own name or number for the record: by it a record is known again when you send it again. \
     Write the same reference on the other sheets, in every row that belongs to the record.";

/// The sheets, the records themselves first.
pub const SHEETS: [Sheet; 5] = [
    Sheet {
        name: "Initiatives",
        list: None,
        row: "one initiative",
        columns: &[
            column(REFERENCE, REFERENCE_PATH, Kind::Text, 18, REFERENCE_NOTE),
            column("Title", "title", Kind::Text, 34, "What the initiative is called. Needed; at most 300 characters."),
            column("Summary", "summary", Kind::Text, 50, "What it does, in at most 10,000 characters. Name nobody: no e-mail addresses, telephone numbers or full postcodes.").or_why(),
            column("Place", "place/name", Kind::Text, 22, "The name of the place that it works in. Where several places have that name, write the place's code instead.").or_why(),
            column("Place code", "place/code", Kind::Text, 14, "The place's GSS code, such as E08000025. Leave it empty where you have given the name.").or_why(),
            column("Place id", "place/id", Kind::Text, 14, "The place's id in this base.").not_asked(),
            column("Lead organisation", "leadOrganisation/name", Kind::Text, 28, "Who leads it. Leave it empty where that is your own organisation."),
            column("Lead organisation identifier", "leadOrganisation/identifier", Kind::Text, 22, "Its org-id identifier, such as GB-CHC-1164883."),
            column("Lead organisation kind", "leadOrganisation/kind", Kind::Code(V::OrganisationKind), 22, "What sort of organisation it is."),
            column("Started on", "startedOn", Kind::Date, 13, "The day it started, as 2021-04-01.").or_why(),
            column("Ended on", "endedOn", Kind::Date, 13, "The day it ended. Leave it empty where it goes on.").or_why(),
            column("Goes on", "ongoing", Kind::YesNo, 10, "Yes where it has not ended and goes on.").or_why(),
            column("Who may read it", "visibility", Kind::Code(V::Visibility), 18, "Open: any member or dashboard. For members: partner sites and funders. Counted only: your own organisation and stewards; everyone else only counts it. Where you write nothing, it is counted only."),
            column("Funders may read it whole", "sharedWithFunders", Kind::YesNo, 14, "Yes where its funders may read the whole of a record that others only count."),
            column("Made up as an example", "illustrative", Kind::YesNo, 12, "Yes where the record was made up.").not_asked(),
            column("Source kind", "source/kind", Kind::Code(V::SourceKind), 20, "Where what you write here comes from. Needed."),
            column("Source title", "source/title", Kind::Text, 28, "What that source is called, such as Yearly return 2021. Needed."),
            column("Source link", "source/url", Kind::Text, 24, "Where it can be read."),
            column("Source date", "source/datedOn", Kind::Date, 13, "The day that it bears."),
            column("Source licence", "source/licence", Kind::Text, 14, "The licence that the source may be used again under."),
            column("Sharing confirmed by", "sharing/confirmedBy", Kind::Text, 22, "Who confirmed that the record may be shared: a role, not a person's name."),
            column("Sharing confirmed on", "sharing/confirmedOn", Kind::Date, 13, "When that was confirmed."),
            column("Why it may be shared", "sharing/basis", Kind::Text, 34, "In your words, such as: the partnership's board agreed on 3 May. Needed when you send the record."),
            column("Sharing licence", "sharing/licence", Kind::Text, 14, "The licence that others may use the record under, such as CC-BY-4.0. Needed when you send the record."),
            column("Why no entry points", "missing/entryPoints", Kind::WhyNone, 18, "Where you give no entry points: why not."),
            column("Why no challenges", "missing/challengesFaced", Kind::WhyNone, 18, "Where you give no challenges: why not."),
            column("Why no conditions", "missing/conditionsChanged", Kind::WhyNone, 18, "Where you give no conditions: why not."),
            column("Why no funding terms", "missing/fundingTerms", Kind::WhyNone, 18, "Where you give no funding terms: why not."),
            column("Version", VERSION_PATH, Kind::Whole, 10, "The version of the published record that this row was written from. Leave it as it is: where the record was changed since, the row does not replace it, and you are told what changed.").not_asked(),
        ],
    },
    Sheet {
        name: "Entry points",
        list: Some("entryPoints"),
        row: "one entry point that an initiative took, in the order in which it took them",
        columns: &[
            column("Entry point", "entryPoint", Kind::Code(V::EntryPoint), 24, "Where the work began, and what it took on later. Needed."),
            column("Whose view", "perspective", Kind::Code(V::Perspective), 20, "Who sees it so. Needed. The first row of each view is the way in."),
            column("Taken on", "takenOn", Kind::Date, 13, "The day it was taken.").or_why(),
            column("Why it was taken", "motivation", Kind::Text, 50, "At most 2,000 characters.").or_why(),
        ],
    },
    Sheet {
        name: "Challenges",
        list: Some("challengesFaced"),
        row: "one challenge that an initiative met; each challenge once",
        columns: &[
            column("Challenge", "challenge", Kind::Code(V::Challenge), 34, "Needed."),
            column("What became of the step", "step", Kind::Code(V::Step), 18, "Whether the step that meets the challenge was taken, rushed or skipped. Leave it empty where you do not know.").or_why(),
            column("Reasons", "reasons", Kind::Codes(V::Reason), 34, "Why; several with semicolons between them: Short funding; Staff capacity.").or_why(),
            column("What happened", "note", Kind::Text, 50, "At most 2,000 characters.").or_why(),
            column("Noticed on", "noticedOn", Kind::Date, 13, "The day it was noticed.").or_why(),
            column("Whose view", "perspective", Kind::Code(V::Perspective), 20, "Who sees it so.").or_why(),
        ],
    },
    Sheet {
        name: "Conditions",
        list: Some("conditionsChanged"),
        row: "one condition for change; each condition once",
        columns: &[
            column("Condition", "condition", Kind::Code(V::Condition), 26, "Needed."),
            column("What became of it", "change", Kind::Code(V::Change), 20, "Leave it empty where you do not know.").or_why(),
        ],
    },
    Sheet {
        name: "Funding terms",
        list: Some("fundingTerms"),
        row: "the terms that one sum of money came with",
        columns: &[
            column("Funder", "funder/name", Kind::Text, 28, "Who gave the money. Needed, or its identifier."),
            column("Funder identifier", "funder/identifier", Kind::Text, 20, "Its org-id identifier, such as GB-CHC-1164883."),
            column("Funder kind", "funder/kind", Kind::Code(V::OrganisationKind), 20, "What sort of organisation it is."),
            column("Grant identifier", "grantIdentifier", Kind::Text, 24, "The grant's 360Giving identifier, where you know it.").or_why(),
            column("Programme", "programme", Kind::Text, 24, "The funder's programme, in at most 300 characters.").or_why(),
            column("Currency", "currency", Kind::Text, 10, "Its three letters, such as GBP. Needed where an amount is given.").or_why(),
            column("Amount", "amountMinor", Kind::Money, 14, "In pounds, or the currency's main unit: 15000 or 15000.50. The number alone, without a currency sign.").or_why(),
            column("Amount in minor units", "amountMinor", Kind::Whole, 14, "In pence, or the currency's minor unit, for an amount that cannot be written in its main unit.").or_why().not_asked(),
            column("Awarded on", "awardedOn", Kind::Date, 13, "The day that the decision was made.").or_why(),
            column("First day", "startsOn", Kind::Date, 13, "The planned first day.").or_why(),
            column("Last day", "endsOn", Kind::Date, 13, "The planned last day.").or_why(),
            column("Length in months", "durationMonths", Kind::Whole, 12, "In whole months, as the funder gives it. Worked out from both days where you leave it empty.").or_why(),
            column("Meant to fund", "intendedFocus", Kind::Code(V::EntryPoint), 22, "The entry point that the funder meant to fund.").or_why(),
            column("Research up front paid for", "upfrontResearch", Kind::YesNo, 14, "Whether research before the work was paid for.").or_why(),
            column("Months of research up front", "upfrontResearchMonths", Kind::Whole, 14, "How many months of it.").or_why(),
            column("Collaboration paid for", "collaborationResourced", Kind::YesNo, 14, "Whether the extra time and resource of working together was paid for.").or_why(),
            column("Restriction", "restriction", Kind::Code(V::Restriction), 14, "Whether the money may be used for the stated purpose alone.").or_why(),
            column("How often reported", "reportingFrequency", Kind::Code(V::ReportingFrequency), 20, "How often the funder asks for a report.").or_why(),
            column("What is reported on", "reportingBasis", Kind::Code(V::ReportingBasis), 24, "Whether what is reported may change as the work learns.").or_why(),
            column("Timeline", "deliveryTimeline", Kind::Code(V::DeliveryTimeline), 24, "Whether the plan may move.").or_why(),
            column("May be renewed", "renewable", Kind::YesNo, 12, "Whether the funding may be renewed.").or_why(),
        ],
    },
];

/// A header without what does not matter in it: case, spaces, and what stands between words.
pub fn folded(header: &str) -> String {
    header
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// The sheet and the column of the field at a path of a record; of what lies within a field, that field's.
pub fn column_at(path: &str) -> Option<(&'static Sheet, &'static Column)> {
    let (list, rest) = path.split_once('/').unwrap_or((path, ""));
    let of_list = SHEETS.iter().find(|sheet| sheet.list == Some(list));
    let (sheet, field) = match (of_list, rest.split_once('/')) {
        (Some(sheet), Some((_, field))) => (sheet, field),
        (Some(_), None) => return None,
        (None, _) => (&SHEETS[0], path),
    };
    let is_it = |column: &&Column| {
        let within = field.strip_prefix(column.path);
        column.kind != Kind::Money && within.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    sheet.columns.iter().find(is_it).map(|column| (sheet, column))
}

impl Sheet {
    /// The sheet of that name, or of the record's list of that name; its place among [`SHEETS`].
    pub fn named(name: &str) -> Option<usize> {
        let name = folded(name);
        SHEETS.iter().position(|sheet| {
            folded(sheet.name) == name || sheet.list.is_some_and(|list| folded(list) == name)
        })
    }

    /// The column with that header, or of the field of that name; its place among the columns.
    pub fn column(&self, header: &str) -> Option<usize> {
        let header = folded(header);
        // The column in minor units is the one that bears the field's own name.
        let named = |column: &Column| folded(column.path) == header && column.kind != Kind::Money;
        let by_header = self
            .columns
            .iter()
            .position(|column| folded(column.header) == header);
        by_header.or_else(|| self.columns.iter().position(named))
    }

    /// The path of a field of an item, or of the record.
    pub fn path(&self, item: usize, field: &str) -> String {
        self.list
            .map_or_else(|| field.to_owned(), |list| format!("{list}/{item}/{field}"))
    }
}

/// Whether a record, or a part of one, has a field of this name.
pub fn is_field(name: &str) -> bool {
    SHEETS.iter().any(|sheet| {
        let mut paths = sheet.columns.iter().map(|column| column.path);
        sheet.list == Some(name) || paths.any(|path| path.split('/').any(|step| step == name))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_column_is_found_by_its_header_and_by_its_field() {
        for sheet in &SHEETS {
            let mut names = BTreeSet::new();
            for (at, column) in sheet.columns.iter().enumerate() {
                assert_eq!(sheet.column(&column.header.to_uppercase()), Some(at));
                if column.kind != Kind::Money {
                    assert_eq!(sheet.column(&column.dotted()), Some(at), "{}", column.path);
                }
                assert!(names.insert(folded(column.header)), "{}", column.header);
                assert!(column.note.len() > 5, "{}", column.header);
                for special in [RECORD, TO_MEND] {
                    assert_ne!(folded(column.header), folded(special));
                }
            }
        }
        assert_eq!(Sheet::named("funding terms "), Some(4));
        assert_eq!(Sheet::named("challengesFaced"), Some(2));
        assert_eq!(Sheet::named(GUIDANCE), None);
    }
}

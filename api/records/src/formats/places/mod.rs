//! Reads places from lookup files of the Office for National Statistics (ONS), or from tables made by hand.
//!
//! Each row of a lookup file names the areas that contain it, with a column for the code and one for the name of each
//! level, with or without the year: `LAD23CD` and `LAD23NM`, `RGNCD` and `RGNNM`. The area of the row is `areacode`, or
//! else the smallest area. A table made by hand has the columns `code`, `name`, `kind`, `parents` and `successor`, of
//! which `code` and `name` are required. An import changes nothing for which a file has no column.

mod lookup;

use std::io::{Read, Seek};
use std::ops::ControlFlow;

use wayin_vocabulary::PlaceKind;

use self::lookup::LookupColumns;
use super::csv_reader::CsvTable;
use super::stream::ByteAllowance;
use super::{ColumnValue, FileError, Notes, ParsedRowResult, RowProblems};
use crate::gss_code::{find_kind, parse_code};
use crate::place_draft::{PlaceDraft, StatedParents};
use crate::text;
use crate::text::quote;
use crate::workbook::placeholder;

/// The maximum length of a name.
const MAX_NAME_CHARACTERS: usize = 200;

/// A row of a file of places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlaceFileRow {
    /// The place of the row. `None` if its area is not a place.
    pub place: Option<PlaceDraft>,
    /// The larger places that the row names.
    pub larger: Vec<PlaceDraft>,
    /// The codes of areas that are not places, such as those of LSOAs, each with the code of its place.
    pub small_areas: Vec<(String, String)>,
}

/// Reads a CSV file of places and calls `each` with the line of each row and the row. `each` may end the reading early.
///
/// Fails if the header is neither that of a lookup file nor that of a table made by hand.
pub fn read_places(
    input: impl Read + Seek,
    notes: &mut Notes,
    mut each: impl FnMut(u64, ParsedRowResult<PlaceFileRow>) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let allowance = ByteAllowance::unlimited();
    let mut table = CsvTable::open(input, &allowance, notes)?;
    let header = table.header().to_vec();
    let layout = PlaceFileLayout::from_header(&header, notes)?;
    while let Some((line, cells)) = table.next_row()? {
        let row = cells.and_then(|cells| layout.parse_row(line, &cells));
        if each(line, row).is_break() {
            break;
        }
    }
    Ok(())
}

struct PlaceFileLayout {
    header: Vec<String>,
    /// The header in lower case.
    titles: Vec<String>,
    form: PlaceFileForm,
}

enum PlaceFileForm {
    Lookup(LookupColumns),
    /// A table made by hand.
    Manual,
}

impl PlaceFileLayout {
    fn from_header(header: &[String], notes: &mut Notes) -> Result<Self, FileError> {
        let titles: Vec<_> = header.iter().map(|title| title.to_ascii_lowercase()).collect();
        let has = |title: &str| titles.iter().any(|known| known == title);
        let form = if has("code") && has("name") {
            if has("within") {
                let reason = "its column within has a new name since 0.2, parents";
                return Err(FileError::NotPlaces(reason.to_owned()));
            }
            PlaceFileForm::Manual
        } else if let Some(lookup) = LookupColumns::from_header(header, &titles, notes) {
            PlaceFileForm::Lookup(lookup)
        } else {
            return Err(FileError::NotPlaces(
                "its header has neither the columns code and name nor those of an ONS lookup \
                 file, such as areacode and areaname, or LAD23CD and LAD23NM"
                    .to_owned(),
            ));
        };
        Ok(Self {
            header: header.to_vec(),
            titles,
            form,
        })
    }

    fn parse_row(&self, line: u64, cells: &[&str]) -> ParsedRowResult<PlaceFileRow> {
        let mut problems = RowProblems::for_row(line);
        let row = match &self.form {
            PlaceFileForm::Lookup(lookup) => lookup.parse_row(&self.titles, cells, &mut problems),
            PlaceFileForm::Manual => {
                let titles = &self.titles;
                let place = Cells { titles, cells }.parse_manual_row(&mut problems);
                place.map(|place| PlaceFileRow {
                    place: Some(place),
                    ..PlaceFileRow::default()
                })
            }
        };
        for problem in problems.all_mut() {
            if let Some(column) = self.titles.iter().position(|title| *title == problem.field) {
                problem.field.clone_from(&self.header[column]);
            }
        }
        problems.finish(row)
    }
}

/// The cells of a row, with the titles of their columns in lower case.
struct Cells<'a> {
    titles: &'a [String],
    cells: &'a [&'a str],
}

impl<'a> Cells<'a> {
    fn has(&self, title: &str) -> bool {
        self.titles.iter().any(|known| known == title)
    }

    /// Returns a cell that is not blank.
    fn get(&self, title: &str) -> Option<&'a str> {
        let column = self.titles.iter().position(|known| known == title)?;
        self.cells.get(column).copied().filter(|cell| !cell.is_empty())
    }

    /// Returns a cell that is neither blank nor a placeholder. A placeholder is a warning.
    fn get_answer(&self, title: &str, problems: &mut RowProblems) -> Option<&'a str> {
        self.get(title).filter(|cell| has_answer(title, cell, problems))
    }

    fn parse_manual_row(&self, problems: &mut RowProblems) -> Option<PlaceDraft> {
        let given = self.get_answer("code", problems);
        let code = given.and_then(|code| problems.check("code", parse_code(code)));
        let name = problems.check("name", parse_name(self.get("name").unwrap_or_default()));
        let kind = self.parse_manual_kind(code.as_deref(), problems);
        if given.is_none()
            && kind.is_some_and(|kind| !matches!(kind, PlaceKind::Neighbourhood | PlaceKind::Town))
        {
            let reason = "is missing; only a NEIGHBOURHOOD or a TOWN may do without";
            problems.add_error("code", reason);
        }
        let mut parent_codes = Vec::new();
        let listed = self.get("parents").unwrap_or("").split(';').map(str::trim);
        for parent in listed.filter(|parent| !parent.is_empty()) {
            if !has_answer("parents", parent, problems) {
                continue;
            }
            let Some(parent) = problems.check("parents", parse_code(parent)) else {
                continue;
            };
            if code.as_ref() == Some(&parent) {
                problems.add_error("parents", "names the place itself");
            } else if !parent_codes.contains(&parent) {
                parent_codes.push(parent);
            }
        }
        let successor = match self.get_answer("successor", problems) {
            None if self.has("successor") => ColumnValue::Empty,
            None => ColumnValue::Absent,
            Some(successor) => problems
                .check("successor", parse_code(successor))
                .map_or(ColumnValue::Absent, ColumnValue::Value),
        };
        if code.is_some() && successor.value() == code.as_ref() {
            problems.add_error("successor", "names the place itself");
        }
        let states_parents = self.has("parents");
        Some(PlaceDraft {
            code,
            name: Some(name?),
            kind,
            parent_codes,
            stated_parents: if states_parents {
                StatedParents::All
            } else {
                StatedParents::Nothing
            },
            successor,
        })
    }

    fn parse_manual_kind(&self, code: Option<&str>, problems: &mut RowProblems) -> Option<PlaceKind> {
        let by_code = code.and_then(find_kind);
        let Some(given) = self.get_answer("kind", problems) else {
            // A known place keeps its kind.
            if code.is_none() {
                problems.add_error("kind", "is missing, and no code says it");
            }
            return by_code;
        };
        let kind = problems.check("kind", parse_kind(given))?;
        if let Some(by_code) = by_code.filter(|by_code| *by_code != kind) {
            problems.add_error("kind", format!("its code is that of a {}", by_code.code()));
        }
        Some(kind)
    }
}

fn parse_kind(given: &str) -> Result<PlaceKind, String> {
    let written = given.to_ascii_uppercase().replace([' ', '-'], "_");
    let kind = PlaceKind::ALL.iter().find(|kind| kind.code() == written);
    kind.copied().ok_or_else(|| {
        let known: Vec<_> = PlaceKind::ALL.iter().map(|kind| kind.code()).collect();
        format!("{} is not one of {}", quote(given), known.join(", "))
    })
}

/// Returns whether a cell has an answer. A placeholder has none, and is a warning.
fn has_answer(field: &str, cell: &str, problems: &mut RowProblems) -> bool {
    let is_answer = placeholder::parse_placeholder(cell).is_none();
    if !is_answer {
        problems.add_warning(field, format!("{} is taken as not known", quote(cell)));
    }
    is_answer
}

fn parse_name(text: &str) -> Result<String, String> {
    let name = text::clean_line(text).ok_or("is missing")?;
    if placeholder::parse_placeholder(&name).is_some() {
        return Err(format!("{} is not a name of a place", quote(&name)));
    }
    if name.chars().count() > MAX_NAME_CHARACTERS {
        return Err(format!("is over {MAX_NAME_CHARACTERS} characters long"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Cursor;

    use super::super::ParsedRow;
    use super::*;

    const EXCERPT: &str = include_str!("../../../../../tests/data/places/area_codes_excerpt.csv");

    fn read_rows(text: &str) -> Vec<(u64, ParsedRowResult<PlaceFileRow>)> {
        let mut rows = Vec::new();
        read_places(Cursor::new(text), &mut Notes::default(), |line, row| {
            rows.push((line, row));
            ControlFlow::Continue(())
        })
        .unwrap();
        rows
    }

    fn list_problems(text: &str) -> Vec<String> {
        let refused = read_rows(text).into_iter().filter_map(|(_, row)| row.err());
        refused.flatten().map(|problem| problem.to_string()).collect()
    }

    fn read_excerpt() -> BTreeMap<String, PlaceDraft> {
        let places = read_rows(EXCERPT)
            .into_iter()
            .map(|(_, row)| row.unwrap().value.place.unwrap());
        places.map(|place| (place.code.clone().unwrap(), place)).collect()
    }

    #[test]
    fn placeholders_are_not_names_or_codes() {
        assert_eq!(
            list_problems("code,name\nE06000001,N/A\nE06000002,-\n"),
            [
                "row 2, name: \"N/A\" is not a name of a place",
                "row 3, name: \"-\" is not a name of a place"
            ]
        );
        let row =
            read_rows("code,name,kind,parents,successor\nE06000001,Hartlepool,unknown,N/A,-\n").remove(0);
        let ParsedRow { value, warnings } = row.1.unwrap();
        let place = value.place.unwrap();
        assert_eq!(
            (place.kind, place.parent_codes, place.successor),
            (Some(PlaceKind::LocalAuthority), vec![], ColumnValue::Empty)
        );
        assert_eq!(warnings.len(), 3, "{warnings:?}");
    }

    #[test]
    fn pseudo_codes_are_ignored_and_unknown_columns_noted() {
        let text = "PARNCP21CD,PARNCP21NM,LAD21CD,LAD21NM,RGN21CD,RGN21NM,BUA22CD\n\
                    E04000001,Foo,E06000001,Hartlepool,E99999999,(pseudo) England,E63000001\n";
        let mut notes = Notes::default();
        let mut listed = Vec::new();
        read_places(Cursor::new(text), &mut notes, |_, row| {
            listed.push(row.unwrap().value);
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(
            listed[0].small_areas,
            [("E04000001".to_owned(), "E06000001".to_owned())]
        );
        assert!(
            listed[0]
                .larger
                .iter()
                .all(|larger| larger.code.as_deref() != Some("E99999999")),
            "{listed:?}"
        );
        let notes: Vec<String> = notes.into_iter().collect();
        assert!(notes.iter().any(|note| note.contains("BUA22CD")), "{notes:?}");
    }

    #[test]
    fn parents_are_the_nearest_larger_areas() {
        let places = read_excerpt();
        let cases = [
            // A combined authority is a second parent, next to the region.
            (
                "E08000003",
                PlaceKind::LocalAuthority,
                &["E12000002", "E47000001"][..],
            ),
            (
                "E07000012",
                PlaceKind::LocalAuthority,
                &["E10000003", "E47000008"],
            ),
            ("E06000010", PlaceKind::LocalAuthority, &["E12000003"]),
            ("E09000007", PlaceKind::LocalAuthority, &["E12000007"]),
            // Scotland, Wales and Northern Ireland have no regions.
            ("S12000049", PlaceKind::LocalAuthority, &["S92000003"]),
            ("W06000015", PlaceKind::LocalAuthority, &["W92000004"]),
            ("N09000003", PlaceKind::LocalAuthority, &["N92000002"]),
            ("E10000003", PlaceKind::County, &["E12000006", "E47000008"]),
            ("E47000001", PlaceKind::CombinedAuthority, &["E92000001"]),
            ("E12000002", PlaceKind::Region, &["E92000001"]),
            ("E92000001", PlaceKind::Nation, &["K04000001"]),
            ("S92000003", PlaceKind::Nation, &["K03000001"]),
            ("N92000002", PlaceKind::Nation, &["K02000001"]),
            ("K04000001", PlaceKind::Country, &["K03000001"]),
            ("K03000001", PlaceKind::Country, &["K02000001"]),
            ("K02000001", PlaceKind::Country, &[]),
        ];
        for (code, kind, parents) in cases {
            let place = &places[code];
            assert_eq!(
                (place.kind, place.parent_codes.clone()),
                (
                    Some(kind),
                    parents.iter().map(|code| (*code).to_owned()).collect()
                ),
                "{code}"
            );
            assert!(place.successor.value().is_none(), "{code}");
        }
        let bristol = &places["E06000023"];
        assert_eq!(bristol.name.as_deref(), Some("Bristol, City of"));
    }

    #[test]
    fn retired_code_names_its_successor() {
        let places = read_excerpt();
        let allerdale = &places["E07000026"];
        assert_eq!(allerdale.successor.value().map(String::as_str), Some("E06000063"));
        // Its upper tier is its successor by now, which is no county.
        assert_eq!(allerdale.parent_codes, ["E12000002"]);
        assert_eq!(
            places["S12000046"].successor.value().map(String::as_str),
            Some("S12000049")
        );
    }

    #[test]
    fn lookup_files_are_recognised_by_their_first_column() {
        let row = read_rows(
            "\u{feff}UTLACD,UTLANM,CAUTHCD,CAUTHNM,RGNCD,RGNNM,CTRYCD,CTRYNM\r\n\
             E10000003,Cambridgeshire,E47000008,C and P,E12000006,East of England,E92000001,England\r\n",
        );
        let (line, place) = &row[0];
        let place = place.as_ref().unwrap().value.place.clone().unwrap();
        assert_eq!((*line, place.kind), (2, Some(PlaceKind::County)));
        assert_eq!(place.parent_codes, ["E12000006", "E47000008"]);
        let row = read_rows(
            "LADCD,LADNM,LADCD_ACTIVE,LADNM_ACTIVE,UTLACD,UTLANM,RGNCD,RGNNM\n\
             E07000026,Allerdale,E06000063,Cumberland,E10000006,Cumbria,E12000002,North West\n",
        );
        let place = row[0].1.as_ref().unwrap().value.place.clone().unwrap();
        assert_eq!(place.successor.value().map(String::as_str), Some("E06000063"));
        assert_eq!(place.parent_codes, ["E10000006"]);
    }

    #[test]
    fn manual_table_may_omit_codes() {
        let rows = read_rows(
            "Name,Code,Kind,Parents,Successor\n\
             Ladywood,,neighbourhood,E08000025; E47000007;E08000025,\n\
             Old Birmingham,e08000001,local authority,,E08000025\n\
             \"Bristol, City of\",E06000023,,,\n",
        );
        let places: Vec<_> = rows
            .into_iter()
            .map(|(_, row)| row.unwrap().value.place.unwrap())
            .collect();
        assert_eq!(places[0].code, None);
        assert_eq!(places[0].kind, Some(PlaceKind::Neighbourhood));
        assert_eq!(places[0].parent_codes, ["E08000025", "E47000007"]);
        assert_eq!(places[1].code.as_deref(), Some("E08000001"));
        assert_eq!(places[1].successor.value().map(String::as_str), Some("E08000025"));
        assert_eq!(places[2].kind, Some(PlaceKind::LocalAuthority));
    }

    #[test]
    fn every_problem_is_reported() {
        let said = list_problems(
            "code,name,kind,parents,successor\n\
             E0600001,,village,E12000001;x,E06\n\
             ,Nowhere,,,\n\
             ,Somewhere,REGION,,\n\
             E12000001,North East,TOWN,E12000001,E12000001\n\
             X99000001,Elsewhere,,,\n",
        );
        insta::assert_snapshot!(said.join("\n"), @r#"
        row 2, code: "E0600001" is not a GSS code; one is a letter and eight digits, such as E08000025
        row 2, name: is missing
        row 2, kind: "village" is not one of NEIGHBOURHOOD, WARD, TOWN, LOCAL_AUTHORITY, COMBINED_AUTHORITY, COUNTY, REGION, NATION, COUNTRY
        row 2, parents: "x" is not a GSS code; one is a letter and eight digits, such as E08000025
        row 2, successor: "E06" is not a GSS code; one is a letter and eight digits, such as E08000025
        row 3, kind: is missing, and no code says it
        row 4, code: is missing; only a NEIGHBOURHOOD or a TOWN may do without
        row 5, kind: its code is that of a REGION
        row 5, parents: names the place itself
        row 5, successor: names the place itself
        "#);
        let said =
            list_problems("areacode,areaname,LADCD_ACTIVE,RGNCD\nE06000001,,E0,R1\nE01000001,Somewhere,,\n");
        assert_eq!(said.len(), 4);
        assert_eq!(said[1], "row 2, areaname: is missing");
        assert!(said[2].starts_with("row 2, LADCD_ACTIVE: \"E0\" is not a GSS code"));
        assert!(said[0].starts_with("row 2, RGNCD: \"R1\" is not a GSS code"));
        assert!(said[3].starts_with("row 3, areacode: \"E01000001\" is not the code of a"));
    }

    #[test]
    fn file_without_places_is_rejected() {
        for text in [
            "org_id,name,gss_code\n",
            "{\"grants\": []}",
            "areacode\nE06000001\n",
            "code,name,within\nE06000001,Hartlepool,\n",
        ] {
            let error = read_places(Cursor::new(text), &mut Notes::default(), |_, _| {
                ControlFlow::Continue(())
            })
            .unwrap_err();
            assert!(error.to_string().contains("not a list of places"), "{error}");
        }
    }

    #[test]
    fn reading_stops_on_break() {
        let mut count = 0;
        read_places(Cursor::new(EXCERPT), &mut Notes::default(), |_, _| {
            count += 1;
            ControlFlow::Break(())
        })
        .unwrap();
        assert_eq!(count, 1);
    }
}

//! Places, from the lookup files that the Office for National Statistics'
//! codes are published in, or from a table made by hand.
//!
//! A lookup file names in every row the areas that it lies in, each by a column of its code and one of its name,
//! with the year or without: `LAD23CD` and `LAD23NM`, `RGNCD` and `RGNNM`. The row's own area is `areacode`, or else
//! the smallest that it names. A table made by hand has the columns `code`, `name`, `kind`, `within` and `successor`,
//! of which `code` and `name` must be there. A column that a file does not have says nothing.

mod lookup;

use std::io::{Read, Seek};
use std::ops::ControlFlow;

use crate::formats::ColumnValue;
use wayin_vocabulary::PlaceKind;

use self::lookup::Lookup;
use super::csv_reader::Table;
use super::stream::Allowance;
use super::{FileError, Notes, Refusals, Row};
use crate::gss::{code, kind_of_code};
use crate::place_draft::StatedParents;
use crate::text;
use crate::text::quoted;
use crate::workbook::not_known;

/// The longest name, in characters.
const LONGEST_NAME: usize = 200;

/// What one row of a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedRow {
    /// The place that the row is about; none where its area is no place itself.
    pub place: Option<PlaceRow>,
    /// The larger places that it names, for those that are not known.
    pub larger: Vec<LargerPlace>,
    /// Codes of areas that are no places themselves, such as an LSOA's, each with the code of the place that it lies in.
    pub small_areas: Vec<(String, String)>,
}

/// One place as a file gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceRow {
    /// The GSS code; a neighbourhood or a town may do without.
    pub code: Option<String>,
    /// The name, at most 200 characters; none where the file has no column for it.
    pub name: Option<String>,
    /// What sort of place it is: as given, else as its code says; none where neither says it.
    pub kind: Option<PlaceKind>,
    /// The places that it lies directly within.
    pub within: Vec<ParentPlace>,
    /// Of which larger places the file says whether it lies within them.
    pub stated: StatedParents,
    /// The code of the place that took over, where this one's code is retired.
    pub successor: ColumnValue<String>,
}

impl PlaceRow {
    /// Whether another row says the same of the place.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let of = |row: &Self| {
            let within = row.within.iter().map(|parent| parent.code.clone());
            (
                row.name.clone(),
                row.kind,
                within.collect::<Vec<_>>(),
                row.successor.clone(),
            )
        };
        of(self) == of(other)
    }
}

/// A larger place that a row names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LargerPlace {
    /// The place.
    pub place: ParentPlace,
    /// The codes of the places that it lies directly within.
    pub within: Vec<String>,
}

/// A place that another lies within.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentPlace {
    /// The GSS code.
    pub code: String,
    /// The name, where the file gives it.
    pub name: Option<String>,
    /// What sort of place it is, where its code says so.
    pub kind: Option<PlaceKind>,
}

/// Reads a CSV file of places and hands each row with its line to `each`, which
/// may end the reading early.
///
/// Refuses the file whole where its header is neither a lookup file's nor that of
/// a table made by hand.
pub fn read(
    input: impl Read + Seek,
    notes: &mut Notes,
    mut each: impl FnMut(u64, Row<ListedRow>) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let allowance = Allowance::unlimited();
    let mut table = Table::open(input, &allowance, notes)?;
    let header = table.header().to_vec();
    let layout = Layout::of(&header, notes)?;
    while let Some((line, cells)) = table.next_row()? {
        let row = cells.and_then(|cells| layout.row(line, &cells));
        if each(line, row).is_break() {
            break;
        }
    }
    Ok(())
}

/// Where a header has what.
struct Layout {
    header: Vec<String>,
    /// The same in lower case, by which the columns are found.
    titles: Vec<String>,
    form: Form,
}

enum Form {
    /// One row for each area with the areas above it.
    Lookup(Lookup),
    /// A table made by hand.
    ByHand { code: usize, name: usize },
}

impl Layout {
    fn of(header: &[String], notes: &mut Notes) -> Result<Self, FileError> {
        let titles: Vec<_> = header.iter().map(|title| title.to_ascii_lowercase()).collect();
        let find = |title: &str| titles.iter().position(|known| known == title);
        let form = if let (Some(code), Some(name)) = (find("code"), find("name")) {
            Form::ByHand { code, name }
        } else if let Some(lookup) = Lookup::of(header, &titles, notes) {
            Form::Lookup(lookup)
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

    fn row(&self, line: u64, cells: &[&str]) -> Row<ListedRow> {
        let row = Cells {
            titles: &self.titles,
            cells,
        };
        let mut refusals = Refusals::of(line);
        let listed = match &self.form {
            Form::Lookup(lookup) => lookup.row(&self.titles, cells, &mut refusals),
            Form::ByHand { code, name } => {
                row.by_hand(cells[*code], cells[*name], &mut refusals)
                    .map(|place| ListedRow {
                        place: Some(place),
                        ..ListedRow::default()
                    })
            }
        };
        for refusal in refusals.all_mut() {
            if let Some(column) = self.titles.iter().position(|t| *t == refusal.field) {
                refusal.field.clone_from(&self.header[column]);
            }
        }
        refusals.finish(listed)
    }
}

/// One row's cells under their lower-case titles.
struct Cells<'a> {
    titles: &'a [String],
    cells: &'a [&'a str],
}

impl<'a> Cells<'a> {
    fn has(&self, title: &str) -> bool {
        self.titles.iter().any(|known| known == title)
    }

    /// The cell under the title; nothing where it is blank or there is no such column.
    fn get(&self, title: &str) -> Option<&'a str> {
        let column = self.titles.iter().position(|known| known == title)?;
        self.cells.get(column).copied().filter(|cell| !cell.is_empty())
    }

    /// Likewise, where the cell has an answer: words such as "N/A" say nothing, with a warning.
    fn answer(&self, title: &str, refusals: &mut Refusals) -> Option<&'a str> {
        self.get(title).filter(|cell| is_answer(title, cell, refusals))
    }

    fn by_hand(&self, own: &str, name: &str, refusals: &mut Refusals) -> Option<PlaceRow> {
        let own = if is_answer("code", own, refusals) { own } else { "" };
        let code = (!own.is_empty())
            .then(|| refusals.check("code", code(own)))
            .flatten();
        let name = refusals.check("name", checked_name(name));
        let kind = self.kind_by_hand(code.as_deref(), refusals);
        if let Some(kind) = kind
            && own.is_empty()
            && !matches!(kind, PlaceKind::Neighbourhood | PlaceKind::Town)
        {
            let reason = "is missing; only a NEIGHBOURHOOD or a TOWN may do without";
            refusals.add("code", reason);
        }
        let mut within: Vec<ParentPlace> = Vec::new();
        let listed = self.get("within").unwrap_or("").split(';').map(str::trim);
        for parent in listed.filter(|parent| !parent.is_empty()) {
            if !is_answer("within", parent, refusals) {
                continue;
            }
            let Some(parent) = refusals.check("within", self::code(parent)) else {
                continue;
            };
            if code.as_ref() == Some(&parent) {
                refusals.add("within", "names the place itself");
            } else if within.iter().all(|known| known.code != parent) {
                within.push(ParentPlace {
                    kind: kind_of_code(&parent),
                    name: None,
                    code: parent,
                });
            }
        }
        let successor = match self.answer("successor", refusals) {
            None if self.has("successor") => ColumnValue::Empty,
            None => ColumnValue::Absent,
            Some(successor) => refusals
                .check("successor", self::code(successor))
                .map_or(ColumnValue::Absent, ColumnValue::Given),
        };
        if code.is_some() && successor.value() == code.as_ref() {
            refusals.add("successor", "names the place itself");
        }
        Some(PlaceRow {
            code,
            name: Some(name?),
            kind,
            within,
            stated: if self.has("within") {
                StatedParents::All
            } else {
                StatedParents::Nothing
            },
            successor,
        })
    }

    fn kind_by_hand(&self, code: Option<&str>, refusals: &mut Refusals) -> Option<PlaceKind> {
        let by_code = code.and_then(kind_of_code);
        let Some(given) = self.answer("kind", refusals) else {
            match (by_code, code) {
                // A place that is known already stays of its kind.
                (Some(_), _) | (None, Some(_)) => {}
                (None, None) => refusals.add("kind", "is missing, and no code says it"),
            }
            return by_code;
        };
        let kind = refusals.check("kind", kind_named(given))?;
        if let Some(by_code) = by_code.filter(|by_code| *by_code != kind) {
            refusals.add("kind", format!("its code is that of a {}", by_code.code()));
        }
        Some(kind)
    }
}

/// The kind of place that is written so.
fn kind_named(given: &str) -> Result<PlaceKind, String> {
    let written = given.to_ascii_uppercase().replace([' ', '-'], "_");
    let kind = PlaceKind::ALL.iter().find(|kind| kind.code() == written);
    kind.copied().ok_or_else(|| {
        let known: Vec<_> = PlaceKind::ALL.iter().map(|kind| kind.code()).collect();
        format!("{} is not one of {}", quoted(given), known.join(", "))
    })
}

/// Whether a cell has an answer. Words such as "N/A" say that there is none, with a warning.
fn is_answer(field: &str, cell: &str, refusals: &mut Refusals) -> bool {
    let is_answer = not_known::find(cell).is_none();
    if !is_answer {
        refusals.warn(field, format!("{} is taken as not known", quoted(cell)));
    }
    is_answer
}

fn checked_name(text: &str) -> Result<String, String> {
    let name = text::line(text).ok_or("is missing")?;
    if not_known::find(&name).is_some() {
        return Err(format!("{} is no name of a place", quoted(&name)));
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(format!("is over {LONGEST_NAME} characters long"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Cursor;

    use super::super::GoodRow;
    use super::*;

    const EXCERPT: &str = include_str!("../../../../tests/data/places/area_codes_excerpt.csv");

    fn rows(text: &str) -> Vec<(u64, Row<ListedRow>)> {
        let mut rows = Vec::new();
        read(Cursor::new(text), &mut Notes::default(), |line, row| {
            rows.push((line, row));
            ControlFlow::Continue(())
        })
        .unwrap();
        rows
    }

    fn refusals(text: &str) -> Vec<String> {
        let refused = rows(text).into_iter().filter_map(|(_, row)| row.err());
        refused.flatten().map(|refusal| refusal.to_string()).collect()
    }

    fn excerpt() -> BTreeMap<String, PlaceRow> {
        let places = rows(EXCERPT)
            .into_iter()
            .map(|(_, row)| row.unwrap().value.place.unwrap());
        places.map(|place| (place.code.clone().unwrap(), place)).collect()
    }

    fn within(place: &PlaceRow) -> Vec<&str> {
        place.within.iter().map(|parent| parent.code.as_str()).collect()
    }

    #[test]
    fn words_for_no_answer_are_no_names_or_codes() {
        assert_eq!(
            refusals("code,name\nE06000001,N/A\nE06000002,-\n"),
            [
                "row 2, name: \"N/A\" is no name of a place",
                "row 3, name: \"-\" is no name of a place"
            ]
        );
        let row = rows("code,name,kind,within,successor\nE06000001,Hartlepool,unknown,N/A,-\n").remove(0);
        let GoodRow { value, warnings } = row.1.unwrap();
        let place = value.place.unwrap();
        assert_eq!(
            (place.kind, place.within, place.successor),
            (Some(PlaceKind::LocalAuthority), vec![], ColumnValue::Empty)
        );
        assert_eq!(warnings.len(), 3, "{warnings:?}");
    }

    #[test]
    fn a_code_that_stands_for_no_area_is_none_and_columns_that_are_not_known_are_named() {
        let text = "PARNCP21CD,PARNCP21NM,LAD21CD,LAD21NM,RGN21CD,RGN21NM,BUA22CD\n\
                    E04000001,Foo,E06000001,Hartlepool,E99999999,(pseudo) England,E63000001\n";
        let mut notes = Notes::default();
        let mut listed = Vec::new();
        read(Cursor::new(text), &mut notes, |_, row| {
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
                .all(|larger| larger.place.code != "E99999999"),
            "{listed:?}"
        );
        let notes: Vec<String> = notes.into_iter().collect();
        assert!(notes.iter().any(|note| note.contains("BUA22CD")), "{notes:?}");
    }

    #[test]
    fn a_place_lies_within_the_nearest_of_the_areas_above_it() {
        let places = excerpt();
        let cases = [
            // A combined authority stands beside the region.
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
            assert_eq!((place.kind, &within(place)[..]), (Some(kind), parents), "{code}");
            assert!(place.successor.value().is_none(), "{code}");
        }
        let bristol = &places["E06000023"];
        assert_eq!(bristol.name.as_deref(), Some("Bristol, City of"));
        let region = &places["E08000003"].within[0];
        assert_eq!(region.name.as_deref(), Some("North West"));
        assert_eq!(region.kind, Some(PlaceKind::Region));
    }

    #[test]
    fn a_retired_code_leads_to_its_successor() {
        let places = excerpt();
        let allerdale = &places["E07000026"];
        assert_eq!(allerdale.successor.value().map(String::as_str), Some("E06000063"));
        // Its upper tier is its successor by now, which is no county.
        assert_eq!(within(allerdale), ["E12000002"]);
        assert_eq!(
            places["S12000046"].successor.value().map(String::as_str),
            Some("S12000049")
        );
    }

    #[test]
    fn other_lookup_files_are_known_by_their_first_column() {
        let row = rows(
            "\u{feff}UTLACD,UTLANM,CAUTHCD,CAUTHNM,RGNCD,RGNNM,CTRYCD,CTRYNM\r\n\
             E10000003,Cambridgeshire,E47000008,C and P,E12000006,East of England,E92000001,England\r\n",
        );
        let (line, place) = &row[0];
        let place = place.as_ref().unwrap().value.place.clone().unwrap();
        assert_eq!((*line, place.kind), (2, Some(PlaceKind::County)));
        assert_eq!(within(&place), ["E12000006", "E47000008"]);
        let row = rows(
            "LADCD,LADNM,LADCD_ACTIVE,LADNM_ACTIVE,UTLACD,UTLANM,RGNCD,RGNNM\n\
             E07000026,Allerdale,E06000063,Cumberland,E10000006,Cumbria,E12000002,North West\n",
        );
        let place = row[0].1.as_ref().unwrap().value.place.clone().unwrap();
        assert_eq!(place.successor.value().map(String::as_str), Some("E06000063"));
        assert_eq!(within(&place), ["E10000006"]);
    }

    #[test]
    fn a_table_made_by_hand_may_leave_out_the_code() {
        let rows = rows(
            "Name,Code,Kind,Within,Successor\n\
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
        assert_eq!(within(&places[0]), ["E08000025", "E47000007"]);
        assert_eq!(places[1].code.as_deref(), Some("E08000001"));
        assert_eq!(places[1].successor.value().map(String::as_str), Some("E08000025"));
        assert_eq!(places[2].kind, Some(PlaceKind::LocalAuthority));
    }

    #[test]
    fn every_problem_of_a_row_is_named() {
        let said = refusals(
            "code,name,kind,within,successor\n\
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
        row 2, within: "x" is not a GSS code; one is a letter and eight digits, such as E08000025
        row 2, successor: "E06" is not a GSS code; one is a letter and eight digits, such as E08000025
        row 3, kind: is missing, and no code says it
        row 4, code: is missing; only a NEIGHBOURHOOD or a TOWN may do without
        row 5, kind: its code is that of a REGION
        row 5, within: names the place itself
        row 5, successor: names the place itself
        "#);
        let said =
            refusals("areacode,areaname,LADCD_ACTIVE,RGNCD\nE06000001,,E0,R1\nE01000001,Somewhere,,\n");
        assert_eq!(said.len(), 4);
        assert_eq!(said[1], "row 2, areaname: is missing");
        assert!(said[2].starts_with("row 2, LADCD_ACTIVE: \"E0\" is not a GSS code"));
        assert!(said[0].starts_with("row 2, RGNCD: \"R1\" is not a GSS code"));
        assert!(said[3].starts_with("row 3, areacode: \"E01000001\" is not the code of a"));
    }

    #[test]
    fn a_file_of_other_things_is_refused_whole() {
        for text in [
            "org_id,name,gss_code\n",
            "{\"grants\": []}",
            "areacode\nE06000001\n",
        ] {
            let error = read(Cursor::new(text), &mut Notes::default(), |_, _| {
                ControlFlow::Continue(())
            })
            .unwrap_err();
            assert!(error.to_string().contains("not a list of places"), "{error}");
        }
    }

    #[test]
    fn reading_stops_when_asked_to() {
        let mut count = 0;
        read(Cursor::new(EXCERPT), &mut Notes::default(), |_, _| {
            count += 1;
            ControlFlow::Break(())
        })
        .unwrap();
        assert_eq!(count, 1);
    }
}

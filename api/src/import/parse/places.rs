//! Places, from the lookup files that the Office for National Statistics'
//! codes are published in, or from a table made by hand.
//!
//! A lookup file names in every row the areas that it lies in, from the local
//! authority up (`LADCD`, `UTLACD`, `CAUTHCD`, `RGNCD`, `CTRYCD`, `EWCD`, `GBCD`,
//! `UKCD`, each with its name under `..NM`); the row's own place is `areacode`, or
//! else the first column. A table made by hand has the columns `code`, `name`,
//! `kind`, `within` and `successor`, of which `code` and `name` must be there.

use std::io::{Read, Seek};
use std::ops::ControlFlow;

use wayin_entity::PlaceKind;

use super::stream::Allowance;
use super::table::Table;
use super::{FileError, Notes, Refusals, Row};
use crate::place::gss::{code, kind_of_code};
use crate::written::{self, quoted};

/// The longest name, in characters.
const LONGEST_NAME: usize = 200;

/// One place as a file gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceRow {
    /// The GSS code; a neighbourhood or a town may do without.
    pub code: Option<String>,
    /// The name, at most 200 characters.
    pub name: String,
    /// What sort of place it is: as given, else as its code says.
    pub kind: PlaceKind,
    /// The places that it lies directly within.
    pub within: Vec<ParentPlace>,
    /// The code of the place that took over, where this one's code is retired.
    pub successor: Option<String>,
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
    mut each: impl FnMut(u64, Row<PlaceRow>) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let allowance = Allowance::unlimited();
    let mut table = Table::open(input, &allowance, notes)?;
    let layout = Layout::of(table.header())?;
    while let Some((line, cells)) = table.next_row()? {
        let row = cells.and_then(|cells| layout.place(line, &cells));
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
    /// One row for each area with the areas above it; the column of its own code and name.
    Lookup { code: usize, name: usize },
    /// A table made by hand.
    ByHand { code: usize, name: usize },
}

impl Layout {
    fn of(header: &[String]) -> Result<Self, FileError> {
        let titles: Vec<_> = header.iter().map(|title| title.to_ascii_lowercase()).collect();
        let find = |title: &str| titles.iter().position(|known| known == title);
        let own = find("areacode").unwrap_or(0);
        let own_name = match titles.get(own).map(String::as_str) {
            Some("areacode") => Some("areaname"),
            Some("ladcd") => Some("ladnm"),
            Some("utlacd") => Some("utlanm"),
            Some("cauthcd") => Some("cauthnm"),
            Some("rgncd") => Some("rgnnm"),
            Some("ctrycd") => Some("ctrynm"),
            _ => None,
        };
        let form = if let Some(name) = own_name.and_then(find) {
            Form::Lookup { code: own, name }
        } else if let (Some(code), Some(name)) = (find("code"), find("name")) {
            Form::ByHand { code, name }
        } else {
            return Err(FileError::NotPlaces(
                "its header has neither the columns code and name nor those of an ONS lookup \
                 file, such as areacode and areaname"
                    .to_owned(),
            ));
        };
        Ok(Self {
            header: header.to_vec(),
            titles,
            form,
        })
    }

    fn place(&self, line: u64, cells: &[&str]) -> Row<PlaceRow> {
        let row = Cells {
            titles: &self.titles,
            cells,
        };
        let mut refusals = Refusals::of(line);
        let place = match self.form {
            Form::Lookup { code, name } => row.by_lookup(code, name, &mut refusals),
            Form::ByHand { code, name } => row.by_hand(cells[code], cells[name], &mut refusals),
        };
        for refusal in refusals.all_mut() {
            if let Some(column) = self.titles.iter().position(|t| *t == refusal.field) {
                refusal.field.clone_from(&self.header[column]);
            }
        }
        refusals.finish(place)
    }
}

/// One row's cells under their lower-case titles.
struct Cells<'a> {
    titles: &'a [String],
    cells: &'a [&'a str],
}

impl<'a> Cells<'a> {
    /// What stands under the title; nothing where it is blank or there is no such column.
    fn get(&self, title: &str) -> Option<&'a str> {
        let column = self.titles.iter().position(|known| known == title)?;
        self.cells.get(column).copied().filter(|cell| !cell.is_empty())
    }

    fn by_lookup(&self, own: usize, name: usize, refusals: &mut Refusals) -> Option<PlaceRow> {
        let code = refusals.check(&self.titles[own], code(self.cells[own]));
        let name = refusals.check(&self.titles[name], checked_name(self.cells[name]));
        let code = code?;
        let Some(kind) = kind_of_code(&code) else {
            refusals.add(&self.titles[own], unknown_prefix(&code));
            return None;
        };
        let successor = (kind == PlaceKind::LocalAuthority)
            .then(|| self.get("ladcd_active"))
            .flatten()
            .filter(|active| *active != code);
        let successor = successor.and_then(|active| refusals.check("ladcd_active", self::code(active)));
        let within = self.directly_within(&code, kind, refusals);
        Some(PlaceRow {
            code: Some(code),
            name: name?,
            kind,
            within,
            successor,
        })
    }

    /// The nearest of the areas that a lookup row names. A combined authority
    /// stands beside the region, so that a place lies within both.
    fn directly_within(&self, own: &str, kind: PlaceKind, refusals: &mut Refusals) -> Vec<ParentPlace> {
        let mut area = |title: &str| {
            let field = format!("{title}cd");
            let code = self.get(&field).filter(|code| *code != own)?;
            let code = refusals.check(&field, self::code(code))?;
            Some(ParentPlace {
                kind: kind_of_code(&code),
                name: self.get(&format!("{title}nm")).and_then(written::line),
                code,
            })
        };
        let local_authority = area("lad");
        // The upper tier of a unitary authority is itself, or what took over from it.
        let county = area("utla").filter(|area| area.kind == Some(PlaceKind::County));
        let combined_authority = area("cauth");
        let region = area("rgn");
        let nation = area("ctry");
        // The row of a country names those that are wider than it, and itself.
        let wider = area("ew").or_else(|| area("gb")).or_else(|| area("uk"));
        let (nearest, beside) = match kind {
            PlaceKind::Neighbourhood | PlaceKind::Ward | PlaceKind::Town => {
                (local_authority.or(county).or(region).or(nation), None)
            }
            PlaceKind::LocalAuthority => (county.or(region).or(nation), combined_authority),
            PlaceKind::County => (region.or(nation), combined_authority),
            PlaceKind::CombinedAuthority | PlaceKind::Region => (nation, None),
            PlaceKind::Nation | PlaceKind::Country => (wider, None),
        };
        nearest.into_iter().chain(beside).collect()
    }

    fn by_hand(&self, own: &str, name: &str, refusals: &mut Refusals) -> Option<PlaceRow> {
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
        let successor = self
            .get("successor")
            .and_then(|successor| refusals.check("successor", self::code(successor)));
        if successor.is_some() && successor == code {
            refusals.add("successor", "names the place itself");
        }
        Some(PlaceRow {
            code,
            name: name?,
            kind: kind?,
            within,
            successor,
        })
    }

    fn kind_by_hand(&self, code: Option<&str>, refusals: &mut Refusals) -> Option<PlaceKind> {
        let by_code = code.and_then(kind_of_code);
        let Some(given) = self.get("kind") else {
            match (by_code, code) {
                (Some(_), _) => {}
                (None, Some(code)) => refusals.add("code", unknown_prefix(code)),
                (None, None) => refusals.add("kind", "is missing, and no code says it"),
            }
            return by_code;
        };
        let written = given.to_ascii_uppercase().replace([' ', '-'], "_");
        let Some(kind) = PlaceKind::ALL.iter().find(|kind| kind.code() == written) else {
            let known: Vec<_> = PlaceKind::ALL.iter().map(|kind| kind.code()).collect();
            let reason = format!("{} is not one of {}", quoted(given), known.join(", "));
            refusals.add("kind", reason);
            return None;
        };
        if let Some(by_code) = by_code.filter(|by_code| by_code != kind) {
            refusals.add("kind", format!("its code is that of a {}", by_code.code()));
        }
        Some(*kind)
    }
}

fn checked_name(text: &str) -> Result<String, String> {
    let name = written::line(text).ok_or("is missing")?;
    if name.chars().count() > LONGEST_NAME {
        return Err(format!("is over {LONGEST_NAME} characters long"));
    }
    Ok(name)
}

fn unknown_prefix(code: &str) -> String {
    format!(
        "{} is not the code of a ward, local authority, county, combined authority, region, \
         nation or country; say what it is in a column kind",
        quoted(code)
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Cursor;

    use super::*;

    const EXCERPT: &str = include_str!("../../../../tests/data/places/area_codes_excerpt.csv");

    fn rows(text: &str) -> Vec<(u64, Row<PlaceRow>)> {
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
        let places = rows(EXCERPT).into_iter().map(|(_, row)| row.unwrap().value);
        places.map(|place| (place.code.clone().unwrap(), place)).collect()
    }

    fn within(place: &PlaceRow) -> Vec<&str> {
        place.within.iter().map(|parent| parent.code.as_str()).collect()
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
            assert_eq!((place.kind, &within(place)[..]), (kind, parents), "{code}");
            assert_eq!(place.successor, None, "{code}");
        }
        let bristol = &places["E06000023"];
        assert_eq!(bristol.name, "Bristol, City of");
        let region = &places["E08000003"].within[0];
        assert_eq!(region.name.as_deref(), Some("North West"));
        assert_eq!(region.kind, Some(PlaceKind::Region));
    }

    #[test]
    fn a_retired_code_leads_to_its_successor() {
        let places = excerpt();
        let allerdale = &places["E07000026"];
        assert_eq!(allerdale.successor.as_deref(), Some("E06000063"));
        // Its upper tier is its successor by now, which is no county.
        assert_eq!(within(allerdale), ["E12000002"]);
        assert_eq!(places["S12000046"].successor.as_deref(), Some("S12000049"));
    }

    #[test]
    fn other_lookup_files_are_known_by_their_first_column() {
        let row = rows(
            "\u{feff}UTLACD,UTLANM,CAUTHCD,CAUTHNM,RGNCD,RGNNM,CTRYCD,CTRYNM\r\n\
             E10000003,Cambridgeshire,E47000008,C and P,E12000006,East of England,E92000001,England\r\n",
        );
        let (line, place) = &row[0];
        let place = &place.as_ref().unwrap().value;
        assert_eq!((*line, place.kind), (2, PlaceKind::County));
        assert_eq!(within(place), ["E12000006", "E47000008"]);
        let row = rows(
            "LADCD,LADNM,LADCD_ACTIVE,LADNM_ACTIVE,UTLACD,UTLANM,RGNCD,RGNNM\n\
             E07000026,Allerdale,E06000063,Cumberland,E10000006,Cumbria,E12000002,North West\n",
        );
        let place = &row[0].1.as_ref().unwrap().value;
        assert_eq!(place.successor.as_deref(), Some("E06000063"));
        assert_eq!(within(place), ["E10000006"]);
    }

    #[test]
    fn a_table_made_by_hand_may_leave_out_the_code() {
        let rows = rows(
            "Name,Code,Kind,Within,Successor\n\
             Ladywood,,neighbourhood,E08000025; E47000007;E08000025,\n\
             Old Birmingham,e08000001,local authority,,E08000025\n\
             \"Bristol, City of\",E06000023,,,\n",
        );
        let places: Vec<_> = rows.into_iter().map(|(_, row)| row.unwrap().value).collect();
        assert_eq!(places[0].code, None);
        assert_eq!(places[0].kind, PlaceKind::Neighbourhood);
        assert_eq!(within(&places[0]), ["E08000025", "E47000007"]);
        assert_eq!(places[1].code.as_deref(), Some("E08000001"));
        assert_eq!(places[1].successor.as_deref(), Some("E08000025"));
        assert_eq!(places[2].kind, PlaceKind::LocalAuthority);
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
        assert_eq!(
            said,
            [
                "row 2, code: \"E0600001\" is not a GSS code; one is a letter and eight digits, such as E08000025",
                "row 2, name: is missing",
                "row 2, kind: \"village\" is not one of NEIGHBOURHOOD, WARD, TOWN, LOCAL_AUTHORITY, \
                 COMBINED_AUTHORITY, COUNTY, REGION, NATION, COUNTRY",
                "row 2, within: \"x\" is not a GSS code; one is a letter and eight digits, such as E08000025",
                "row 2, successor: \"E06\" is not a GSS code; one is a letter and eight digits, such as E08000025",
                "row 3, kind: is missing, and no code says it",
                "row 4, code: is missing; only a NEIGHBOURHOOD or a TOWN may do without",
                "row 5, kind: its code is that of a REGION",
                "row 5, within: names the place itself",
                "row 5, successor: names the place itself",
                "row 6, code: \"X99000001\" is not the code of a ward, local authority, county, \
                 combined authority, region, nation or country; say what it is in a column kind",
            ]
        );
        let said =
            refusals("areacode,areaname,LADCD_ACTIVE,RGNCD\nE06000001,,E0,R1\nE01000001,Somewhere,,\n");
        assert_eq!(said.len(), 4);
        assert_eq!(said[0], "row 2, areaname: is missing");
        assert!(said[1].starts_with("row 2, LADCD_ACTIVE: \"E0\" is not a GSS code"));
        assert!(said[2].starts_with("row 2, RGNCD: \"R1\" is not a GSS code"));
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

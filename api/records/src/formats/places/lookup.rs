//! Lookup files of the Office for National Statistics (ONS).

use wayin_vocabulary::PlaceKind;

use super::super::{ColumnValue, Notes, RowProblems};
use super::{PlaceFileRow, has_answer, parse_kind, parse_name};
use crate::gss_code::{find_kind, parse_area_code, parse_code};
use crate::place_draft::{PlaceDraft, StatedParents};
use crate::text;
use crate::text::quote;

/// The names of the levels of areas in headers, the smallest first, and the kind of place of each level. Areas without a
/// kind are not places, but lie within one.
const LEVELS: [(&str, Option<PlaceKind>); 21] = [
    ("oa", None),
    ("dz", None),
    ("soa", None),
    ("lsoa", None),
    ("iz", None),
    ("msoa", None),
    ("par", None),
    ("parncp", None),
    ("wd", Some(PlaceKind::Ward)),
    ("ced", None),
    ("pcon", None),
    ("lad", Some(PlaceKind::LocalAuthority)),
    ("ltla", Some(PlaceKind::LocalAuthority)),
    ("utla", Some(PlaceKind::County)),
    ("cty", Some(PlaceKind::County)),
    ("cauth", Some(PlaceKind::CombinedAuthority)),
    ("rgn", Some(PlaceKind::Region)),
    ("ctry", Some(PlaceKind::Nation)),
    ("ew", Some(PlaceKind::Country)),
    ("gb", Some(PlaceKind::Country)),
    ("uk", Some(PlaceKind::Country)),
];

/// The columns of a level of areas.
#[derive(Clone, Debug)]
struct AreaLevel {
    name: &'static str,
    kind: Option<PlaceKind>,
    code: usize,
    title: Option<usize>,
}

/// The columns of a lookup file.
#[derive(Debug)]
pub(super) struct LookupColumns {
    own: AreaLevel,
    levels: Vec<AreaLevel>,
    active: Option<usize>,
    kind: Option<usize>,
}

/// Parses a title in lower case with an ending, such as `lad23cd`, to the index of its level and its year.
fn parse_level(title: &str, ending: &str) -> Option<(usize, u8)> {
    let stem = title.strip_suffix(ending)?;
    let name = stem.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let year = match &stem[name.len()..] {
        // A column without a year has the current areas.
        "" => u8::MAX,
        year if year.len() == 2 || (year.len() == 4 && year.starts_with("20")) => {
            year[year.len() - 2..].parse().ok()?
        }
        _ => return None,
    };
    let level = LEVELS.iter().position(|(known, _)| *known == name)?;
    Some((level, year))
}

/// Returns whether a code of the ONS means that there is no area of the level, such as `W99999999`, "(pseudo) Wales".
fn is_pseudo_code(code: &str) -> bool {
    code.get(1..) == Some("99999999")
}

/// Returns whether a title in lower case is that of codes with a year, such as `bua22cd`.
fn is_code_column(title: &str) -> bool {
    let stem = title.strip_suffix("cd").unwrap_or_default();
    let level = stem.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let is_level = !level.is_empty() && level.bytes().all(|letter| letter.is_ascii_lowercase());
    is_level && matches!(stem.len() - level.len(), 2 | 4)
}

impl LookupColumns {
    /// Finds the columns in a header, whose titles are in lower case. Returns `None` if it is not that of a lookup file.
    pub(super) fn from_header(header: &[String], titles: &[String], notes: &mut Notes) -> Option<Self> {
        let find = |title: &str| titles.iter().position(|known| known == title);
        let mut levels = Vec::new();
        for (level, (name, kind)) in LEVELS.into_iter().enumerate() {
            let mut columns: Vec<(u8, usize)> = (0..)
                .zip(titles)
                .filter_map(|(at, title)| Some((parse_level(title, "cd").filter(|of| of.0 == level)?.1, at)))
                .collect();
            columns.sort_by_key(|(year, at)| (std::cmp::Reverse(*year), *at));
            let Some((year, code)) = columns.first().copied() else {
                continue;
            };
            for (_, other) in columns.iter().skip(1) {
                notes.add(format!(
                    "The column {} is read; {} is not, as it holds the same areas at another time.",
                    header[code], header[*other]
                ));
            }
            let name_title = |title: &String| parse_level(title, "nm") == Some((level, year));
            levels.push(AreaLevel {
                name,
                kind,
                code,
                title: titles.iter().position(name_title),
            });
        }
        for (title, lower) in header.iter().zip(titles) {
            if is_code_column(lower) && parse_level(lower, "cd").is_none() {
                let reason = "is not read: its areas are of no level that is known here.";
                notes.add(format!("The column {title} {reason}"));
            }
        }
        let own = match find("areacode") {
            Some(code) => AreaLevel {
                name: "area",
                kind: None,
                code,
                title: Some(find("areaname")?),
            },
            None => levels.first()?.clone(),
        };
        Some(Self {
            own,
            levels,
            active: find("ladcd_active"),
            kind: find("kind"),
        })
    }

    pub(super) fn parse_row(
        &self,
        titles: &[String],
        cells: &[&str],
        problems: &mut RowProblems,
    ) -> Option<PlaceFileRow> {
        let areas = self.parse_areas(titles, cells, problems);
        let own_title = &titles[self.own.code];
        let own = problems.check(own_title, parse_area_code(cells[self.own.code]));
        let name = match self.own.title {
            Some(at) => problems.check(&titles[at], parse_name(cells[at])).map(Some),
            None => Some(None),
        };
        let given = self.kind.map(|at| cells[at]).filter(|cell| !cell.is_empty());
        let given = match given {
            Some(given) => Some(problems.check("kind", parse_kind(given))?),
            None => None,
        };
        let own = own?;
        if is_pseudo_code(&own) {
            problems.add_error(own_title, format!("{own} is the code of no area"));
            return None;
        }
        let by_code = find_kind(&own);
        if let (Some(by_code), Some(given)) = (by_code, given)
            && by_code != given
        {
            problems.add_error("kind", format!("its code is that of a {}", by_code.code()));
            return None;
        }
        let mut row = PlaceFileRow {
            larger: areas.larger_places(),
            ..PlaceFileRow::default()
        };
        let authority = areas.find_authority();
        let mut small: Vec<&str> = areas.small_area_codes().collect();
        if let Some(kind) = by_code.or(given) {
            row.place = Some(PlaceDraft {
                parent_codes: areas.list_parent_codes(&own, kind),
                stated_parents: self.stated_parents(&areas),
                successor: self.parse_successor(&own, kind, cells, problems),
                code: Some(own),
                name: name?,
                kind: Some(kind),
            });
        } else if authority.is_some() {
            small.push(&own);
        } else {
            problems.add_error(own_title, describe_unknown_area(&own));
        }
        if let Some(authority) = authority {
            small.sort_unstable();
            small.dedup();
            let with_place = |code: &str| (code.to_owned(), authority.code.clone());
            row.small_areas = small.into_iter().map(with_place).collect();
        }
        Some(row)
    }

    fn parse_areas(&self, titles: &[String], cells: &[&str], problems: &mut RowProblems) -> Areas {
        let mut areas = Areas::default();
        for level in &self.levels {
            let (title, cell) = (&titles[level.code], cells[level.code]);
            if cell.is_empty() || !has_answer(title, cell, problems) {
                continue;
            }
            let code = problems.check(title, parse_area_code(cell));
            if let Some(code) = code.filter(|code| !is_pseudo_code(code)) {
                areas.0.push(Area {
                    level: level.name,
                    kind: find_kind(&code),
                    code,
                    name: level.title.and_then(|at| text::clean_line(cells[at])),
                });
            }
        }
        areas
    }

    fn stated_parents(&self, areas: &Areas) -> StatedParents {
        let levels = self.levels.iter().filter(|level| level.name != self.own.name);
        StatedParents::Kinds {
            kinds: levels.filter_map(|level| level.kind).collect(),
            codes: areas.0.iter().map(|area| area.code.clone()).collect(),
        }
    }

    fn parse_successor(
        &self,
        own: &str,
        kind: PlaceKind,
        cells: &[&str],
        problems: &mut RowProblems,
    ) -> ColumnValue<String> {
        let Some(at) = self.active.filter(|_| kind == PlaceKind::LocalAuthority) else {
            return ColumnValue::Absent;
        };
        if cells[at].is_empty() {
            return ColumnValue::Empty;
        }
        match problems.check("ladcd_active", parse_code(cells[at])) {
            Some(active) if active != own => ColumnValue::Value(active),
            _ => ColumnValue::Empty,
        }
    }
}

/// An area that a row names.
#[derive(Debug)]
struct Area {
    level: &'static str,
    code: String,
    name: Option<String>,
    /// `None` if the area is not a place.
    kind: Option<PlaceKind>,
}

/// The areas that a row names, the smallest first.
#[derive(Debug, Default)]
struct Areas(Vec<Area>);

impl Areas {
    fn find(&self, levels: &'static [&'static str]) -> impl Iterator<Item = &Area> {
        self.0.iter().filter(move |area| levels.contains(&area.level))
    }

    /// Finds the local authority, or else the upper tier.
    fn find_authority(&self) -> Option<&Area> {
        self.find(&["lad", "ltla", "utla", "cty"]).next()
    }

    /// Lists the codes of areas that are not places.
    fn small_area_codes(&self) -> impl Iterator<Item = &str> {
        let small = self.0.iter().filter(|area| area.kind.is_none());
        small.map(|area| area.code.as_str())
    }

    /// Lists the areas that are places.
    fn larger_places(&self) -> Vec<PlaceDraft> {
        let places = self.0.iter().filter_map(|area| {
            Some(PlaceDraft {
                code: Some(area.code.clone()),
                name: area.name.clone(),
                kind: area.kind,
                parent_codes: self.list_parent_codes(&area.code, area.kind?),
                stated_parents: StatedParents::All,
                successor: ColumnValue::Absent,
            })
        });
        places.collect()
    }

    /// Lists the codes of the nearest larger places. A place lies within a region and also within a combined authority.
    fn list_parent_codes(&self, own: &str, kind: PlaceKind) -> Vec<String> {
        let find = |levels: &'static [&'static str]| self.find(levels).find(|area| area.code != own);
        let local_authority = find(&["lad", "ltla"]);
        // The upper tier of a unitary authority is the authority itself, or its successor.
        let is_county = |area: &&Area| area.code != own && area.kind == Some(PlaceKind::County);
        let county = self.find(&["utla", "cty"]).find(is_county);
        let combined_authority = find(&["cauth"]);
        let region = find(&["rgn"]);
        let nation = find(&["ctry"]);
        // A country lies within the countries after it.
        let countries: Vec<&Area> = self.find(&["ew", "gb", "uk"]).collect();
        let own_index = countries.iter().position(|country| country.code == own);
        let wider = countries.get(own_index.map_or(0, |index| index + 1)).copied();
        let (nearest, beside) = match kind {
            PlaceKind::Neighbourhood | PlaceKind::Ward | PlaceKind::Town => {
                (local_authority.or(county).or(region).or(nation), None)
            }
            PlaceKind::LocalAuthority => (county.or(region).or(nation), combined_authority),
            PlaceKind::County => (region.or(nation), combined_authority),
            PlaceKind::CombinedAuthority | PlaceKind::Region => (nation, None),
            PlaceKind::Nation | PlaceKind::Country => (wider, None),
        };
        let parents = nearest.into_iter().chain(beside);
        let places = parents.filter(|parent| parent.kind.is_some());
        places.map(|parent| parent.code.clone()).collect()
    }
}

fn describe_unknown_area(code: &str) -> String {
    format!(
        "{} is not the code of a ward, local authority, county, combined authority, region, \
         nation or country; say what it is in a column kind, or name its local authority in a column LADCD",
        quote(code)
    )
}

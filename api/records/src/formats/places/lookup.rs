//! Lookup files as the Office for National Statistics publishes them: which columns they have, and what a row says.

use crate::formats::ColumnValue;
use wayin_vocabulary::PlaceKind;

use super::super::{Notes, RowProblems};
use super::{LargerPlace, ParentPlace, PlaceFileRow, PlaceRow, has_answer, parse_kind, parse_name};
use crate::gss::{find_kind, parse_area_code, parse_code};
use crate::place_draft::StatedParents;
use crate::text;
use crate::text::quote;

/// How the headers of the ONS name the levels of areas, the smallest first, and what sort of place an area of that
/// level is; none for areas that are no places themselves, but lie in one.
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

/// A level of areas that a file has columns for.
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

/// The level and the year of a title such as `lad23cd`, in lower case, with this ending.
fn parse_level(title: &str, ending: &str) -> Option<(usize, u8)> {
    let stem = title.strip_suffix(ending)?;
    let name = stem.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let year = match &stem[name.len()..] {
        // A column without a year is the one that is kept up to date.
        "" => u8::MAX,
        year if year.len() == 2 || (year.len() == 4 && year.starts_with("20")) => {
            year[year.len() - 2..].parse().ok()?
        }
        _ => return None,
    };
    let level = LEVELS.iter().position(|(known, _)| *known == name)?;
    Some((level, year))
}

/// Whether a code says that there is no area of its level, as the ONS writes it: `W99999999`, "(pseudo) Wales".
fn is_pseudo_code(code: &str) -> bool {
    code.get(1..) == Some("99999999")
}

/// Whether a title, in lower case, is that of codes with a year, such as `bua22cd`.
fn is_code_column(title: &str) -> bool {
    let stem = title.strip_suffix("cd").unwrap_or_default();
    let level = stem.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let is_level = !level.is_empty() && level.bytes().all(|letter| letter.is_ascii_lowercase());
    is_level && matches!(stem.len() - level.len(), 2 | 4)
}

impl LookupColumns {
    /// The columns of a header, whose titles are in lower case; none where it is no lookup file's.
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
            let title = titles
                .iter()
                .position(|title| parse_level(title, "nm") == Some((level, year)));
            levels.push(AreaLevel {
                name,
                kind,
                code,
                title,
            });
        }
        for (title, lower) in header.iter().zip(titles) {
            if is_code_column(lower) && parse_level(lower, "cd").is_none() {
                notes.add(format!(
                    "The column {title} is not read: its areas are of no level that is known here."
                ));
            }
        }
        let own = match (find("areacode"), levels.first()) {
            (Some(code), _) => AreaLevel {
                name: "area",
                kind: None,
                code,
                title: Some(find("areaname")?),
            },
            (None, Some(smallest)) => smallest.clone(),
            (None, None) => return None,
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
        refusals: &mut RowProblems,
    ) -> Option<PlaceFileRow> {
        let mut areas = Areas::default();
        for level in &self.levels {
            let cell = cells[level.code];
            if cell.is_empty() || !has_answer(&titles[level.code], cell, refusals) {
                continue;
            }
            let code = refusals.check(&titles[level.code], parse_area_code(cell));
            let Some(code) = code.filter(|code| !is_pseudo_code(code)) else {
                continue;
            };
            let name = level.title.and_then(|at| text::clean_line(cells[at]));
            areas.0.push((
                level.name,
                ParentPlace {
                    kind: find_kind(&code),
                    code,
                    name,
                },
            ));
        }
        let own = refusals.check(&titles[self.own.code], parse_area_code(cells[self.own.code]));
        let name = match self.own.title {
            Some(at) => refusals.check(&titles[at], parse_name(cells[at])).map(Some),
            None => Some(None),
        };
        let given = self.kind.map(|at| cells[at]).filter(|cell| !cell.is_empty());
        let given = match given {
            Some(given) => Some(refusals.check("kind", parse_kind(given))?),
            None => None,
        };
        let own = own?;
        if is_pseudo_code(&own) {
            let reason = format!("{own} is the code of no area");
            refusals.add_error(&titles[self.own.code], reason);
            return None;
        }
        let kind = match (find_kind(&own), given) {
            (Some(by_code), Some(given)) if by_code != given => {
                refusals.add_error("kind", format!("its code is that of a {}", by_code.code()));
                return None;
            }
            (by_code, given) => by_code.or(given),
        };
        let mut listed = PlaceFileRow {
            larger: areas.larger_places(),
            ..PlaceFileRow::default()
        };
        let authority = areas.find_authority();
        let mut small: Vec<&str> = areas.small_area_codes().collect();
        if let Some(kind) = kind {
            listed.place = Some(PlaceRow {
                parents: areas.direct_parents(&own, kind),
                stated_parents: self.stated_parents(&areas),
                successor: self.parse_successor(&own, kind, cells, refusals),
                code: Some(own),
                name: name?,
                kind: Some(kind),
            });
        } else if authority.is_some() {
            small.push(&own);
        } else {
            refusals.add_error(&titles[self.own.code], describe_unknown_area(&own));
        }
        if let Some(authority) = authority {
            small.sort_unstable();
            small.dedup();
            let of = |code: &str| (code.to_owned(), authority.code.clone());
            listed.small_areas = small.into_iter().map(of).collect();
        }
        Some(listed)
    }

    fn stated_parents(&self, areas: &Areas) -> StatedParents {
        let levels = self.levels.iter().filter(|level| level.name != self.own.name);
        StatedParents::Kinds {
            kinds: levels.filter_map(|level| level.kind).collect(),
            codes: areas.0.iter().map(|(_, area)| area.code.clone()).collect(),
        }
    }

    fn parse_successor(
        &self,
        own: &str,
        kind: PlaceKind,
        cells: &[&str],
        refusals: &mut RowProblems,
    ) -> ColumnValue<String> {
        let Some(at) = self.active.filter(|_| kind == PlaceKind::LocalAuthority) else {
            return ColumnValue::Absent;
        };
        if cells[at].is_empty() {
            return ColumnValue::Empty;
        }
        match refusals.check("ladcd_active", parse_code(cells[at])) {
            Some(active) if active != own => ColumnValue::Value(active),
            _ => ColumnValue::Empty,
        }
    }
}

/// The areas that a row names, each with its level.
#[derive(Debug, Default)]
struct Areas(Vec<(&'static str, ParentPlace)>);

impl Areas {
    fn find<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a ParentPlace> {
        let of = self.0.iter().filter(move |(name, _)| names.contains(name));
        of.map(|(_, area)| area)
    }

    /// The local authority, or else the upper tier.
    fn find_authority(&self) -> Option<&ParentPlace> {
        self.find(&["lad", "ltla", "utla", "cty"]).next()
    }

    /// The codes of areas that are no places themselves.
    fn small_area_codes(&self) -> impl Iterator<Item = &str> {
        let small = self.0.iter().filter(|(_, area)| area.kind.is_none());
        small.map(|(_, area)| area.code.as_str())
    }

    /// The areas that are places, with what each lies within.
    fn larger_places(&self) -> Vec<LargerPlace> {
        let larger = self.0.iter().filter_map(|(_, area)| {
            let within = self.direct_parents(&area.code, area.kind?);
            Some(LargerPlace {
                place: area.clone(),
                parent_codes: within.into_iter().map(|parent| parent.code).collect(),
            })
        });
        larger.collect()
    }

    /// The nearest of the areas that a row names. A combined authority stands beside the region, so that a
    /// place lies within both.
    fn direct_parents(&self, own: &str, kind: PlaceKind) -> Vec<ParentPlace> {
        let area = |names: &[&str]| self.find(names).find(|area| area.code != own).cloned();
        let local_authority = area(&["lad", "ltla"]);
        // The upper tier of a unitary authority is itself, or what took over from it.
        let county = self
            .find(&["utla", "cty"])
            .find(|area| area.code != own && area.kind == Some(PlaceKind::County))
            .cloned();
        let combined_authority = area(&["cauth"]);
        let region = area(&["rgn"]);
        let nation = area(&["ctry"]);
        // The countries that a row names, from the narrowest; a country lies within those after it.
        let countries: Vec<&ParentPlace> = ["ew", "gb", "uk"]
            .into_iter()
            .filter_map(|name| self.0.iter().find(|(level, _)| *level == name))
            .map(|(_, area)| area)
            .collect();
        let own_at = countries.iter().position(|country| country.code == own);
        let wider = countries[own_at.map_or(0, |at| at + 1)..].first();
        let wider = wider.map(|country| (*country).clone());
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
        parents.filter(|parent| parent.kind.is_some()).collect()
    }
}

fn describe_unknown_area(code: &str) -> String {
    format!(
        "{} is not the code of a ward, local authority, county, combined authority, region, \
         nation or country; say what it is in a column kind, or name its local authority in a column LADCD",
        quote(code)
    )
}

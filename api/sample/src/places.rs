//! The real places in which the initiatives work.

use serde::Deserialize;

/// Contains public sector information licensed under the Open Government Licence v3.0.
const AREAS_CSV: &str = crate::PLACES_CSV;

/// How initiatives go in a region, or in a nation without regions.
pub(super) struct RegionProfile {
    /// The GSS code.
    pub(super) code: &'static str,
    /// How many initiatives it has, relative to the others.
    pub(super) weight: u32,
    /// How often funding pays for the time that collaboration takes.
    pub(super) collaboration_resourced_percent: u32,
    /// How often fostering the conditions is skipped without such funding.
    pub(super) conditions_skipped_percent: u32,
    /// How often defining ambitions is skipped with some short funding.
    pub(super) ambitions_skipped_if_short_percent: u32,
    /// How often defining ambitions is skipped without short funding.
    pub(super) ambitions_skipped_otherwise_percent: u32,
}

const fn new_region(
    code: &'static str,
    weight: u32,
    conditions: (u32, u32),
    ambitions: (u32, u32),
) -> RegionProfile {
    RegionProfile {
        code,
        weight,
        collaboration_resourced_percent: conditions.0,
        conditions_skipped_percent: conditions.1,
        ambitions_skipped_if_short_percent: ambitions.0,
        ambitions_skipped_otherwise_percent: ambitions.1,
    }
}

/// Funding for collaboration is most frequent where conditions are hardest to foster. So it looks harmful over all places
/// together, although it helps in each (Simpson's paradox). Short funding goes with skipped ambitions everywhere except in
/// the North East.
pub(super) const REGIONS: [RegionProfile; 12] = [
    new_region("E12000001", 150, (38, 46), (26, 42)),
    new_region("E12000002", 250, (82, 78), (60, 25)),
    new_region("E12000003", 190, (78, 76), (58, 24)),
    new_region("E12000004", 150, (17, 20), (58, 26)),
    new_region("E12000005", 190, (80, 78), (60, 25)),
    new_region("E12000006", 160, (15, 18), (59, 24)),
    new_region("E12000007", 240, (83, 80), (61, 26)),
    new_region("E12000008", 180, (15, 18), (57, 23)),
    new_region("E12000009", 160, (16, 18), (59, 25)),
    new_region("S92000003", 150, (45, 46), (58, 24)),
    new_region("W92000004", 110, (38, 40), (60, 26)),
    new_region("N92000002", 90, (62, 62), (62, 25)),
];

/// A current local authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LocalAuthority {
    /// The GSS code.
    pub(super) code: String,
    /// The name in use.
    pub(super) name: String,
    /// The code of its region, or of its nation if it has no regions.
    pub(super) region: String,
}

#[derive(Deserialize)]
struct AreaRow {
    areacode: String,
    areaname: String,
    areatype: String,
    #[serde(rename = "LADCD_ACTIVE")]
    successor: String,
    #[serde(rename = "RGNCD")]
    region: String,
    #[serde(rename = "CTRYCD")]
    nation: String,
}

/// Every current local authority of the United Kingdom, in the order of the file.
pub(super) fn list_local_authorities() -> Vec<LocalAuthority> {
    csv::Reader::from_reader(AREAS_CSV.as_bytes())
        .deserialize()
        .filter_map(Result::ok)
        .filter(|area: &AreaRow| area.areatype == "la" && area.areacode == area.successor)
        .map(|area| LocalAuthority {
            code: area.areacode,
            name: area.areaname,
            region: Some(area.region)
                .filter(|region| !region.is_empty())
                .unwrap_or(area.nation),
        })
        .collect()
}

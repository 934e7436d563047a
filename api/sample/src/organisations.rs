//! Invented organisations. Their identifiers begin with `XI-WAYIN`, which is not the prefix of any register.

use wayin_records::record::OrganisationReference;
use wayin_vocabulary::OrganisationKind;

use super::places::REGIONS;
use super::rng::SampleRng;

/// A funder, and the typical terms of its funding.
pub(super) struct Funder {
    name: &'static str,
    /// How much it gives, relative to the others.
    weight: u32,
    /// How often its funding lasts 18 months or less.
    pub(super) short_percent: u32,
    /// How often it requires reports on targets that were set at the start.
    pub(super) fixed_targets_percent: u32,
    /// How often its funding is unrestricted.
    pub(super) unrestricted_percent: u32,
}

const fn new_funder(
    name: &'static str,
    weight: u32,
    short: u32,
    fixed_targets: u32,
    unrestricted: u32,
) -> Funder {
    Funder {
        name,
        weight,
        short_percent: short,
        fixed_targets_percent: fixed_targets,
        unrestricted_percent: unrestricted,
    }
}

pub(super) const FUNDERS: [Funder; 8] = [
    new_funder("Example Lantern Foundation (illustrative)", 22, 24, 40, 45),
    new_funder("Example Millstream Trust (illustrative)", 16, 30, 55, 25),
    new_funder("Example Commonwell Fund (illustrative)", 15, 45, 70, 10),
    new_funder("Example Harbour Light Foundation (illustrative)", 12, 18, 30, 55),
    new_funder("Example Northgate Community Fund (illustrative)", 11, 60, 65, 20),
    new_funder("Example Fieldfare Trust (illustrative)", 10, 22, 45, 40),
    new_funder("Example Public Innovation Fund (illustrative)", 8, 55, 80, 5),
    new_funder("Example Long Bridge Endowment (illustrative)", 6, 8, 25, 60),
];

/// Draws `count` different funders, or all if there are fewer. Returns their indexes in [`FUNDERS`].
pub(super) fn draw_funders(rng: &mut SampleRng, count: usize) -> Vec<usize> {
    let mut left: Vec<_> = FUNDERS
        .iter()
        .enumerate()
        .map(|(index, one)| (index, one.weight))
        .collect();
    let mut drawn = Vec::new();
    while drawn.len() < count {
        let Some((first, others)) = left.split_first() else {
            break;
        };
        let funder = rng.choose_weighted(*first, others);
        left.retain(|(index, _)| *index != funder);
        drawn.push(funder);
    }
    drawn
}

impl Funder {
    /// The reference to the funder, which is at `index` of [`FUNDERS`].
    pub(super) fn reference(&self, index: usize) -> OrganisationReference {
        new_reference(
            format!("XI-WAYIN-F{:02}", index + 1),
            self.name.into(),
            OrganisationKind::Funder,
        )
    }
}

/// An organisation that leads initiatives.
pub(super) struct LeadOrganisation {
    /// The reference to it.
    pub(super) reference: OrganisationReference,
    /// The code of the region in which it works; none if it works everywhere.
    pub(super) region: Option<&'static str>,
}

const NATIONAL_CHARITY_COUNT: usize = 12;

/// The kinds of the lead organisations in each region.
const LEAD_KINDS_PER_REGION: [OrganisationKind; 9] = [
    OrganisationKind::DeliveryOrganisation,
    OrganisationKind::DeliveryOrganisation,
    OrganisationKind::DeliveryOrganisation,
    OrganisationKind::DeliveryOrganisation,
    OrganisationKind::CommunityGroup,
    OrganisationKind::CommunityGroup,
    OrganisationKind::CommunityGroup,
    OrganisationKind::PublicBody,
    OrganisationKind::PublicBody,
];

const NAME_FIRST_WORDS: [&str; 24] = [
    "Alder",
    "Beacon",
    "Bramble",
    "Bridge",
    "Clover",
    "Compass",
    "Copper",
    "Curlew",
    "Dovetail",
    "Ember",
    "Fern",
    "Garnet",
    "Heather",
    "Juniper",
    "Keystone",
    "Larch",
    "Linden",
    "Meadow",
    "Otter",
    "Quarry",
    "Rowan",
    "Sandpiper",
    "Thistle",
    "Willow",
];

/// The 120 lead organisations: nine in each region, and twelve that work everywhere.
pub(super) fn list_leads() -> Vec<LeadOrganisation> {
    let local = REGIONS
        .iter()
        .flat_map(|region| LEAD_KINDS_PER_REGION.map(|kind| (kind, Some(region.code))));
    let national = [(OrganisationKind::NationalCharity, None); NATIONAL_CHARITY_COUNT];
    local
        .chain(national)
        .enumerate()
        .map(|(index, (kind, region))| LeadOrganisation {
            reference: new_reference(
                format!("XI-WAYIN-L{:03}", index + 1),
                build_lead_name(index, kind),
                kind,
            ),
            region,
        })
        .collect()
}

/// Each pass through the first words uses other last words, so all names are different.
fn build_lead_name(index: usize, kind: OrganisationKind) -> String {
    let last_words = match kind {
        OrganisationKind::Funder => ["Fund", "Trust", "Foundation", "Endowment", "Grants"],
        OrganisationKind::DeliveryOrganisation => ["Works", "Support", "Partners", "Services", "Projects"],
        OrganisationKind::NationalCharity => ["National", "Alliance", "Union", "Nationwide", "Society"],
        OrganisationKind::CommunityGroup => [
            "Neighbours",
            "Residents",
            "Community Circle",
            "Together",
            "Commons",
        ],
        OrganisationKind::PublicBody => [
            "Council",
            "Health Board",
            "Authority",
            "Public Service",
            "Town Council",
        ],
    };
    let first = NAME_FIRST_WORDS[index % NAME_FIRST_WORDS.len()];
    let last = last_words[index / NAME_FIRST_WORDS.len() % last_words.len()];
    format!("Example {first} {last} (illustrative)")
}

fn new_reference(identifier: String, name: String, kind: OrganisationKind) -> OrganisationReference {
    OrganisationReference {
        identifier: Some(identifier),
        name: Some(name),
        kind: Some(kind),
    }
}

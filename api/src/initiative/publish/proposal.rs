//! A record to publish, and the outcome.

use uuid::Uuid;
use wayin_entity::{initiative, organisation};

use crate::grant_detail::GrantDetail;
use wayin_records::omitted::OmittedFields;
use wayin_records::problem::{Problem, Problems};
use wayin_records::record::{InitiativeRecord, OrganisationReference};

/// The published grant that a record comes from.
#[derive(Clone, Debug)]
pub struct PublishedGrant {
    /// The digest of the whole grant, by which an import recognises it.
    pub digest: String,
    /// Details that the record has no field for.
    pub detail: GrantDetail,
}

#[derive(Clone, Debug)]
pub struct Proposal {
    pub record: InitiativeRecord,
    /// The published grant that the record comes from. The first funding term names it.
    pub grant: Option<PublishedGrant>,
    /// The initiative to correct. None if the record itself identifies it.
    pub corrects: Option<Uuid>,
    /// The version that the record was made from. A newer published version is a conflict. None to replace
    /// any version.
    pub base_version: Option<i32>,
    /// The fields that the file has no column for. They keep their published values. None for a whole record.
    pub omitted: Option<OmittedFields>,
}

impl Proposal {
    pub(super) fn grant_identifier(&self) -> Option<&str> {
        self.record
            .funding_terms
            .iter()
            .find_map(|term| term.grant_identifier.as_deref())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicationOutcome {
    /// The initiative is new.
    Published { id: Uuid, warnings: Vec<Problem> },
    /// The initiative replaced its previous version.
    Updated { id: Uuid, warnings: Vec<Problem> },
    /// The same record was already published.
    Unchanged { id: Uuid },
    /// Nothing was published.
    Rejected(Vec<Problem>),
}

/// A proposal with everything that it names resolved.
pub(super) struct ResolvedProposal {
    pub(super) record: InitiativeRecord,
    pub(super) id: Uuid,
    pub(super) before: Option<initiative::Model>,
    pub(super) lead: organisation::Model,
    pub(super) place: Option<Uuid>,
    pub(super) funders: Vec<Uuid>,
    pub(super) grant_digests: Vec<Option<String>>,
    pub(super) document: serde_json::Value,
}

impl ResolvedProposal {
    /// The version that it will have.
    pub(super) fn version(&self) -> i32 {
        self.before.as_ref().map_or(1, |before| before.version + 1)
    }
}

/// The result of validating a proposal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValidatedProposal {
    /// Errors and warnings.
    pub problems: Problems,
    /// Whether the same record is already published.
    pub is_unchanged: bool,
}

/// The organisations that a record names.
pub(crate) fn organisation_references_mut(
    record: &mut InitiativeRecord,
) -> impl Iterator<Item = &mut OrganisationReference> {
    let funders = record.funding_terms.iter_mut().map(|term| &mut term.funder);
    std::iter::once(&mut record.lead_organisation).chain(funders)
}

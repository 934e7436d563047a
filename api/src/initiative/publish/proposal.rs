//! A record that is to be published, and what becomes of it.

use uuid::Uuid;
use wayin_entity::{initiative, organisation};

use crate::grant_detail::GrantDetail;
use wayin_records::omitted::OmittedFields;
use wayin_records::problem::{Problem, Problems};
use wayin_records::record::{InitiativeRecord, OrganisationReference};

/// What is known of a published grant beside its record.
#[derive(Clone, Debug)]
pub struct PublishedGrant {
    /// The digest of all that it says, by which an import recognises it.
    pub digest: String,
    /// What the record has no room for.
    pub detail: GrantDetail,
}

/// A record that is to be published.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The record.
    pub record: InitiativeRecord,
    /// The published grant that it is made from; the first funding term names it.
    pub grant: Option<PublishedGrant>,
    /// The initiative that it corrects; none where the record itself tells which it is.
    pub corrects: Option<Uuid>,
    /// The version of what is published that it was written from: it replaces no other. None where that does not matter.
    pub base_version: Option<i32>,
    /// What its file has no column for, which stays as it is published. None for a whole record.
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

/// What became of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicationOutcome {
    /// It is new.
    Published {
        /// The initiative.
        id: Uuid,
        /// What is worth a look.
        warnings: Vec<Problem>,
    },
    /// It took the place of what was published before.
    Updated {
        /// The initiative.
        id: Uuid,
        /// What is worth a look.
        warnings: Vec<Problem>,
    },
    /// It stood so already.
    Unchanged {
        /// The initiative.
        id: Uuid,
    },
    /// It cannot be published, and nothing of it was.
    Rejected(Vec<Problem>),
}

/// A proposal of which everything that it names is found.
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
    /// The version that it will stand in.
    pub(super) fn version(&self) -> i32 {
        self.before.as_ref().map_or(1, |before| before.version + 1)
    }
}

/// What publication would say of a proposal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValidatedProposal {
    /// What stands against it, and what is worth a look.
    pub problems: Problems,
    /// Whether the record is published so already.
    pub is_unchanged: bool,
}

/// The organisations that a record names.
pub(super) fn organisation_references_mut(
    record: &mut InitiativeRecord,
) -> impl Iterator<Item = &mut OrganisationReference> {
    let funders = record.funding_terms.iter_mut().map(|term| &mut term.funder);
    std::iter::once(&mut record.lead_organisation).chain(funders)
}

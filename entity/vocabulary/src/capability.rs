//! What each role may do. Nothing else in the service compares roles.

use crate::Role;

/// Something that a member may do if the member's role has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Act for one organisation, which the member must have: read records for members, and the organisation's own.
    ActForOrganisation,
    /// Act for any organisation.
    ActForAnyOrganisation,
    /// Read every record.
    ReadEveryRecord,
    /// Submit records of an organisation, one by one and as files.
    SubmitRecords,
    /// Import the grants of an organisation.
    ImportGrants,
    /// Import files, of the kinds that other capabilities allow.
    ImportFiles,
    /// Publish submissions, or request changes to them, and acknowledge notices of what partners did without review.
    ReviewSubmissions,
    /// Withdraw published records of an organisation.
    WithdrawRecords,
    /// Narrow who may read published records of an organisation.
    NarrowVisibility,
    /// Save places, organisations, terms, meetings, reflections, crises and claims.
    ManageReferenceData,
    /// Add, change and revoke members, and their tokens.
    ManageMembers,
    /// Read the audit trail, and earlier versions of reference data and members.
    ReadAuditTrail,
    /// Remove a text from everything that is stored.
    RedactText,
}

impl Role {
    const fn capabilities(self) -> &'static [Capability] {
        use Capability::{
            ActForAnyOrganisation, ActForOrganisation, ImportFiles, ImportGrants, ManageMembers,
            ManageReferenceData, NarrowVisibility, ReadAuditTrail, ReadEveryRecord, RedactText,
            ReviewSubmissions, SubmitRecords, WithdrawRecords,
        };
        match self {
            Self::Funder => &[ActForOrganisation, ImportGrants, ImportFiles],
            Self::Partner => &[
                ActForOrganisation,
                SubmitRecords,
                ImportFiles,
                WithdrawRecords,
                NarrowVisibility,
            ],
            Self::Dashboard => &[],
            Self::Steward => &[
                ActForAnyOrganisation,
                ReadEveryRecord,
                SubmitRecords,
                ImportGrants,
                ImportFiles,
                ReviewSubmissions,
                WithdrawRecords,
                NarrowVisibility,
                ManageReferenceData,
                ManageMembers,
                ReadAuditTrail,
                RedactText,
            ],
        }
    }

    /// Whether members of the role may do something.
    pub fn can(self, capability: Capability) -> bool {
        self.capabilities().contains(&capability)
    }

    /// The roles that may do something.
    pub fn with_capability(capability: Capability) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |role| role.can(capability))
    }
}

//! The policy as one table.

use super::Exposure::{
    Aggregates, FullyVisible, Inherited, KnownOrganisations, Own, OwnOrganisation, OwnPortfolio,
    PartlyVisible,
};
use super::{AccessRequirement, AccessRule, PolicyRow, SUBSCRIPTION_TYPE};
use wayin_entity::Capability::{
    self, ImportFiles, ManageMembers, ManageReferenceData, ReadAuditTrail, RedactText, ReviewSubmissions,
    SubmitRecords, WithdrawRecords,
};
use wayin_records::fields::FundingTermField;

const EVERYONE: AccessRule = AccessRule::new(AccessRequirement::Everyone);
const MEMBERS: AccessRule = AccessRule::new(AccessRequirement::Members);

const fn requires_capability(capability: Capability) -> AccessRule {
    AccessRule::new(AccessRequirement::HasCapability(capability))
}

/// The fields of connections and their edges.
const CONNECTION_FIELDS: &str = "pageInfo edges nodes totalCount";
const EDGE_FIELDS: &str = "cursor node";

/// Types, their fields, who can read them, and which objects they see.
pub const TABLE: &[PolicyRow] = &[
    ("Query", "vocabulary terms claims claim", EVERYONE),
    ("Query", "places place crises meetings", MEMBERS),
    ("Query", "viewer", MEMBERS.with_exposure(Own)),
    ("Query", "node nodes", MEMBERS.with_exposure(Inherited)),
    (
        "Query",
        "organisations organisation",
        MEMBERS.with_exposure(KnownOrganisations),
    ),
    (
        "Query",
        "initiatives initiative",
        MEMBERS.with_exposure(PartlyVisible),
    ),
    (
        "Query",
        "pattern patternGrid associations entryPointFlows distribution",
        MEMBERS.with_exposure(Aggregates),
    ),
    (
        "PageInfo",
        "hasPreviousPage hasNextPage startCursor endCursor",
        EVERYONE,
    ),
    (
        "Vocabulary",
        "entryPoints perspectives challenges steps reasons conditions changes restrictions \
         reportingFrequencies reportingBases deliveryTimelines missing placeKinds organisationKinds \
         sourceKinds visibilities roles dimensions",
        EVERYONE,
    ),
    ("VocabularyEntry", "code label definition", EVERYONE),
    ("TermConnection", CONNECTION_FIELDS, EVERYONE),
    ("TermEdge", EDGE_FIELDS, EVERYONE),
    (
        "Term",
        "id slug name definition synonyms usageNote code",
        EVERYONE,
    ),
    ("ClaimConnection", CONNECTION_FIELDS, EVERYONE),
    ("ClaimEdge", EDGE_FIELDS, EVERYONE),
    ("Claim", "id slug statement", EVERYONE),
    ("Claim", "pattern", EVERYONE.with_exposure(Aggregates)),
    ("Claim", "reflection", MEMBERS),
    // Fields that are selected on the interface, not on a type that implements it.
    ("Node", "id", MEMBERS.with_exposure(Inherited)),
    (
        "Viewer",
        "id subject role organisation rateLimit",
        MEMBERS.with_exposure(Own),
    ),
    (
        "RateLimit",
        "capacity remaining restoreRate",
        MEMBERS.with_exposure(Own),
    ),
    ("PlaceConnection", CONNECTION_FIELDS, MEMBERS),
    ("PlaceEdge", EDGE_FIELDS, MEMBERS),
    ("Place", "id name kind code successor parents children", MEMBERS),
    ("Place", "initiatives", MEMBERS.with_exposure(PartlyVisible)),
    (
        "OrganisationConnection",
        CONNECTION_FIELDS,
        MEMBERS.with_exposure(KnownOrganisations),
    ),
    (
        "OrganisationEdge",
        EDGE_FIELDS,
        MEMBERS.with_exposure(KnownOrganisations),
    ),
    ("Organisation", "initiatives", MEMBERS.with_exposure(FullyVisible)),
    (
        "Organisation",
        "fundingTerms",
        MEMBERS.with_exposure(OwnPortfolio),
    ),
    (
        "Organisation",
        "id name kind identifier",
        MEMBERS.with_exposure(KnownOrganisations),
    ),
    (
        "InitiativeConnection",
        CONNECTION_FIELDS,
        MEMBERS.with_exposure(PartlyVisible),
    ),
    (
        "InitiativeEdge",
        EDGE_FIELDS,
        MEMBERS.with_exposure(PartlyVisible),
    ),
    (
        "Initiative",
        "id title place isFullyVisible visibility isIllustrative",
        MEMBERS.with_exposure(PartlyVisible),
    ),
    ("Initiative", "fundingTerms", MEMBERS.with_exposure(OwnPortfolio)),
    (
        "Initiative",
        "summary leadOrganisation externalRef startedOn endedOn ongoing sharedWithFunders version \
         publishedAt entryPoints challengesFaced conditionsChanged sources sharing missing",
        MEMBERS.with_exposure(FullyVisible),
    ),
    (
        "SharingConsent",
        "confirmedBy confirmedOn basis licence",
        MEMBERS.with_exposure(FullyVisible),
    ),
    (
        "EntryPointTaken",
        "position entryPoint perspective takenOn motivation missing",
        MEMBERS.with_exposure(FullyVisible),
    ),
    (
        "ChallengeFaced",
        "challenge step reasons note noticedOn perspective missing",
        MEMBERS.with_exposure(FullyVisible),
    ),
    (
        "ConditionChanged",
        "condition change missing",
        MEMBERS.with_exposure(FullyVisible),
    ),
    ("MissingAnswer", "field reason", MEMBERS.with_exposure(Inherited)),
    (
        "FundingTermConnection",
        CONNECTION_FIELDS,
        MEMBERS.with_exposure(OwnPortfolio),
    ),
    (
        "FundingTermEdge",
        EDGE_FIELDS,
        MEMBERS.with_exposure(OwnPortfolio),
    ),
    (
        "FundingTerm",
        "id initiative funder missing",
        MEMBERS.with_exposure(OwnPortfolio),
    ),
    (
        "FundingTerm",
        FundingTermField::ALL_NAMES,
        MEMBERS.with_exposure(OwnPortfolio),
    ),
    (
        "Source",
        "id kind title url datedOn licence",
        MEMBERS.with_exposure(FullyVisible),
    ),
    ("CrisisConnection", CONNECTION_FIELDS, MEMBERS),
    ("CrisisEdge", EDGE_FIELDS, MEMBERS),
    ("Crisis", "id slug name from to places", MEMBERS),
    ("MeetingConnection", CONNECTION_FIELDS, MEMBERS),
    ("MeetingEdge", EDGE_FIELDS, MEMBERS),
    (
        "Meeting",
        "id title theme heldOn registrationUrl reflections",
        MEMBERS,
    ),
    (
        "Reflection",
        "id meeting perspective entryPoint challenge place text",
        MEMBERS,
    ),
    // As for `Node`: the fields that a query reads from the interface itself.
    (
        "Answer",
        "cautions scope disclosure asOf licence",
        EVERYONE.with_exposure(Aggregates),
    ),
    // The pattern of a claim is open to everyone, except what belongs to single groups.
    (
        "Pattern",
        "summary table unknownReasons rateWhen rateOtherwise riskDifference riskRatio oddsRatio \
         conditionalOddsRatio phi pValue cautions scope disclosure asOf licence",
        EVERYONE.with_exposure(Aggregates),
    ),
    ("Pattern", "adjusted groups", MEMBERS.with_exposure(Aggregates)),
    (
        "ContingencyTable",
        "population both whenOnly thenOnly neither unknown whenUnknown thenUnknown",
        EVERYONE.with_exposure(Aggregates),
    ),
    (
        "Proportion",
        "numerator denominator value lower upper",
        EVERYONE.with_exposure(Aggregates),
    ),
    (
        "Estimate",
        "value lower upper",
        EVERYONE.with_exposure(Aggregates),
    ),
    ("Caution", "code text", EVERYONE.with_exposure(Aggregates)),
    (
        "AsOf",
        "changeNumber changedAt",
        EVERYONE.with_exposure(Aggregates),
    ),
    (
        "DisclosureControl",
        "applied suppressed hiddenAsOf",
        EVERYONE.with_exposure(Aggregates),
    ),
    (
        "Suppression",
        "count rule complete",
        EVERYONE.with_exposure(Aggregates),
    ),
    (
        "AdjustedEstimates",
        "oddsRatio riskRatio test homogeneity homogeneitySuppressed groupCount groupsLeftOut \
         initiativesLeftOut oddsRatioGroupsLeftOut oddsRatioInitiativesLeftOut riskRatioGroupsLeftOut \
         riskRatioInitiativesLeftOut",
        MEMBERS.with_exposure(Aggregates),
    ),
    (
        "AdjustedTest",
        "statistic pValue correctedStatistic correctedPValue",
        MEMBERS.with_exposure(Aggregates),
    ),
    (
        "Homogeneity",
        "statistic degrees pValue",
        MEMBERS.with_exposure(Aggregates),
    ),
    (
        "PatternGroupConnection",
        CONNECTION_FIELDS,
        MEMBERS.with_exposure(Aggregates),
    ),
    ("PatternGroupEdge", EDGE_FIELDS, MEMBERS.with_exposure(Aggregates)),
    (
        "PatternGroup",
        "key label place organisation table rateWhen rateOtherwise riskDifference riskRatio oddsRatio \
         phi suppressed",
        MEMBERS.with_exposure(Aggregates),
    ),
    (
        "PatternGrid",
        "rows columns cells population illustrative overlap cautions scope disclosure asOf licence",
        MEMBERS.with_exposure(Aggregates),
    ),
    (
        "GridHeading",
        "key label count place organisation",
        MEMBERS.with_exposure(Aggregates),
    ),
    (
        "GridCell",
        "row column count expected residual suppressed",
        MEMBERS.with_exposure(Aggregates),
    ),
    (
        "SuppressedCell",
        "rule complete",
        EVERYONE.with_exposure(Aggregates),
    ),
    (
        "UnknownReasonCount",
        "reason count suppressed",
        EVERYONE.with_exposure(Aggregates),
    ),
    (
        "Associations",
        "pairs illustrative cautions scope disclosure asOf licence",
        MEMBERS.with_exposure(Aggregates),
    ),
    (
        "Association",
        "when then table rateWhen rateOtherwise riskDifference riskRatio oddsRatio phi pValue qValue \
         cautions suppressed",
        MEMBERS.with_exposure(Aggregates),
    ),
    (
        "EntryPointFlows",
        "flows cautions scope disclosure asOf licence",
        MEMBERS.with_exposure(Aggregates),
    ),
    (
        "EntryPointFlow",
        "perspective from to count illustrative suppressed",
        MEMBERS.with_exposure(Aggregates),
    ),
    (
        "Distribution",
        "bins cautions scope disclosure asOf licence",
        MEMBERS.with_exposure(Aggregates),
    ),
    (
        "DistributionBin",
        "key label count illustrative place organisation suppressed",
        MEMBERS.with_exposure(Aggregates),
    ),
    (
        "Query",
        "submissions submission revisions",
        requires_capability(SubmitRecords).with_exposure(OwnOrganisation),
    ),
    (
        "Query",
        "imports import",
        requires_capability(ImportFiles).with_exposure(OwnOrganisation),
    ),
    (
        "Mutation",
        "importRecords",
        requires_capability(ImportFiles).with_exposure(OwnOrganisation),
    ),
    (
        "ImportRecordsPayload",
        "import problems",
        requires_capability(ImportFiles).with_exposure(OwnOrganisation),
    ),
    (
        "ImportConnection",
        CONNECTION_FIELDS,
        requires_capability(ImportFiles).with_exposure(OwnOrganisation),
    ),
    (
        "ImportEdge",
        EDGE_FIELDS,
        requires_capability(ImportFiles).with_exposure(OwnOrganisation),
    ),
    (
        "Import",
        "id organisation createdBy kind mode fileName format bytes state failureReason notes rowsProcessed draftCount submittedCount \
         publishedCount unchangedCount invalidCount rejectedCount warningCount rows correctionsUrl createdAt updatedAt endedAt \
         expiresAt",
        requires_capability(ImportFiles).with_exposure(OwnOrganisation),
    ),
    (
        "ImportRowConnection",
        CONNECTION_FIELDS,
        requires_capability(ImportFiles).with_exposure(OwnOrganisation),
    ),
    (
        "ImportRowEdge",
        EDGE_FIELDS,
        requires_capability(ImportFiles).with_exposure(OwnOrganisation),
    ),
    (
        "ImportRow",
        "position sheet row column outcome code message path isWarning initiative",
        requires_capability(ImportFiles).with_exposure(OwnOrganisation),
    ),
    (
        "ImportRow",
        "submission",
        requires_capability(SubmitRecords).with_exposure(OwnOrganisation),
    ),
    (
        SUBSCRIPTION_TYPE,
        "initiativePublished",
        MEMBERS.with_exposure(PartlyVisible),
    ),
    (
        SUBSCRIPTION_TYPE,
        "patternChanged",
        MEMBERS.with_exposure(Aggregates),
    ),
    (
        SUBSCRIPTION_TYPE,
        "submissionChanged",
        requires_capability(SubmitRecords).with_exposure(OwnOrganisation),
    ),
    (
        SUBSCRIPTION_TYPE,
        "importProgress",
        requires_capability(ImportFiles).with_exposure(OwnOrganisation),
    ),
    ("Query", "auditEvents", requires_capability(ReadAuditTrail)),
    ("Query", "members tokens", requires_capability(ManageMembers)),
    (
        "Mutation",
        "saveSubmission submitForReview discardSubmission",
        requires_capability(SubmitRecords).with_exposure(OwnOrganisation),
    ),
    (
        "Mutation",
        "requestChanges publishSubmission",
        requires_capability(ReviewSubmissions),
    ),
    (
        "Mutation",
        "withdrawInitiative",
        requires_capability(WithdrawRecords),
    ),
    ("Mutation", "redactText", requires_capability(RedactText)),
    (
        "RedactTextPayload",
        "initiatives revisions submissions auditEvents imports problems",
        requires_capability(RedactText),
    ),
    (
        "Organisation",
        "autoPublish version",
        requires_capability(ManageReferenceData),
    ),
    ("Place", "version", requires_capability(ManageReferenceData)),
    ("Term", "version", requires_capability(ManageReferenceData)),
    ("Meeting", "version", requires_capability(ManageReferenceData)),
    ("Reflection", "version", requires_capability(ManageReferenceData)),
    ("Crisis", "version", requires_capability(ManageReferenceData)),
    ("Claim", "version", requires_capability(ManageReferenceData)),
    (
        "Mutation",
        "savePlace saveOrganisation mergeOrganisations saveTerm saveMeeting saveReflection saveCrisis saveClaim",
        requires_capability(ManageReferenceData),
    ),
    (
        "Mutation",
        "saveMember revokeMember issueToken revokeToken",
        requires_capability(ManageMembers),
    ),
    (
        "SaveClaimPayload",
        "claim cleared conflicts problems",
        requires_capability(ManageReferenceData),
    ),
    (
        "SaveMemberPayload",
        "member cleared conflicts problems",
        requires_capability(ManageMembers),
    ),
    (
        "RevokeMemberPayload",
        "member cleared conflicts problems",
        requires_capability(ManageMembers),
    ),
    (
        "MemberConnection",
        CONNECTION_FIELDS,
        requires_capability(ManageMembers),
    ),
    ("MemberEdge", EDGE_FIELDS, requires_capability(ManageMembers)),
    (
        "Member",
        "id version issuer subject role organisation revokedAt createdAt updatedAt",
        requires_capability(ManageMembers),
    ),
    (
        "IssueTokenPayload",
        "token issuedToken problems",
        requires_capability(ManageMembers),
    ),
    (
        "RevokeTokenPayload",
        "issuedToken problems",
        requires_capability(ManageMembers),
    ),
    (
        "IssuedTokenConnection",
        CONNECTION_FIELDS,
        requires_capability(ManageMembers),
    ),
    ("IssuedTokenEdge", EDGE_FIELDS, requires_capability(ManageMembers)),
    (
        "IssuedToken",
        "id member name issuedAt issuedBy expiresAt lastUsedAt revokedAt revokedBy",
        requires_capability(ManageMembers),
    ),
    (
        "SavePlacePayload",
        "place changeNumber cleared conflicts problems",
        requires_capability(ManageReferenceData),
    ),
    (
        "MergeOrganisationsPayload",
        "organisation changeNumber cleared conflicts problems",
        requires_capability(ManageReferenceData),
    ),
    (
        "SaveTermPayload",
        "term cleared conflicts problems",
        requires_capability(ManageReferenceData),
    ),
    (
        "SaveMeetingPayload",
        "meeting cleared conflicts problems",
        requires_capability(ManageReferenceData),
    ),
    (
        "SaveReflectionPayload",
        "reflection cleared conflicts problems",
        requires_capability(ManageReferenceData),
    ),
    (
        "SaveCrisisPayload",
        "crisis changeNumber cleared conflicts problems",
        requires_capability(ManageReferenceData),
    ),
    (
        "SaveOrganisationPayload",
        "organisation changeNumber cleared conflicts problems",
        requires_capability(ManageReferenceData),
    ),
    (
        "SaveSubmissionPayload",
        "submission changeNumber conflicts problems",
        requires_capability(SubmitRecords).with_exposure(OwnOrganisation),
    ),
    (
        "SubmitForReviewPayload",
        "submission changeNumber conflicts problems",
        requires_capability(SubmitRecords).with_exposure(OwnOrganisation),
    ),
    (
        "DiscardSubmissionPayload",
        "submission changeNumber conflicts problems",
        requires_capability(SubmitRecords).with_exposure(OwnOrganisation),
    ),
    (
        "RequestChangesPayload",
        "submission changeNumber conflicts problems",
        requires_capability(ReviewSubmissions),
    ),
    (
        "PublishSubmissionPayload",
        "submission changeNumber conflicts problems",
        requires_capability(ReviewSubmissions),
    ),
    (
        "WithdrawInitiativePayload",
        "revision changeNumber problems",
        requires_capability(WithdrawRecords),
    ),
    ("Problem", "code message path", MEMBERS),
    (
        "FieldChange",
        "path before after",
        MEMBERS.with_exposure(Inherited),
    ),
    (
        "SubmissionConnection",
        CONNECTION_FIELDS,
        requires_capability(SubmitRecords).with_exposure(OwnOrganisation),
    ),
    (
        "SubmissionEdge",
        EDGE_FIELDS,
        requires_capability(SubmitRecords).with_exposure(OwnOrganisation),
    ),
    (
        "Submission",
        "id organisation state version record problems warnings initiative initiativeVersion changes \
         reviewNote createdAt updatedAt submittedAt decidedAt expiresAt",
        requires_capability(SubmitRecords).with_exposure(OwnOrganisation),
    ),
    (
        "RevisionConnection",
        CONNECTION_FIELDS,
        requires_capability(SubmitRecords).with_exposure(OwnOrganisation),
    ),
    (
        "RevisionEdge",
        EDGE_FIELDS,
        requires_capability(SubmitRecords).with_exposure(OwnOrganisation),
    ),
    (
        "Revision",
        "version createdAt actorId reason document changes",
        requires_capability(SubmitRecords).with_exposure(OwnOrganisation),
    ),
    (
        "AuditEventConnection",
        CONNECTION_FIELDS,
        requires_capability(ReadAuditTrail),
    ),
    ("AuditEventEdge", EDGE_FIELDS, requires_capability(ReadAuditTrail)),
    (
        "AuditEvent",
        "id createdAt actor action subjectType subjectId versionBefore versionAfter detail",
        requires_capability(ReadAuditTrail),
    ),
];

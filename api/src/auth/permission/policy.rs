//! The table itself, for reading from top to bottom.

use super::Exposure::{AsItsHolder, Counted, Known, Oneself, OwnOrganisation, OwnPortfolio, Part, Whole};
use super::{Allowed, Row, Rule, SUBSCRIPTION};
use wayin_entity::Capability::{
    self, ImportFiles, ManageMembers, ManageReferenceData, ReadAuditTrail, RedactText, ReviewSubmissions,
    SubmitRecords, WithdrawRecords,
};
use wayin_records::fields::FundingTermField;

#[expect(non_upper_case_globals, reason = "it reads as a word of the table")]
const Everyone: Rule = Rule::of(Allowed::Everyone);
#[expect(non_upper_case_globals, reason = "it reads as a word of the table")]
const Members: Rule = Rule::of(Allowed::Members);

const fn can(capability: Capability) -> Rule {
    Rule::of(Allowed::Can(capability))
}

/// The fields of every connection, and of its edges.
const CONNECTION: &str = "pageInfo edges nodes totalCount";
const EDGE: &str = "cursor node";

/// The table: a type, some of its fields, who may ask for them, and which of it shows.
pub const TABLE: &[Row] = &[
    ("Query", "vocabulary terms claims claim", Everyone),
    ("Query", "places place crises meetings", Members),
    ("Query", "viewer", Members.only(Oneself)),
    ("Query", "node nodes", Members.only(AsItsHolder)),
    ("Query", "organisations organisation", Members.only(Known)),
    ("Query", "initiatives initiative", Members.only(Part)),
    (
        "Query",
        "pattern patternGrid associations entryPointFlows distribution",
        Members.only(Counted),
    ),
    (
        "PageInfo",
        "hasPreviousPage hasNextPage startCursor endCursor",
        Everyone,
    ),
    (
        "Vocabulary",
        "entryPoints perspectives challenges steps reasons conditions changes restrictions \
         reportingFrequencies reportingBases deliveryTimelines missing placeKinds organisationKinds \
         sourceKinds visibilities roles dimensions",
        Everyone,
    ),
    ("VocabularyEntry", "code label definition", Everyone),
    ("TermConnection", CONNECTION, Everyone),
    ("TermEdge", EDGE, Everyone),
    (
        "Term",
        "id slug name definition synonyms usageNote code",
        Everyone,
    ),
    ("ClaimConnection", CONNECTION, Everyone),
    ("ClaimEdge", EDGE, Everyone),
    ("Claim", "id slug statement", Everyone),
    ("Claim", "pattern", Everyone.only(Counted)),
    ("Claim", "reflection", Members),
    // What is asked of the interface itself, rather than of a type that implements it.
    ("Node", "id", Members.only(AsItsHolder)),
    (
        "Viewer",
        "id subject role organisation rateLimit",
        Members.only(Oneself),
    ),
    (
        "RateLimit",
        "capacity remaining restoreRate",
        Members.only(Oneself),
    ),
    ("PlaceConnection", CONNECTION, Members),
    ("PlaceEdge", EDGE, Members),
    ("Place", "id name kind code successor parents children", Members),
    ("Place", "initiatives", Members.only(Part)),
    ("OrganisationConnection", CONNECTION, Members.only(Known)),
    ("OrganisationEdge", EDGE, Members.only(Known)),
    ("Organisation", "initiatives", Members.only(Whole)),
    ("Organisation", "fundingTerms", Members.only(OwnPortfolio)),
    ("Organisation", "id name kind identifier", Members.only(Known)),
    ("InitiativeConnection", CONNECTION, Members.only(Part)),
    ("InitiativeEdge", EDGE, Members.only(Part)),
    (
        "Initiative",
        "id title place isFullyVisible visibility isIllustrative",
        Members.only(Part),
    ),
    ("Initiative", "fundingTerms", Members.only(OwnPortfolio)),
    (
        "Initiative",
        "summary leadOrganisation externalRef startedOn endedOn ongoing sharedWithFunders version \
         publishedAt entryPoints challengesFaced conditionsChanged sources sharing missing",
        Members.only(Whole),
    ),
    (
        "SharingConsent",
        "confirmedBy confirmedOn basis licence",
        Members.only(Whole),
    ),
    (
        "EntryPointTaken",
        "position entryPoint perspective takenOn motivation missing",
        Members.only(Whole),
    ),
    (
        "ChallengeFaced",
        "challenge step reasons note noticedOn perspective missing",
        Members.only(Whole),
    ),
    (
        "ConditionChanged",
        "condition change missing",
        Members.only(Whole),
    ),
    ("MissingAnswer", "field reason", Members.only(AsItsHolder)),
    ("FundingTermConnection", CONNECTION, Members.only(OwnPortfolio)),
    ("FundingTermEdge", EDGE, Members.only(OwnPortfolio)),
    (
        "FundingTerm",
        "id initiative funder missing",
        Members.only(OwnPortfolio),
    ),
    (
        "FundingTerm",
        FundingTermField::ALL_NAMES,
        Members.only(OwnPortfolio),
    ),
    ("Source", "id kind title url datedOn licence", Members.only(Whole)),
    ("CrisisConnection", CONNECTION, Members),
    ("CrisisEdge", EDGE, Members),
    ("Crisis", "id slug name from to places", Members),
    ("MeetingConnection", CONNECTION, Members),
    ("MeetingEdge", EDGE, Members),
    (
        "Meeting",
        "id title theme heldOn registrationUrl reflections",
        Members,
    ),
    (
        "Reflection",
        "id meeting perspective entryPoint challenge place text",
        Members,
    ),
    // A claim's pattern is open to everybody; what belongs to single groups is not.
    (
        "Pattern",
        "summary table unknownReasons rateWhen rateOtherwise riskDifference riskRatio oddsRatio \
         conditionalOddsRatio phi pValue cautions scope disclosure asOf licence",
        Everyone.only(Counted),
    ),
    ("Pattern", "adjusted groups", Members.only(Counted)),
    (
        "ContingencyTable",
        "population both whenOnly thenOnly neither unknown whenUnknown thenUnknown",
        Everyone.only(Counted),
    ),
    (
        "Proportion",
        "numerator denominator value lower upper",
        Everyone.only(Counted),
    ),
    ("Estimate", "value lower upper", Everyone.only(Counted)),
    ("Caution", "code text", Everyone.only(Counted)),
    ("AsOf", "changeNumber changedAt", Everyone.only(Counted)),
    (
        "DisclosureControl",
        "applied suppressed hiddenAsOf",
        Everyone.only(Counted),
    ),
    ("Suppression", "count rule complete", Everyone.only(Counted)),
    (
        "AdjustedEstimates",
        "oddsRatio riskRatio test homogeneity homogeneitySuppressed groupCount groupsLeftOut \
         initiativesLeftOut oddsRatioGroupsLeftOut oddsRatioInitiativesLeftOut riskRatioGroupsLeftOut \
         riskRatioInitiativesLeftOut",
        Members.only(Counted),
    ),
    (
        "AdjustedTest",
        "statistic pValue correctedStatistic correctedPValue",
        Members.only(Counted),
    ),
    ("Homogeneity", "statistic degrees pValue", Members.only(Counted)),
    ("PatternGroupConnection", CONNECTION, Members.only(Counted)),
    ("PatternGroupEdge", EDGE, Members.only(Counted)),
    (
        "PatternGroup",
        "key label place organisation table rateWhen rateOtherwise riskDifference riskRatio oddsRatio \
         phi disclosure",
        Members.only(Counted),
    ),
    (
        "PatternGrid",
        "rows columns cells population illustrative overlap cautions scope disclosure asOf licence",
        Members.only(Counted),
    ),
    (
        "GridHeading",
        "key label count place organisation",
        Members.only(Counted),
    ),
    (
        "GridCell",
        "row column count expected residual suppressed",
        Members.only(Counted),
    ),
    ("SuppressedCell", "rule complete", Everyone.only(Counted)),
    (
        "UnknownReasonCount",
        "reason count suppressed",
        Everyone.only(Counted),
    ),
    (
        "Association",
        "when then table rateWhen rateOtherwise riskDifference riskRatio oddsRatio phi pValue qValue \
         illustrative cautions scope disclosure asOf licence",
        Members.only(Counted),
    ),
    (
        "EntryPointFlow",
        "perspective from to count illustrative cautions scope disclosure asOf licence",
        Members.only(Counted),
    ),
    (
        "DistributionBin",
        "key label count illustrative place organisation cautions scope disclosure asOf licence",
        Members.only(Counted),
    ),
    (
        "Query",
        "submissions submission revisions",
        can(SubmitRecords).only(OwnOrganisation),
    ),
    ("Query", "imports import", can(ImportFiles).only(OwnOrganisation)),
    (
        "Mutation",
        "importRecords",
        can(ImportFiles).only(OwnOrganisation),
    ),
    (
        "ImportRecordsPayload",
        "import userErrors",
        can(ImportFiles).only(OwnOrganisation),
    ),
    (
        "ImportConnection",
        CONNECTION,
        can(ImportFiles).only(OwnOrganisation),
    ),
    ("ImportEdge", EDGE, can(ImportFiles).only(OwnOrganisation)),
    (
        "Import",
        "id organisation createdBy kind mode fileName format bytes state failureReason notes rowsProcessed draftCount submittedCount \
         publishedCount unchangedCount invalidCount rejectedCount warningCount rows correctionsUrl createdAt updatedAt endedAt \
         expiresAt",
        can(ImportFiles).only(OwnOrganisation),
    ),
    (
        "ImportRowConnection",
        CONNECTION,
        can(ImportFiles).only(OwnOrganisation),
    ),
    ("ImportRowEdge", EDGE, can(ImportFiles).only(OwnOrganisation)),
    (
        "ImportRow",
        "position sheet row column outcome code message path isWarning initiative",
        can(ImportFiles).only(OwnOrganisation),
    ),
    (
        "ImportRow",
        "submission",
        can(SubmitRecords).only(OwnOrganisation),
    ),
    (SUBSCRIPTION, "initiativePublished", Members.only(Part)),
    (SUBSCRIPTION, "patternChanged", Members.only(Counted)),
    (
        SUBSCRIPTION,
        "submissionChanged",
        can(SubmitRecords).only(OwnOrganisation),
    ),
    (
        SUBSCRIPTION,
        "importProgress",
        can(ImportFiles).only(OwnOrganisation),
    ),
    ("Query", "auditEvents history", can(ReadAuditTrail)),
    ("Query", "members tokens", can(ManageMembers)),
    (
        "Mutation",
        "saveSubmission submitForReview discardSubmission",
        can(SubmitRecords).only(OwnOrganisation),
    ),
    (
        "Mutation",
        "requestChanges publishSubmission",
        can(ReviewSubmissions),
    ),
    ("Mutation", "withdrawInitiative", can(WithdrawRecords)),
    ("Mutation", "redactText", can(RedactText)),
    (
        "RedactTextPayload",
        "initiatives revisions submissions auditEvents keptVersions imports userErrors",
        can(RedactText),
    ),
    ("Organisation", "autoPublish version", can(ManageReferenceData)),
    ("Place", "version", can(ManageReferenceData)),
    ("Term", "version", can(ManageReferenceData)),
    ("Meeting", "version", can(ManageReferenceData)),
    ("Reflection", "version", can(ManageReferenceData)),
    ("Crisis", "version", can(ManageReferenceData)),
    ("Claim", "version", can(ManageReferenceData)),
    (
        "Mutation",
        "savePlace saveOrganisation mergeOrganisations saveTerm saveMeeting saveReflection saveCrisis saveClaim",
        can(ManageReferenceData),
    ),
    (
        "Mutation",
        "saveMember revokeMember issueToken revokeToken",
        can(ManageMembers),
    ),
    (
        "SaveClaimPayload",
        "claim cleared conflicts userErrors",
        can(ManageReferenceData),
    ),
    (
        "SaveMemberPayload",
        "member cleared conflicts userErrors",
        can(ManageMembers),
    ),
    (
        "RevokeMemberPayload",
        "member cleared conflicts userErrors",
        can(ManageMembers),
    ),
    ("MemberConnection", CONNECTION, can(ManageMembers)),
    ("MemberEdge", EDGE, can(ManageMembers)),
    (
        "Member",
        "id version issuer subject role organisation revokedAt createdAt updatedAt",
        can(ManageMembers),
    ),
    (
        "IssueTokenPayload",
        "token issuedToken userErrors",
        can(ManageMembers),
    ),
    ("RevokeTokenPayload", "issuedToken userErrors", can(ManageMembers)),
    ("IssuedTokenConnection", CONNECTION, can(ManageMembers)),
    ("IssuedTokenEdge", EDGE, can(ManageMembers)),
    (
        "IssuedToken",
        "id member name issuedAt issuedBy expiresAt lastUsedAt revokedAt revokedBy",
        can(ManageMembers),
    ),
    (
        "SavePlacePayload",
        "place changeNumber cleared conflicts userErrors",
        can(ManageReferenceData),
    ),
    (
        "MergeOrganisationsPayload",
        "organisation changeNumber cleared conflicts userErrors",
        can(ManageReferenceData),
    ),
    (
        "SaveTermPayload",
        "term cleared conflicts userErrors",
        can(ManageReferenceData),
    ),
    (
        "SaveMeetingPayload",
        "meeting cleared conflicts userErrors",
        can(ManageReferenceData),
    ),
    (
        "SaveReflectionPayload",
        "reflection cleared conflicts userErrors",
        can(ManageReferenceData),
    ),
    (
        "SaveCrisisPayload",
        "crisis changeNumber cleared conflicts userErrors",
        can(ManageReferenceData),
    ),
    ("KeptRevisionConnection", CONNECTION, can(ReadAuditTrail)),
    ("KeptRevisionEdge", EDGE, can(ReadAuditTrail)),
    (
        "KeptRevision",
        "version createdAt actorId reason document changes",
        can(ReadAuditTrail),
    ),
    (
        "SaveOrganisationPayload",
        "organisation changeNumber cleared conflicts userErrors",
        can(ManageReferenceData),
    ),
    (
        "SaveSubmissionPayload",
        "submission changeNumber conflicts userErrors",
        can(SubmitRecords).only(OwnOrganisation),
    ),
    (
        "SubmitForReviewPayload",
        "submission changeNumber conflicts userErrors",
        can(SubmitRecords).only(OwnOrganisation),
    ),
    (
        "DiscardSubmissionPayload",
        "submission changeNumber conflicts userErrors",
        can(SubmitRecords).only(OwnOrganisation),
    ),
    (
        "RequestChangesPayload",
        "submission changeNumber conflicts userErrors",
        can(ReviewSubmissions),
    ),
    (
        "PublishSubmissionPayload",
        "submission changeNumber conflicts userErrors",
        can(ReviewSubmissions),
    ),
    (
        "WithdrawInitiativePayload",
        "revision changeNumber userErrors",
        can(WithdrawRecords),
    ),
    ("UserError", "code message path", Members),
    ("FieldChange", "path before after", Members.only(AsItsHolder)),
    (
        "SubmissionConnection",
        CONNECTION,
        can(SubmitRecords).only(OwnOrganisation),
    ),
    ("SubmissionEdge", EDGE, can(SubmitRecords).only(OwnOrganisation)),
    (
        "Submission",
        "id organisation state version record problems warnings initiative initiativeVersion changes \
         reviewNote createdAt updatedAt submittedAt decidedAt expiresAt",
        can(SubmitRecords).only(OwnOrganisation),
    ),
    (
        "RevisionConnection",
        CONNECTION,
        can(SubmitRecords).only(OwnOrganisation),
    ),
    ("RevisionEdge", EDGE, can(SubmitRecords).only(OwnOrganisation)),
    (
        "Revision",
        "version createdAt actorId reason record changes",
        can(SubmitRecords).only(OwnOrganisation),
    ),
    ("AuditEventConnection", CONNECTION, can(ReadAuditTrail)),
    ("AuditEventEdge", EDGE, can(ReadAuditTrail)),
    (
        "AuditEvent",
        "id createdAt actor action subjectType subjectId versionBefore versionAfter detail",
        can(ReadAuditTrail),
    ),
];

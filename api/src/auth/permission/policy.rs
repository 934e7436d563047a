//! The policy as one table.

use super::Exposure::{
    Aggregates, FullyVisible, Inherited, KnownOrganisations, Own, OwnOrganisation, OwnPortfolio,
    PartlyVisible,
};
use super::{AccessRequirement, AccessRule, PolicyRow};
use wayin_entity::Capability::{
    self, ImportFiles, ManageMembers, ManageReferenceData, NarrowVisibility, ReadAuditTrail, RedactText,
    ReviewSubmissions, SubmitRecords, WithdrawRecords,
};
use wayin_records::fields::FundingTermField;

const EVERYONE: AccessRule = AccessRule::new(AccessRequirement::Everyone);
const ASKERS: AccessRule = AccessRule::new(AccessRequirement::Askers);
const MEMBERS: AccessRule = AccessRule::new(AccessRequirement::Members);

const fn requires_capability(capability: Capability) -> AccessRule {
    AccessRule::new(AccessRequirement::HasCapability(capability))
}

/// The fields of connections and their edges.
const CONNECTION_FIELDS: &str = "pageInfo edges nodes totalCount";
const EDGE_FIELDS: &str = "cursor node";

// A rule for each group of readers and the objects that they see.
const PUBLIC_AGGREGATES: AccessRule = EVERYONE.with_exposure(Aggregates);
const ASKED_AGGREGATES: AccessRule = ASKERS.with_exposure(Aggregates);
const AGGREGATES: AccessRule = MEMBERS.with_exposure(Aggregates);
const OWN: AccessRule = MEMBERS.with_exposure(Own);
const INHERITED: AccessRule = MEMBERS.with_exposure(Inherited);
const KNOWN_ORGANISATIONS: AccessRule = MEMBERS.with_exposure(KnownOrganisations);
const PARTLY_VISIBLE: AccessRule = MEMBERS.with_exposure(PartlyVisible);
const FULLY_VISIBLE: AccessRule = MEMBERS.with_exposure(FullyVisible);
const OWN_PORTFOLIO: AccessRule = MEMBERS.with_exposure(OwnPortfolio);
const SUBMIT_RECORDS: AccessRule = requires_capability(SubmitRecords).with_exposure(OwnOrganisation);
const IMPORT_FILES: AccessRule = requires_capability(ImportFiles).with_exposure(OwnOrganisation);
const MANAGE_REFERENCE_DATA: AccessRule = requires_capability(ManageReferenceData);
const MANAGE_MEMBERS: AccessRule = requires_capability(ManageMembers);
const REVIEW_SUBMISSIONS: AccessRule = requires_capability(ReviewSubmissions);
const WITHDRAW_RECORDS: AccessRule = requires_capability(WithdrawRecords).with_exposure(OwnOrganisation);
const NARROW_VISIBILITY: AccessRule = requires_capability(NarrowVisibility).with_exposure(OwnOrganisation);
const READ_AUDIT_TRAIL: AccessRule = requires_capability(ReadAuditTrail);

/// Types, their fields, who can read them, and which objects they see.
pub const TABLE: &[PolicyRow] = &[
    ("Query", "vocabulary terms crises claims claim", EVERYONE),
    ("Query", "places place meetings reflections", MEMBERS),
    ("Query", "viewer savedQuestions", OWN),
    ("Query", "node nodes", INHERITED),
    ("Query", "organisations organisation", KNOWN_ORGANISATIONS),
    ("Query", "initiatives initiative", PARTLY_VISIBLE),
    ("Query", "changes", FULLY_VISIBLE),
    (
        "Query",
        "pattern patternGrid associations compare entryPointFlows distribution",
        ASKED_AGGREGATES,
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
    ("Claim", "pattern trend", PUBLIC_AGGREGATES),
    ("Claim", "reflection question", EVERYONE),
    ("ClaimQuestion", "when then among by", EVERYONE),
    // Fields that are selected on the interface, not on a type that implements it.
    ("Node", "id", INHERITED),
    ("Viewer", "id subject role organisation rateLimit", OWN),
    ("RateLimit", "capacity remaining restoreRate", OWN),
    ("PlaceConnection", CONNECTION_FIELDS, MEMBERS),
    ("PlaceEdge", EDGE_FIELDS, MEMBERS),
    ("Place", "id name kind code successor parents children", MEMBERS),
    ("Place", "initiatives", PARTLY_VISIBLE),
    ("OrganisationConnection", CONNECTION_FIELDS, KNOWN_ORGANISATIONS),
    ("OrganisationEdge", EDGE_FIELDS, KNOWN_ORGANISATIONS),
    ("Organisation", "initiatives", FULLY_VISIBLE),
    ("Organisation", "fundingTerms", OWN_PORTFOLIO),
    ("Organisation", "id name kind identifier", KNOWN_ORGANISATIONS),
    ("InitiativeConnection", CONNECTION_FIELDS, PARTLY_VISIBLE),
    ("InitiativeConnection", "asOf", PARTLY_VISIBLE),
    ("InitiativeEdge", EDGE_FIELDS, PARTLY_VISIBLE),
    (
        "Initiative",
        "id title place isFullyVisible visibility isIllustrative",
        PARTLY_VISIBLE,
    ),
    ("Initiative", "fundingTerms", OWN_PORTFOLIO),
    (
        "Initiative",
        "summary leadOrganisation externalRef startedOn endedOn ongoing sharedWithFunders version \
         publishedAt updatedAt entryPoints challengesFaced conditionsChanged sources sharing missing",
        FULLY_VISIBLE,
    ),
    // Also the ids of initiatives that the member could read in full before.
    (
        "InitiativeChanges",
        "changes nextNumber hasMore asOf",
        FULLY_VISIBLE,
    ),
    (
        "InitiativeChange",
        "changeNumber changedAt kind initiativeId initiative",
        FULLY_VISIBLE,
    ),
    (
        "SharingConsent",
        "confirmedBy confirmedOn basis licence",
        FULLY_VISIBLE,
    ),
    (
        "EntryPointTaken",
        "position entryPoint perspective takenOn motivation missing",
        FULLY_VISIBLE,
    ),
    (
        "ChallengeFaced",
        "challenge step reasons note noticedOn perspective missing",
        FULLY_VISIBLE,
    ),
    ("ConditionChanged", "condition change missing", FULLY_VISIBLE),
    ("MissingAnswer", "field reason", INHERITED),
    ("FundingTermConnection", CONNECTION_FIELDS, OWN_PORTFOLIO),
    ("FundingTermEdge", EDGE_FIELDS, OWN_PORTFOLIO),
    ("FundingTerm", "id initiative funder missing", OWN_PORTFOLIO),
    ("FundingTerm", FundingTermField::ALL_NAMES, OWN_PORTFOLIO),
    ("Source", "id kind title url datedOn licence", FULLY_VISIBLE),
    ("CrisisConnection", CONNECTION_FIELDS, EVERYONE),
    ("CrisisEdge", EDGE_FIELDS, EVERYONE),
    ("Crisis", "id slug name from to", EVERYONE),
    // No field of a place can be read without a token.
    ("Crisis", "places", MEMBERS),
    ("MeetingConnection", CONNECTION_FIELDS, MEMBERS),
    ("MeetingEdge", EDGE_FIELDS, MEMBERS),
    (
        "Meeting",
        "id title theme heldOn registrationUrl reflections",
        MEMBERS,
    ),
    ("ReflectionConnection", CONNECTION_FIELDS, MEMBERS),
    ("ReflectionEdge", EDGE_FIELDS, MEMBERS),
    ("Reflection", "id perspective entryPoint challenge text", EVERYONE),
    ("Reflection", "meeting place", MEMBERS),
    // No field returns this interface. The fields of its types have rows of their own.
    (
        "Answer",
        "cautions basis scope disclosure asOf licence",
        PUBLIC_AGGREGATES,
    ),
    // The pattern of a claim is open to everyone, and other questions may be. Places and organisations are not.
    (
        "Pattern",
        "summary conditions verdict visibleVerdict direction basis table visibleTable unknownReasons rateWhen rateOtherwise riskDifference riskRatio oddsRatio \
         conditionalOddsRatio phi pValue cautions scope disclosure asOf licence adjusted groups",
        PUBLIC_AGGREGATES,
    ),
    (
        "ContingencyTable",
        "population both whenOnly thenOnly neither unknown whenUnknown thenUnknown",
        PUBLIC_AGGREGATES,
    ),
    (
        "Proportion",
        "numerator denominator value lower upper",
        PUBLIC_AGGREGATES,
    ),
    ("Estimate", "value lower upper", PUBLIC_AGGREGATES),
    ("Caution", "code text", PUBLIC_AGGREGATES),
    ("AsOf", "changeNumber changedAt", PUBLIC_AGGREGATES),
    (
        "DisclosureControl",
        "applied suppressed hiddenAsOf",
        PUBLIC_AGGREGATES,
    ),
    ("Suppression", "count rule", PUBLIC_AGGREGATES),
    ("PatternConditions", "when then among", PUBLIC_AGGREGATES),
    (
        "PatternSummary",
        "headline basis certainty unknowns where cautions text",
        PUBLIC_AGGREGATES,
    ),
    (
        "AdjustedEstimates",
        "oddsRatio riskRatio test homogeneity homogeneitySuppressed groupCount groupsLeftOut \
         initiativesLeftOut oddsRatioGroupsLeftOut oddsRatioInitiativesLeftOut riskRatioGroupsLeftOut \
         riskRatioInitiativesLeftOut",
        PUBLIC_AGGREGATES,
    ),
    (
        "AdjustedTest",
        "statistic pValue correctedStatistic correctedPValue",
        PUBLIC_AGGREGATES,
    ),
    ("Homogeneity", "statistic degrees pValue", PUBLIC_AGGREGATES),
    ("PatternGroupConnection", CONNECTION_FIELDS, PUBLIC_AGGREGATES),
    ("PatternGroupEdge", EDGE_FIELDS, PUBLIC_AGGREGATES),
    (
        "PatternGroup",
        "key label basis table visibleTable rateWhen rateOtherwise riskDifference riskRatio oddsRatio phi suppressed",
        PUBLIC_AGGREGATES,
    ),
    ("PatternGroup", "place organisation", AGGREGATES),
    (
        "PatternGrid",
        "rows columns cells population visiblePopulation illustrative overlap cautions basis scope disclosure asOf licence",
        ASKED_AGGREGATES,
    ),
    ("GridHeading", "key label count visibleCount", ASKED_AGGREGATES),
    ("GridHeading", "place organisation", AGGREGATES),
    (
        "GridCell",
        "row column count visibleCount expected residual suppressed",
        ASKED_AGGREGATES,
    ),
    (
        "UnknownReasonCount",
        "reason count visibleCount suppressed",
        PUBLIC_AGGREGATES,
    ),
    (
        "Associations",
        "pairs illustrative cautions basis scope disclosure asOf licence",
        ASKED_AGGREGATES,
    ),
    (
        "Association",
        "when then verdict direction basis table visibleTable rateWhen rateOtherwise riskDifference riskRatio oddsRatio phi pValue qValue \
         cautions suppressed",
        ASKED_AGGREGATES,
    ),
    (
        "Comparison",
        "summary groups overlap illustrative cautions basis scope disclosure asOf licence",
        ASKED_AGGREGATES,
    ),
    (
        "ComparedGroup",
        "label verdict visibleVerdict direction basis table visibleTable rate rateOfRest difference cautions suppressed",
        ASKED_AGGREGATES,
    ),
    (
        "ComparisonSummary",
        "headline byGroup certainty cautions text",
        ASKED_AGGREGATES,
    ),
    (
        "EntryPointFlows",
        "flows cautions basis scope disclosure asOf licence",
        ASKED_AGGREGATES,
    ),
    (
        "EntryPointFlow",
        "perspective from to count visibleCount illustrative suppressed",
        ASKED_AGGREGATES,
    ),
    (
        "Distribution",
        "bins cautions basis scope disclosure asOf licence",
        ASKED_AGGREGATES,
    ),
    (
        "DistributionBin",
        "key label count visibleCount illustrative suppressed",
        ASKED_AGGREGATES,
    ),
    ("DistributionBin", "place organisation", AGGREGATES),
    ("Query", "submissions submission revisions", SUBMIT_RECORDS),
    ("Query", "imports import", IMPORT_FILES),
    ("Mutation", "importRecords", IMPORT_FILES),
    ("ImportRecordsPayload", "import problems", IMPORT_FILES),
    ("ImportConnection", CONNECTION_FIELDS, IMPORT_FILES),
    ("ImportEdge", EDGE_FIELDS, IMPORT_FILES),
    (
        "Import",
        "id organisation createdBy kind mode fileName format bytes state failureReason notes rowsProcessed draftCount submittedCount \
         publishedCount unchangedCount invalidCount rejectedCount warningCount rows correctionsUrl createdAt updatedAt endedAt \
         expiresAt",
        IMPORT_FILES,
    ),
    ("ImportRowConnection", CONNECTION_FIELDS, IMPORT_FILES),
    ("ImportRowEdge", EDGE_FIELDS, IMPORT_FILES),
    (
        "ImportRow",
        "position sheet row column outcome code message path isWarning initiative",
        IMPORT_FILES,
    ),
    ("ImportRow", "submission", SUBMIT_RECORDS),
    ("Subscription", "initiativePublished", PARTLY_VISIBLE),
    ("Subscription", "patternChanged", AGGREGATES),
    ("Subscription", "submissionChanged", SUBMIT_RECORDS),
    ("Subscription", "importProgress", IMPORT_FILES),
    ("Query", "auditEvents questionCounts notices", READ_AUDIT_TRAIL),
    ("Query", "members tokens invitations", MANAGE_MEMBERS),
    (
        "Mutation",
        "saveSubmission submitForReview discardSubmission",
        SUBMIT_RECORDS,
    ),
    (
        "Mutation",
        "requestChanges publishSubmission acknowledgeNotice",
        REVIEW_SUBMISSIONS,
    ),
    ("Mutation", "withdrawInitiative", WITHDRAW_RECORDS),
    ("Mutation", "narrowVisibility", NARROW_VISIBILITY),
    ("Mutation", "redactText", requires_capability(RedactText)),
    (
        "RedactTextPayload",
        "initiatives revisions submissions auditEvents imports problems",
        requires_capability(RedactText),
    ),
    ("Organisation", "autoPublish version", MANAGE_REFERENCE_DATA),
    ("Place", "version", MANAGE_REFERENCE_DATA),
    ("Term", "version", MANAGE_REFERENCE_DATA),
    ("Meeting", "version", MANAGE_REFERENCE_DATA),
    ("Reflection", "version", MANAGE_REFERENCE_DATA),
    ("Crisis", "version", MANAGE_REFERENCE_DATA),
    ("Claim", "version", MANAGE_REFERENCE_DATA),
    (
        "Mutation",
        "savePlace saveOrganisation mergeOrganisations saveTerm saveMeeting saveReflection saveCrisis saveClaim",
        MANAGE_REFERENCE_DATA,
    ),
    (
        "Mutation",
        "saveMember revokeMember issueToken revokeToken inviteMember revokeInvitation createSignInLink",
        MANAGE_MEMBERS,
    ),
    (
        "SaveClaimPayload",
        "claim cleared conflicts problems",
        MANAGE_REFERENCE_DATA,
    ),
    (
        "SaveMemberPayload",
        "member cleared conflicts problems",
        MANAGE_MEMBERS,
    ),
    (
        "RevokeMemberPayload",
        "member cleared conflicts problems",
        MANAGE_MEMBERS,
    ),
    ("MemberConnection", CONNECTION_FIELDS, MANAGE_MEMBERS),
    ("MemberEdge", EDGE_FIELDS, MANAGE_MEMBERS),
    (
        "Member",
        "id version issuer subject name role organisation revokedAt createdAt updatedAt",
        MANAGE_MEMBERS,
    ),
    ("IssueTokenPayload", "token issuedToken problems", MANAGE_MEMBERS),
    ("RevokeTokenPayload", "issuedToken problems", MANAGE_MEMBERS),
    ("IssuedTokenConnection", CONNECTION_FIELDS, MANAGE_MEMBERS),
    ("IssuedTokenEdge", EDGE_FIELDS, MANAGE_MEMBERS),
    (
        "IssuedToken",
        "id member name issuedAt issuedBy expiresAt lastUsedAt revokedAt revokedBy",
        MANAGE_MEMBERS,
    ),
    ("InviteMemberPayload", "url invitation problems", MANAGE_MEMBERS),
    ("RevokeInvitationPayload", "invitation problems", MANAGE_MEMBERS),
    (
        "CreateSignInLinkPayload",
        "url expiresAt problems",
        MANAGE_MEMBERS,
    ),
    ("InvitationConnection", CONNECTION_FIELDS, MANAGE_MEMBERS),
    ("InvitationEdge", EDGE_FIELDS, MANAGE_MEMBERS),
    (
        "Invitation",
        "id name role organisation createdAt createdBy expiresAt acceptedAt member revokedAt",
        MANAGE_MEMBERS,
    ),
    (
        "SavePlacePayload",
        "place changeNumber cleared conflicts problems",
        MANAGE_REFERENCE_DATA,
    ),
    (
        "MergeOrganisationsPayload",
        "organisation changeNumber cleared conflicts problems",
        MANAGE_REFERENCE_DATA,
    ),
    (
        "SaveTermPayload",
        "term cleared conflicts problems",
        MANAGE_REFERENCE_DATA,
    ),
    (
        "SaveMeetingPayload",
        "meeting cleared conflicts problems",
        MANAGE_REFERENCE_DATA,
    ),
    (
        "SaveReflectionPayload",
        "reflection cleared conflicts problems",
        MANAGE_REFERENCE_DATA,
    ),
    (
        "SaveCrisisPayload",
        "crisis changeNumber cleared conflicts problems",
        MANAGE_REFERENCE_DATA,
    ),
    (
        "SaveOrganisationPayload",
        "organisation changeNumber cleared conflicts problems",
        MANAGE_REFERENCE_DATA,
    ),
    (
        "SaveSubmissionPayload",
        "submission changeNumber conflicts problems",
        SUBMIT_RECORDS,
    ),
    (
        "SubmitForReviewPayload",
        "submission changeNumber conflicts problems",
        SUBMIT_RECORDS,
    ),
    (
        "DiscardSubmissionPayload",
        "submission changeNumber conflicts problems",
        SUBMIT_RECORDS,
    ),
    (
        "RequestChangesPayload",
        "submission changeNumber conflicts problems",
        REVIEW_SUBMISSIONS,
    ),
    (
        "PublishSubmissionPayload",
        "submission changeNumber conflicts problems",
        REVIEW_SUBMISSIONS,
    ),
    (
        "WithdrawInitiativePayload",
        "revision changeNumber problems",
        WITHDRAW_RECORDS,
    ),
    (
        "NarrowVisibilityPayload",
        "revision changeNumber conflicts problems",
        NARROW_VISIBILITY,
    ),
    ("AcknowledgeNoticePayload", "notice problems", REVIEW_SUBMISSIONS),
    ("Mutation", "saveQuestion deleteSavedQuestion", OWN),
    ("SaveQuestionPayload", "savedQuestion problems", OWN),
    ("DeleteSavedQuestionPayload", "savedQuestion problems", OWN),
    ("SavedQuestionConnection", CONNECTION_FIELDS, OWN),
    ("SavedQuestionEdge", EDGE_FIELDS, OWN),
    ("SavedQuestion", "id name when then among by scope createdAt", OWN),
    ("Mutation", "createExportLink", MEMBERS),
    ("CreateExportLinkPayload", "url expiresAt problems", MEMBERS),
    ("Problem", "code message path", MEMBERS),
    ("FieldChange", "path before after", INHERITED),
    ("SubmissionConnection", CONNECTION_FIELDS, SUBMIT_RECORDS),
    ("SubmissionEdge", EDGE_FIELDS, SUBMIT_RECORDS),
    (
        "Submission",
        "id organisation state version record problems warnings initiative initiativeVersion changes \
         reviewNote createdAt updatedAt submittedAt decidedAt expiresAt",
        SUBMIT_RECORDS,
    ),
    ("RevisionConnection", CONNECTION_FIELDS, SUBMIT_RECORDS),
    ("RevisionEdge", EDGE_FIELDS, SUBMIT_RECORDS),
    (
        "Revision",
        "version createdAt actorId reason document changes",
        SUBMIT_RECORDS,
    ),
    ("AuditEventConnection", CONNECTION_FIELDS, READ_AUDIT_TRAIL),
    ("AuditEventEdge", EDGE_FIELDS, READ_AUDIT_TRAIL),
    (
        "AuditEvent",
        "id createdAt actor action subjectType subjectId versionBefore versionAfter detail",
        READ_AUDIT_TRAIL,
    ),
    ("NoticeConnection", CONNECTION_FIELDS, READ_AUDIT_TRAIL),
    ("NoticeEdge", EDGE_FIELDS, READ_AUDIT_TRAIL),
    (
        "Notice",
        "id event createdAt acknowledgedAt acknowledgedBy",
        READ_AUDIT_TRAIL,
    ),
    (
        "QuestionCount",
        "member questions questionsOnFewHiddenRecords lastAskedOn",
        READ_AUDIT_TRAIL,
    ),
];

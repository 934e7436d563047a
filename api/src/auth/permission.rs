//! The permission table: who may ask for which field, and which of it shows them. It is checked on every
//! field of every query, mutation and subscription, and on every field that a filter, an order, a dimension
//! or a condition of theirs [touches]; a field that it does not name answers nobody. `docs/access.md`
//! [prints](printed) it.
//! Which records show, and how much of them, is [`super::visibility`]'s.

mod check;
pub mod printed;
pub mod touches;

use wayin_entity::Role;

pub use self::check::{Asking, Permissions, Subscribing};

/// Who may ask for a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Everybody, with a token or without.
    Everyone,
    /// Every member.
    Members,
    /// Partners, and stewards.
    Partners,
    /// Whoever sends something in: funders, partners and stewards.
    Senders,
    /// Stewards.
    Stewards,
}

impl Allowed {
    /// The roles that may; none where no member's role matters, as nobody needs to be a member.
    pub const fn roles(self) -> Option<&'static [Role]> {
        match self {
            Self::Everyone => None,
            Self::Members => Some(Role::ALL),
            Self::Partners => Some(&[Role::Partner, Role::Steward]),
            Self::Senders => Some(&[Role::Funder, Role::Partner, Role::Steward]),
            Self::Stewards => Some(&[Role::Steward]),
        }
    }

    /// Those who may, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Everyone => "everybody",
            Self::Members => "members",
            Self::Partners => "partners and stewards",
            Self::Senders => "funders, partners and stewards",
            Self::Stewards => "stewards",
        }
    }
}

/// Which of what a role may ask for shows. What does not show answers null, or is not in the list, as if it
/// were not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shows {
    /// All of it.
    All,
    /// What is about the member who asks.
    Oneself,
    /// What is of the member's own organisation; to stewards everybody's.
    OwnOrganisation,
    /// What is of published records that the member may read whole.
    Whole,
    /// What is of published records that the member may read at least in part.
    Part,
    /// The funding terms of records that the member may read whole, and of all published records those that
    /// the member's own organisation gave.
    OwnPortfolio,
    /// The member's own organisation, and those that a record names which the member may read whole.
    Known,
    /// Figures: records that the member may read whole are counted as they are, and others over `EVERYTHING`
    /// alone, under disclosure control.
    Counted,
    /// What shows of whatever it is in, or is.
    AsItsHolder,
}

impl Shows {
    /// Every condition.
    pub const ALL: [Self; 9] = [
        Self::All,
        Self::Oneself,
        Self::OwnOrganisation,
        Self::Whole,
        Self::Part,
        Self::OwnPortfolio,
        Self::Known,
        Self::Counted,
        Self::AsItsHolder,
    ];

    /// The condition in a few words, as the printed table has it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::All => "all of it",
            Self::Oneself => "your own",
            Self::OwnOrganisation => "own organisation",
            Self::Whole => "records read whole",
            Self::Part => "records read at least in part",
            Self::OwnPortfolio => "records read whole, own portfolio",
            Self::Known => "known organisations",
            Self::Counted => "counted",
            Self::AsItsHolder => "as what holds it",
        }
    }

    /// What the condition means.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::All => "everything that there is",
            Self::Oneself => "what is about the member who asks",
            Self::OwnOrganisation => {
                "what is of the organisation that the member acts for; to stewards everybody's; of imports, those \
                 of a kind that the member's role may send"
            }
            Self::Whole => "what is of published records that the member may read whole",
            Self::Part => {
                "published records that the member may read whole, and those that its organisation funds"
            }
            Self::OwnPortfolio => {
                "the funding terms of published records that the member may read whole, and those that its own \
                 organisation gave to any published record"
            }
            Self::Known => {
                "the organisation that the member acts for, and those that lead or fund a record that the member \
                 may read whole; to stewards all"
            }
            Self::Counted => {
                "figures: records that the member may read whole are counted as they are; all others only over \
                 `EVERYTHING`, under disclosure control"
            }
            Self::AsItsHolder => "what shows of the thing that it is, or is part of",
        }
    }
}

/// What the table says of some fields: who may ask for them, and which of it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Who may ask.
    pub allowed: Allowed,
    /// Which of it shows those who may.
    pub shows: Shows,
}

impl Rule {
    const fn of(allowed: Allowed) -> Self {
        Self {
            allowed,
            shows: Shows::All,
        }
    }

    /// The same, of which no more than this shows.
    #[must_use]
    pub const fn only(self, shows: Shows) -> Self {
        Self { shows, ..self }
    }
}

/// The rules as the table says them: to whom a field is open, all of it unless more is said.
#[expect(non_upper_case_globals, reason = "they are read as the words of the table")]
mod rules {
    use super::{Allowed, Rule};

    pub const Everyone: Rule = Rule::of(Allowed::Everyone);
    pub const Members: Rule = Rule::of(Allowed::Members);
    pub const Partners: Rule = Rule::of(Allowed::Partners);
    pub const Senders: Rule = Rule::of(Allowed::Senders);
    pub const Stewards: Rule = Rule::of(Allowed::Stewards);
}

use Shows::{AsItsHolder, Counted, Known, Oneself, OwnOrganisation, OwnPortfolio, Part, Whole};
use rules::{Everyone, Members, Partners, Senders, Stewards};

/// The root type of subscriptions.
const SUBSCRIPTION: &str = "Subscription";

/// A row of the table: a type, some of its fields, and what holds of them.
pub type Row = (&'static str, &'static [&'static str], Rule);

/// The table: a type, some of its fields, who may ask for them, and which of it shows.
pub const TABLE: &[Row] = &[
    ("Query", &["vocabulary", "terms", "claims", "claim"], Everyone),
    ("Query", &["places", "place", "crises", "meetings"], Members),
    ("Query", &["viewer"], Members.only(Oneself)),
    ("Query", &["node", "nodes"], Members.only(AsItsHolder)),
    ("Query", &["organisations", "organisation"], Members.only(Known)),
    ("Query", &["initiatives", "initiative"], Members.only(Part)),
    (
        "Query",
        &[
            "pattern",
            "patternGrid",
            "associations",
            "entryPointFlows",
            "distribution",
        ],
        Members.only(Counted),
    ),
    (
        "PageInfo",
        &["hasPreviousPage", "hasNextPage", "startCursor", "endCursor"],
        Everyone,
    ),
    (
        "Vocabulary",
        &[
            "entryPoints",
            "perspectives",
            "challenges",
            "steps",
            "reasons",
            "conditions",
            "changes",
            "restrictions",
            "reportingFrequencies",
            "reportingBases",
            "deliveryTimelines",
            "missing",
            "placeKinds",
            "organisationKinds",
            "sourceKinds",
            "visibilities",
            "roles",
            "dimensions",
        ],
        Everyone,
    ),
    ("Code", &["code", "label", "definition"], Everyone),
    (
        "TermConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Everyone,
    ),
    ("TermEdge", &["cursor", "node"], Everyone),
    (
        "Term",
        &[
            "id",
            "slug",
            "word",
            "definition",
            "otherWords",
            "caution",
            "code",
        ],
        Everyone,
    ),
    (
        "ClaimConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Everyone,
    ),
    ("ClaimEdge", &["cursor", "node"], Everyone),
    ("Claim", &["id", "slug", "statement"], Everyone),
    ("Claim", &["pattern"], Everyone.only(Counted)),
    ("Claim", &["reflection"], Members),
    // What is asked of the interface itself, rather than of a type that implements it.
    ("Node", &["id"], Members.only(AsItsHolder)),
    (
        "Viewer",
        &["id", "subject", "role", "organisation", "budget"],
        Members.only(Oneself),
    ),
    (
        "Budget",
        &["capacity", "remaining", "restoresPerSecond"],
        Members.only(Oneself),
    ),
    (
        "PlaceConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Members,
    ),
    ("PlaceEdge", &["cursor", "node"], Members),
    (
        "Place",
        &["id", "name", "kind", "code", "successor", "within", "contains"],
        Members,
    ),
    ("Place", &["initiatives"], Members.only(Part)),
    (
        "OrganisationConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Members.only(Known),
    ),
    ("OrganisationEdge", &["cursor", "node"], Members.only(Known)),
    ("Organisation", &["initiatives"], Members.only(Whole)),
    ("Organisation", &["fundingTerms"], Members.only(OwnPortfolio)),
    (
        "Organisation",
        &["id", "name", "kind", "identifier"],
        Members.only(Known),
    ),
    (
        "InitiativeConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Members.only(Part),
    ),
    ("InitiativeEdge", &["cursor", "node"], Members.only(Part)),
    (
        "Initiative",
        &[
            "id",
            "title",
            "place",
            "readableWhole",
            "visibility",
            "illustrative",
        ],
        Members.only(Part),
    ),
    ("Initiative", &["fundingTerms"], Members.only(OwnPortfolio)),
    (
        "Initiative",
        &[
            "summary",
            "leadOrganisation",
            "externalRef",
            "startedOn",
            "endedOn",
            "ongoing",
            "sharedWithFunders",
            "version",
            "publishedAt",
            "entryPoints",
            "challengesFaced",
            "conditionsChanged",
            "sources",
            "sharing",
            "missing",
        ],
        Members.only(Whole),
    ),
    (
        "Sharing",
        &["confirmedBy", "confirmedOn", "basis", "licence"],
        Members.only(Whole),
    ),
    (
        "EntryPointTaken",
        &[
            "position",
            "entryPoint",
            "perspective",
            "takenOn",
            "motivation",
            "missing",
        ],
        Members.only(Whole),
    ),
    (
        "ChallengeFaced",
        &[
            "challenge",
            "step",
            "reasons",
            "note",
            "noticedOn",
            "perspective",
            "missing",
        ],
        Members.only(Whole),
    ),
    (
        "ConditionChanged",
        &["condition", "change", "missing"],
        Members.only(Whole),
    ),
    ("MissingAnswer", &["field", "because"], Members.only(AsItsHolder)),
    (
        "FundingTermConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Members.only(OwnPortfolio),
    ),
    ("FundingTermEdge", &["cursor", "node"], Members.only(OwnPortfolio)),
    (
        "FundingTerm",
        &[
            "id",
            "initiative",
            "funder",
            "grantIdentifier",
            "programme",
            "currency",
            "amountMinor",
            "awardedOn",
            "startsOn",
            "endsOn",
            "durationMonths",
            "intendedFocus",
            "upfrontResearch",
            "upfrontResearchMonths",
            "collaborationResourced",
            "restriction",
            "reportingFrequency",
            "reportingBasis",
            "deliveryTimeline",
            "renewable",
            "missing",
        ],
        Members.only(OwnPortfolio),
    ),
    (
        "Source",
        &["id", "kind", "title", "url", "datedOn", "licence"],
        Members.only(Whole),
    ),
    (
        "CrisisConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Members,
    ),
    ("CrisisEdge", &["cursor", "node"], Members),
    ("Crisis", &["id", "slug", "name", "from", "to", "places"], Members),
    (
        "MeetingConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Members,
    ),
    ("MeetingEdge", &["cursor", "node"], Members),
    (
        "Meeting",
        &["id", "title", "theme", "heldOn", "registrationUrl", "reflections"],
        Members,
    ),
    (
        "Reflection",
        &[
            "id",
            "meeting",
            "perspective",
            "entryPoint",
            "challenge",
            "place",
            "text",
        ],
        Members,
    ),
    // A claim's pattern is told to everybody; what belongs to single strata is not.
    (
        "Pattern",
        &[
            "reading",
            "table",
            "unknownBecause",
            "rateWhen",
            "rateOtherwise",
            "riskDifference",
            "riskRatio",
            "oddsRatio",
            "conditionalOddsRatio",
            "phi",
            "pValue",
            "cautions",
            "coverage",
            "disclosure",
            "asOf",
            "licence",
        ],
        Everyone.only(Counted),
    ),
    ("Pattern", &["adjusted", "strata"], Members.only(Counted)),
    (
        "CoincidenceTable",
        &[
            "population",
            "both",
            "whenOnly",
            "thenOnly",
            "neither",
            "unknown",
            "whenUnknown",
            "thenUnknown",
        ],
        Everyone.only(Counted),
    ),
    (
        "Proportion",
        &["numerator", "denominator", "value", "lower", "upper"],
        Everyone.only(Counted),
    ),
    ("Estimate", &["value", "lower", "upper"], Everyone.only(Counted)),
    ("Caution", &["code", "text"], Everyone.only(Counted)),
    ("AsOf", &["change", "at"], Everyone.only(Counted)),
    (
        "Disclosure",
        &["controlled", "withheld", "hiddenAsOf"],
        Everyone.only(Counted),
    ),
    (
        "Withheld",
        &["count", "rule", "altogether"],
        Everyone.only(Counted),
    ),
    (
        "AdjustedEstimates",
        &[
            "oddsRatio",
            "riskRatio",
            "test",
            "homogeneity",
            "homogeneityWithheld",
            "strata",
            "strataLeftOut",
            "initiativesLeftOut",
        ],
        Members.only(Counted),
    ),
    (
        "AdjustedTest",
        &["statistic", "pValue", "correctedStatistic", "correctedPValue"],
        Members.only(Counted),
    ),
    (
        "Homogeneity",
        &["statistic", "degrees", "pValue"],
        Members.only(Counted),
    ),
    (
        "StratumConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Members.only(Counted),
    ),
    ("StratumEdge", &["cursor", "node"], Members.only(Counted)),
    (
        "Stratum",
        &[
            "key",
            "label",
            "place",
            "organisation",
            "table",
            "rateWhen",
            "rateOtherwise",
            "riskDifference",
            "riskRatio",
            "oddsRatio",
            "phi",
            "disclosure",
        ],
        Members.only(Counted),
    ),
    (
        "PatternGrid",
        &[
            "rows",
            "columns",
            "cells",
            "population",
            "illustrative",
            "overlap",
            "cautions",
            "coverage",
            "disclosure",
            "asOf",
            "licence",
        ],
        Members.only(Counted),
    ),
    (
        "GridHeading",
        &["key", "label", "count", "place", "organisation"],
        Members.only(Counted),
    ),
    (
        "GridCell",
        &["row", "column", "count", "expected", "residual", "withheld"],
        Members.only(Counted),
    ),
    ("WithheldCell", &["rule", "altogether"], Everyone.only(Counted)),
    (
        "UnknownBecause",
        &["because", "count", "withheld"],
        Everyone.only(Counted),
    ),
    (
        "Association",
        &[
            "when",
            "then",
            "table",
            "rateWhen",
            "rateOtherwise",
            "riskDifference",
            "riskRatio",
            "oddsRatio",
            "phi",
            "pValue",
            "qValue",
            "illustrative",
            "cautions",
            "coverage",
            "disclosure",
            "asOf",
            "licence",
        ],
        Members.only(Counted),
    ),
    (
        "EntryPointFlow",
        &[
            "perspective",
            "from",
            "to",
            "count",
            "illustrative",
            "cautions",
            "coverage",
            "disclosure",
            "asOf",
            "licence",
        ],
        Members.only(Counted),
    ),
    (
        "DistributionBin",
        &[
            "key",
            "label",
            "count",
            "illustrative",
            "place",
            "organisation",
            "cautions",
            "coverage",
            "disclosure",
            "asOf",
            "licence",
        ],
        Members.only(Counted),
    ),
    (
        "Query",
        &["submissions", "submission", "revisions"],
        Partners.only(OwnOrganisation),
    ),
    ("Query", &["imports", "import"], Senders.only(OwnOrganisation)),
    ("Mutation", &["importRecords"], Senders.only(OwnOrganisation)),
    (
        "ImportRecordsPayload",
        &["import", "userErrors"],
        Senders.only(OwnOrganisation),
    ),
    (
        "ImportConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Senders.only(OwnOrganisation),
    ),
    ("ImportEdge", &["cursor", "node"], Senders.only(OwnOrganisation)),
    (
        "Import",
        &[
            "id",
            "organisation",
            "by",
            "kind",
            "as",
            "fileName",
            "format",
            "bytes",
            "state",
            "refusal",
            "rowsDone",
            "drafted",
            "sent",
            "published",
            "unchanged",
            "notRight",
            "refused",
            "warned",
            "rows",
            "toMend",
            "createdAt",
            "updatedAt",
            "endedAt",
            "expiresAt",
        ],
        Senders.only(OwnOrganisation),
    ),
    (
        "ImportRowConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Senders.only(OwnOrganisation),
    ),
    (
        "ImportRowEdge",
        &["cursor", "node"],
        Senders.only(OwnOrganisation),
    ),
    (
        "ImportRow",
        &[
            "position",
            "sheet",
            "row",
            "column",
            "outcome",
            "code",
            "message",
            "path",
            "isWarning",
            "initiative",
        ],
        Senders.only(OwnOrganisation),
    ),
    ("ImportRow", &["submission"], Partners.only(OwnOrganisation)),
    (SUBSCRIPTION, &["initiativePublished"], Members.only(Part)),
    (SUBSCRIPTION, &["patternChanged"], Members.only(Counted)),
    (
        SUBSCRIPTION,
        &["submissionChanged"],
        Partners.only(OwnOrganisation),
    ),
    (SUBSCRIPTION, &["importProgress"], Senders.only(OwnOrganisation)),
    ("Query", &["auditEvents", "history", "members"], Stewards),
    (
        "Mutation",
        &["saveSubmission", "sendSubmission", "discardSubmission"],
        Partners.only(OwnOrganisation),
    ),
    (
        "Mutation",
        &[
            "returnSubmission",
            "publishSubmission",
            "withdrawInitiative",
            "saveOrganisation",
            "redact",
        ],
        Stewards,
    ),
    (
        "RedactPayload",
        &[
            "initiatives",
            "revisions",
            "submissions",
            "auditEvents",
            "keptVersions",
            "imports",
            "userErrors",
        ],
        Stewards,
    ),
    ("Organisation", &["autoPublish", "version"], Stewards),
    ("Place", &["version"], Stewards),
    ("Term", &["version"], Stewards),
    ("Meeting", &["version"], Stewards),
    ("Reflection", &["version"], Stewards),
    ("Crisis", &["version"], Stewards),
    ("Claim", &["version"], Stewards),
    (
        "Mutation",
        &[
            "savePlace",
            "saveTerm",
            "saveMeeting",
            "saveReflection",
            "saveCrisis",
            "saveClaim",
            "saveMember",
            "revokeMember",
            "mergeOrganisations",
        ],
        Stewards,
    ),
    (
        "SaveClaimPayload",
        &["claim", "changedSince", "userErrors"],
        Stewards,
    ),
    (
        "SaveMemberPayload",
        &["member", "changedSince", "userErrors"],
        Stewards,
    ),
    (
        "RevokeMemberPayload",
        &["member", "changedSince", "userErrors"],
        Stewards,
    ),
    (
        "MemberConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Stewards,
    ),
    ("MemberEdge", &["cursor", "node"], Stewards),
    (
        "Member",
        &[
            "id",
            "version",
            "issuer",
            "subject",
            "role",
            "organisation",
            "revokedAt",
            "createdAt",
            "updatedAt",
        ],
        Stewards,
    ),
    ("Query", &["tokens"], Stewards),
    ("Mutation", &["issueToken", "revokeToken"], Stewards),
    (
        "IssueTokenPayload",
        &["token", "issuedToken", "userErrors"],
        Stewards,
    ),
    ("RevokeTokenPayload", &["issuedToken", "userErrors"], Stewards),
    (
        "IssuedTokenConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Stewards,
    ),
    ("IssuedTokenEdge", &["cursor", "node"], Stewards),
    (
        "IssuedToken",
        &[
            "id",
            "member",
            "name",
            "issuedAt",
            "issuedBy",
            "expiresAt",
            "lastUsedAt",
            "revokedAt",
            "revokedBy",
        ],
        Stewards,
    ),
    (
        "SavePlacePayload",
        &["place", "change", "changedSince", "userErrors"],
        Stewards,
    ),
    (
        "MergeOrganisationsPayload",
        &["organisation", "change", "changedSince", "userErrors"],
        Stewards,
    ),
    (
        "SaveTermPayload",
        &["term", "changedSince", "userErrors"],
        Stewards,
    ),
    (
        "SaveMeetingPayload",
        &["meeting", "changedSince", "userErrors"],
        Stewards,
    ),
    (
        "SaveReflectionPayload",
        &["reflection", "changedSince", "userErrors"],
        Stewards,
    ),
    (
        "SaveCrisisPayload",
        &["crisis", "change", "changedSince", "userErrors"],
        Stewards,
    ),
    (
        "KeptRevisionConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Stewards,
    ),
    ("KeptRevisionEdge", &["cursor", "node"], Stewards),
    (
        "KeptRevision",
        &["version", "at", "by", "reason", "document", "changes"],
        Stewards,
    ),
    (
        "SaveOrganisationPayload",
        &["organisation", "change", "changedSince", "userErrors"],
        Stewards,
    ),
    (
        "SaveSubmissionPayload",
        &["submission", "change", "changedSince", "userErrors"],
        Partners.only(OwnOrganisation),
    ),
    (
        "SendSubmissionPayload",
        &["submission", "change", "changedSince", "userErrors"],
        Partners.only(OwnOrganisation),
    ),
    (
        "DiscardSubmissionPayload",
        &["submission", "change", "changedSince", "userErrors"],
        Partners.only(OwnOrganisation),
    ),
    (
        "ReturnSubmissionPayload",
        &["submission", "change", "changedSince", "userErrors"],
        Stewards,
    ),
    (
        "PublishSubmissionPayload",
        &["submission", "change", "changedSince", "userErrors"],
        Stewards,
    ),
    (
        "WithdrawInitiativePayload",
        &["revision", "change", "userErrors"],
        Stewards,
    ),
    ("UserError", &["code", "message", "path"], Members),
    (
        "FieldChange",
        &["path", "before", "after"],
        Members.only(AsItsHolder),
    ),
    (
        "SubmissionConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Partners.only(OwnOrganisation),
    ),
    (
        "SubmissionEdge",
        &["cursor", "node"],
        Partners.only(OwnOrganisation),
    ),
    (
        "Submission",
        &[
            "id",
            "organisation",
            "state",
            "version",
            "record",
            "problems",
            "warnings",
            "initiative",
            "initiativeVersion",
            "changes",
            "reviewNote",
            "createdAt",
            "updatedAt",
            "sentAt",
            "decidedAt",
            "expiresAt",
        ],
        Partners.only(OwnOrganisation),
    ),
    (
        "RevisionConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Partners.only(OwnOrganisation),
    ),
    (
        "RevisionEdge",
        &["cursor", "node"],
        Partners.only(OwnOrganisation),
    ),
    (
        "Revision",
        &["version", "at", "by", "reason", "record", "changes"],
        Partners.only(OwnOrganisation),
    ),
    (
        "AuditEventConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Stewards,
    ),
    ("AuditEventEdge", &["cursor", "node"], Stewards),
    (
        "AuditEvent",
        &[
            "id",
            "at",
            "by",
            "act",
            "subject",
            "subjectId",
            "versionBefore",
            "versionAfter",
            "detail",
        ],
        Stewards,
    ),
];

//! The permission table: who may ask for which field. It is checked on every field
//! of every query, in one place; a field that it does not name answers nobody.
//! Which records show, and how much of them, is [`super::visibility`]'s.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextResolve, ResolveInfo};
use async_graphql::{Context, Guard, QueryPathSegment, ServerResult, Value};

use wayin_entity::Role;

use super::requester::Requester;
use crate::error::Error;

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
    /// Why somebody may not; none where they may.
    fn refuses(self, requester: &Requester) -> Option<Error> {
        let roles: &[Role] = match self {
            Self::Everyone => return None,
            Self::Members => return requester.member().err(),
            Self::Partners => &[Role::Partner, Role::Steward],
            Self::Senders => &[Role::Funder, Role::Partner, Role::Steward],
            Self::Stewards => &[Role::Steward],
        };
        match requester.member() {
            Err(unknown) => Some(unknown),
            Ok(member) if roles.contains(&member.role) => None,
            Ok(member) => Some(Error::Forbidden(format!(
                "this is for {}; your role is {}",
                match self {
                    Self::Stewards => "stewards",
                    Self::Senders => "funders, partners and stewards",
                    _ => "partners and stewards",
                },
                member.role.code()
            ))),
        }
    }
}

use Allowed::{Everyone, Members, Partners, Senders, Stewards};

/// The root type of subscriptions.
const SUBSCRIPTION: &str = "Subscription";

/// The table: a type, some of its fields, and who may ask for them.
pub const TABLE: &[(&str, &[&str], Allowed)] = &[
    ("Query", &["vocabulary", "terms", "claims", "claim"], Everyone),
    (
        "Query",
        &[
            "node",
            "nodes",
            "viewer",
            "places",
            "place",
            "organisations",
            "organisation",
            "initiatives",
            "initiative",
            "crises",
            "meetings",
            "pattern",
            "patternGrid",
            "associations",
            "entryPointFlows",
            "distribution",
        ],
        Members,
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
    ("Claim", &["id", "slug", "statement", "pattern"], Everyone),
    ("Claim", &["reflection"], Members),
    // What is asked of the interface itself, rather than of a type that implements it.
    ("Node", &["id"], Members),
    ("Viewer", &["id", "subject", "role", "organisation"], Members),
    ("Viewer", &["budget"], Members),
    ("Budget", &["capacity", "remaining", "restoresPerSecond"], Members),
    (
        "PlaceConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Members,
    ),
    ("PlaceEdge", &["cursor", "node"], Members),
    (
        "Place",
        &[
            "id",
            "name",
            "kind",
            "code",
            "successor",
            "within",
            "contains",
            "initiatives",
        ],
        Members,
    ),
    (
        "OrganisationConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Members,
    ),
    ("OrganisationEdge", &["cursor", "node"], Members),
    (
        "Organisation",
        &["id", "name", "kind", "identifier", "initiatives", "fundingTerms"],
        Members,
    ),
    (
        "InitiativeConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Members,
    ),
    ("InitiativeEdge", &["cursor", "node"], Members),
    (
        "Initiative",
        &[
            "id",
            "title",
            "place",
            "readableWhole",
            "summary",
            "leadOrganisation",
            "externalRef",
            "startedOn",
            "endedOn",
            "ongoing",
            "visibility",
            "sharedWithFunders",
            "illustrative",
            "version",
            "publishedAt",
            "entryPoints",
            "challengesFaced",
            "conditionsChanged",
            "fundingTerms",
            "sources",
            "sharing",
            "missing",
        ],
        Members,
    ),
    (
        "Sharing",
        &["confirmedBy", "confirmedOn", "basis", "licence"],
        Members,
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
        Members,
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
        Members,
    ),
    ("ConditionChanged", &["condition", "change", "missing"], Members),
    ("MissingAnswer", &["field", "because"], Members),
    (
        "FundingTermConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Members,
    ),
    ("FundingTermEdge", &["cursor", "node"], Members),
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
        Members,
    ),
    (
        "Source",
        &["id", "kind", "title", "url", "datedOn", "licence"],
        Members,
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
        Everyone,
    ),
    ("Pattern", &["adjusted", "strata"], Members),
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
        Everyone,
    ),
    (
        "Proportion",
        &["numerator", "denominator", "value", "lower", "upper"],
        Everyone,
    ),
    ("Estimate", &["value", "lower", "upper"], Everyone),
    ("Caution", &["code", "text"], Everyone),
    ("AsOf", &["change", "at"], Everyone),
    ("Disclosure", &["controlled", "withheld", "hiddenAsOf"], Everyone),
    ("Withheld", &["count", "rule", "altogether"], Everyone),
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
        Members,
    ),
    (
        "AdjustedTest",
        &["statistic", "pValue", "correctedStatistic", "correctedPValue"],
        Members,
    ),
    ("Homogeneity", &["statistic", "degrees", "pValue"], Members),
    (
        "StratumConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Members,
    ),
    ("StratumEdge", &["cursor", "node"], Members),
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
        Members,
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
        Members,
    ),
    (
        "GridHeading",
        &["key", "label", "count", "place", "organisation"],
        Members,
    ),
    (
        "GridCell",
        &["row", "column", "count", "expected", "residual", "withheld"],
        Members,
    ),
    ("WithheldCell", &["rule", "altogether"], Everyone),
    ("UnknownBecause", &["because", "count", "withheld"], Everyone),
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
        Members,
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
        Members,
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
        Members,
    ),
    ("Query", &["submissions", "submission", "revisions"], Partners),
    ("Query", &["imports", "import"], Senders),
    ("Mutation", &["importRecords"], Senders),
    ("ImportRecordsPayload", &["import", "userErrors"], Senders),
    (
        "ImportConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Senders,
    ),
    ("ImportEdge", &["cursor", "node"], Senders),
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
        Senders,
    ),
    (
        "ImportRowConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Senders,
    ),
    ("ImportRowEdge", &["cursor", "node"], Senders),
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
        Senders,
    ),
    ("ImportRow", &["submission"], Partners),
    (SUBSCRIPTION, &["initiativePublished", "patternChanged"], Members),
    (SUBSCRIPTION, &["submissionChanged"], Partners),
    (SUBSCRIPTION, &["importProgress"], Senders),
    ("Query", &["auditEvents", "history", "members"], Stewards),
    (
        "Mutation",
        &["saveSubmission", "sendSubmission", "discardSubmission"],
        Partners,
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
        Partners,
    ),
    (
        "SendSubmissionPayload",
        &["submission", "change", "changedSince", "userErrors"],
        Partners,
    ),
    (
        "DiscardSubmissionPayload",
        &["submission", "change", "changedSince", "userErrors"],
        Partners,
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
    ("FieldChange", &["path", "before", "after"], Members),
    (
        "SubmissionConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Partners,
    ),
    ("SubmissionEdge", &["cursor", "node"], Partners),
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
        Partners,
    ),
    (
        "RevisionConnection",
        &["pageInfo", "edges", "nodes", "totalCount"],
        Partners,
    ),
    ("RevisionEdge", &["cursor", "node"], Partners),
    (
        "Revision",
        &["version", "at", "by", "reason", "record", "changes"],
        Partners,
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

/// Checks a subscription against the [`TABLE`] before anything is followed for it. What it answers is
/// checked field by field, as queries are.
pub struct Subscribing;

impl Guard for Subscribing {
    async fn check(&self, ctx: &Context<'_>) -> async_graphql::Result<()> {
        let name = ctx.field().name();
        let allowed = TABLE
            .iter()
            .find(|(of, fields, _)| *of == SUBSCRIPTION && fields.contains(&name))
            .map(|(_, _, allowed)| *allowed);
        match allowed.map(|allowed| allowed.refuses(ctx.data_unchecked::<Requester>())) {
            Some(None) => Ok(()),
            Some(Some(refused)) => Err(refused.into()),
            None => Err(Error::Forbidden("this field is open to nobody".into()).into()),
        }
    }
}

/// Checks every field of every query against the [`TABLE`].
pub struct Permissions(Arc<HashMap<(&'static str, &'static str), Allowed>>);

impl Default for Permissions {
    fn default() -> Self {
        let fields = TABLE
            .iter()
            .flat_map(|(of, fields, allowed)| fields.iter().map(|field| ((*of, *field), *allowed)));
        Self(Arc::new(fields.collect()))
    }
}

impl ExtensionFactory for Permissions {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self(Arc::clone(&self.0)))
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Permissions {
    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        // Introspection and `__typename` are open to everyone: the schema is published.
        // An item of a list is no field; its own fields are checked in their turn.
        let item = matches!(info.path_node.segment, QueryPathSegment::Index(_));
        if !item && !info.is_for_introspection && !info.name.starts_with("__") {
            // At the root of a subscription the library names the domain's part of the root type.
            let at_root = info.path_node.parent.is_none();
            let of = if at_root && info.parent_type.ends_with(SUBSCRIPTION) {
                SUBSCRIPTION
            } else {
                info.parent_type
            };
            let refused = match self.0.get(&(of, info.name)) {
                Some(allowed) => allowed.refuses(ctx.data_unchecked::<Requester>()),
                None => Some(Error::Forbidden("this field is open to nobody".into())),
            };
            if let Some(error) = refused {
                return Err(async_graphql::Error::from(error).into_server_error(info.field.name.pos));
            }
        }
        next.run(ctx, info).await
    }
}

//! The permission table: who may ask for which field. It is checked on every field
//! of every query, in one place; a field that it does not name answers nobody.
//! Which records show, and how much of them, is [`super::visibility`]'s.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextResolve, ResolveInfo};
use async_graphql::{QueryPathSegment, ServerResult, Value};

use super::requester::Requester;
use crate::error::Error;

/// Who may ask for a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Everybody, with a token or without.
    Everyone,
    /// Every member.
    Members,
}

use Allowed::{Everyone, Members};

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
        &["position", "entryPoint", "perspective", "takenOn", "motivation"],
        Members,
    ),
    (
        "ChallengeFaced",
        &["challenge", "step", "reasons", "note", "noticedOn", "perspective"],
        Members,
    ),
    ("ConditionChanged", &["condition", "change"], Members),
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
    ("WithheldCell", &["rule", "altogether"], Members),
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
];

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
            let refused = match self.0.get(&(info.parent_type, info.name)) {
                Some(Everyone) => None,
                Some(Members) => ctx.data_unchecked::<Requester>().member().err(),
                None => Some(Error::Forbidden("this field is open to nobody".into())),
            };
            if let Some(error) = refused {
                return Err(async_graphql::Error::from(error).into_server_error(info.field.name.pos));
            }
        }
        next.run(ctx, info).await
    }
}

//! The fields of an initiative record, without its lists.

use super::column::{Column, ColumnKind, REFERENCE, REFERENCE_NOTE, REFERENCE_PATH, VERSION_PATH, column};
use crate::record::InitiativeRecord;
use crate::workbook::vocabulary::Vocabulary as V;

fields! {
    /// The fields of an initiative record that may be missing.
    RecordField of InitiativeRecord {
        Summary "summary": |record| record.summary.is_some(),
        Place "place": |record| record.place.is_some(),
        StartedOn "startedOn": |record| record.started_on.is_some(),
        EndedOn "endedOn": |record| record.ended_on.is_some(),
        Ongoing "ongoing": |record| record.ongoing.is_some(),
        EntryPoints "entryPoints": |record| !record.entry_points.is_empty(),
        ChallengesFaced "challengesFaced": |record| !record.challenges_faced.is_empty(),
        ConditionsChanged "conditionsChanged": |record| !record.conditions_changed.is_empty(),
        FundingTerms "fundingTerms": |record| !record.funding_terms.is_empty(),
    }
}

/// The columns of the sheet, in order.
#[rustfmt::skip]
pub const COLUMNS: [Column; 29] = [
    column(REFERENCE, REFERENCE_PATH, ColumnKind::Text, 18, REFERENCE_NOTE),
    column("Title", "title", ColumnKind::Text, 34, "What the initiative is called. Needed; at most 300 characters."),
    column("Summary", "summary", ColumnKind::Text, 50, "What it does, in at most 10,000 characters. Name nobody: no e-mail addresses, telephone numbers or full postcodes.").or_missing_reason(),
    column("Place", "place/name", ColumnKind::Text, 22, "The name of the place that it works in. Where several places have that name, write the place's code instead.").or_missing_reason().or_unknown(),
    column("Place code", "place/code", ColumnKind::Text, 14, "The place's GSS code, such as E08000025. Leave it empty where you have given the name.").or_missing_reason().or_unknown(),
    column("Place id", "place/id", ColumnKind::Text, 14, "The place's id in this base.").export_only(),
    column("Lead organisation", "leadOrganisation/name", ColumnKind::Text, 28, "Who leads it. Leave it empty where that is your own organisation."),
    column("Lead organisation identifier", "leadOrganisation/identifier", ColumnKind::Text, 22, "Its org-id identifier, such as GB-CHC-1164883.").or_unknown(),
    column("Lead organisation kind", "leadOrganisation/kind", ColumnKind::Code(V::OrganisationKind), 22, "What sort of organisation it is.").or_unknown(),
    column("Started on", "startedOn", ColumnKind::Date, 13, "The day it started, as 2021-04-01.").or_missing_reason(),
    column("Ended on", "endedOn", ColumnKind::Date, 13, "The day it ended. Leave it empty where it goes on.").or_missing_reason(),
    column("Goes on", "ongoing", ColumnKind::YesNo, 10, "Yes where it has not ended and goes on.").or_missing_reason(),
    column("Who may read it", "visibility", ColumnKind::Code(V::Visibility), 18, "Open: any member or dashboard. For members: partner sites and funders. Counted only: your own organisation and stewards; everyone else only counts it. Where you write nothing, it is counted only.").or_unknown(),
    column("Funders may read it whole", "sharedWithFunders", ColumnKind::YesNo, 14, "Yes where its funders may read the whole of a record that others only count."),
    column("Made up as an example", "illustrative", ColumnKind::YesNo, 12, "Yes where the record was made up.").export_only(),
    column("Source kind", "source/kind", ColumnKind::Code(V::SourceKind), 20, "Where what you write here comes from. Needed."),
    column("Source title", "source/title", ColumnKind::Text, 28, "What that source is called, such as Yearly return 2021. Needed."),
    column("Source link", "source/url", ColumnKind::Text, 24, "Where it can be read.").or_unknown(),
    column("Source date", "source/datedOn", ColumnKind::Date, 13, "The day that it bears."),
    column("Source licence", "source/licence", ColumnKind::Text, 14, "The licence that the source may be used again under.").or_unknown(),
    column("Sharing confirmed by", "sharing/confirmedBy", ColumnKind::Text, 22, "Who confirmed that the record may be shared: a role, not a person's name.").or_unknown(),
    column("Sharing confirmed on", "sharing/confirmedOn", ColumnKind::Date, 13, "When that was confirmed."),
    column("Why it may be shared", "sharing/basis", ColumnKind::Text, 34, "In your words, such as: the partnership's board agreed on 3 May. Needed when you send the record.").or_unknown(),
    column("Sharing licence", "sharing/licence", ColumnKind::Text, 14, "The licence that others may use the record under, such as CC-BY-4.0. Needed when you send the record.").or_unknown(),
    column("Why no entry points", "missing/entryPoints", ColumnKind::MissingReason, 18, "Where you give no entry points: why not."),
    column("Why no challenges", "missing/challengesFaced", ColumnKind::MissingReason, 18, "Where you give no challenges: why not."),
    column("Why no conditions", "missing/conditionsChanged", ColumnKind::MissingReason, 18, "Where you give no conditions: why not."),
    column("Why no funding terms", "missing/fundingTerms", ColumnKind::MissingReason, 18, "Where you give no funding terms: why not."),
    column("Version", VERSION_PATH, ColumnKind::Whole, 10, "The version of the published record that this row was written from. Leave it as it is: if the record has changed since, the row does not replace it, and the report lists what changed.").export_only(),
];

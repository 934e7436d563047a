//! The GraphQL operations of the pages to send records, and their data.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wayin_entity::{ImportState, SubmissionState};

use crate::pages::operation::PageOperation;
use crate::pages::record::data::{ChangeData, NamedOrganisation, ProblemData};

macro_rules! operations {
    ($($operation:ident: $($file:literal)+;)+) => {$(
        impl PageOperation for $operation {
            const DOCUMENT: &'static str = concat!($(include_str!($file)),+);
        }
    )+};
}

operations! {
    SendOperation: "send.graphql";
    SendRecordOperation: "record.graphql" "submission_form.graphql";
    SaveRecordOperation: "save.graphql" "submission_form.graphql";
    SubmitRecordOperation: "submit.graphql";
    DiscardRecordOperation: "discard.graphql";
    SendPlacesOperation: "places.graphql";
    SendPlaceOperation: "place.graphql";
    SendFunderNamesOperation: "funder_names.graphql";
    SendFunderMatchesOperation: "funder_matches.graphql";
    SendFunderOperation: "funder.graphql";
    SendPublishedOperation: "published.graphql";
    SendLatestOperation: "latest.graphql";
    WithdrawRecordOperation: "withdraw.graphql";
    NarrowRecordOperation: "narrow.graphql";
    SendImportsOperation: "imports.graphql";
    SendImportOperation: "import.graphql";
    SendDraftsOperation: "drafts.graphql";
    SendWorkbookOperation: "upload.graphql";
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct NameData {
    pub name: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct IdData {
    pub id: String,
}

/// A page of a list, with its position.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageData<T> {
    pub nodes: Vec<T>,
    pub page_info: PageInfoData,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CountedPage<T> {
    pub total_count: u32,
    pub nodes: Vec<T>,
    pub page_info: PageInfoData,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageInfoData {
    pub has_next_page: bool,
    pub end_cursor: Option<String>,
}

impl PageInfoData {
    /// The cursor of the next page.
    pub fn next(&self) -> Option<&str> {
        self.end_cursor.as_deref().filter(|_| self.has_next_page)
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct NodeList<T> {
    pub nodes: Vec<T>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct SendOperation {
    pub viewer: ViewerData,
    pub inbox: InboxData,
    pub submissions: CountedPage<ListedSubmission>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<CountedPage<ListedRecord>>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct ViewerData {
    pub organisation: Option<NamedOrganisation>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InboxData {
    pub total_count: u32,
    pub nodes: Vec<ReturnedSubmission>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReturnedSubmission {
    pub id: String,
    pub record: Value,
    pub review_note: Option<String>,
    pub decided_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedSubmission {
    pub id: String,
    pub state: SubmissionState,
    pub record: Value,
    pub updated_at: DateTime<Utc>,
    pub submitted_at: Option<DateTime<Utc>>,
    pub decided_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedRecord {
    pub id: String,
    pub title: String,
    pub visibility: String,
    pub published_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct SendRecordOperation {
    pub submission: Option<SubmissionData>,
}

/// The fragment in `submission_form.graphql`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubmissionData {
    pub id: String,
    pub version: i32,
    pub state: SubmissionState,
    pub record: Value,
    pub review_note: Option<String>,
    pub organisation: NameData,
    pub initiative: Option<CorrectedRecord>,
    pub initiative_version: Option<i32>,
    pub problems: Vec<ProblemData>,
    pub warnings: Vec<ProblemData>,
}

impl SubmissionData {
    /// Whether its record may be changed.
    pub fn is_open(&self) -> bool {
        matches!(
            self.state,
            SubmissionState::Draft | SubmissionState::ChangesRequested
        )
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CorrectedRecord {
    pub id: String,
    pub title: String,
    pub version: Option<i32>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SaveRecordOperation {
    pub save_submission: SavedRecord,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct SavedRecord {
    pub submission: Option<SubmissionData>,
    pub conflicts: Vec<ChangeData>,
    pub problems: Vec<ProblemData>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubmitRecordOperation {
    pub submit_for_review: SubmittedRecord,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct SubmittedRecord {
    pub submission: Option<StateData>,
    pub conflicts: Vec<ChangeData>,
    pub problems: Vec<ProblemData>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct StateData {
    pub id: String,
    pub state: SubmissionState,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscardRecordOperation {
    pub discard_submission: DiscardedRecord,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct DiscardedRecord {
    pub submission: Option<StateData>,
    pub problems: Vec<ProblemData>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct SendPlacesOperation {
    pub places: NodeList<FoundPlace>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct SendPlaceOperation {
    pub place: Option<FoundPlace>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct FoundPlace {
    pub id: String,
    pub code: Option<String>,
    pub name: String,
    pub kind: String,
    pub parents: Vec<NameData>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct SendFunderNamesOperation {
    pub organisations: NodeList<NameData>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct SendFunderMatchesOperation {
    /// Those with the beginnings of all words of a name.
    pub all: NodeList<FoundOrganisation>,
    /// Those with one of them.
    pub any: NodeList<FoundOrganisation>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct SendFunderOperation {
    pub organisation: Option<FoundOrganisation>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct FoundOrganisation {
    pub id: String,
    pub name: String,
    pub identifier: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct SendPublishedOperation {
    pub viewer: ActingViewer,
    pub initiative: Option<PublishedRecord>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct ActingViewer {
    pub organisation: Option<IdData>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PublishedRecord {
    pub id: String,
    pub title: String,
    pub visibility: String,
    pub shared_with_funders: Option<bool>,
    pub version: Option<i32>,
    pub lead_organisation: Option<IdData>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct SendLatestOperation {
    pub revisions: Option<NodeList<LatestRevision>>,
    pub submissions: NodeList<IdData>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct LatestRevision {
    pub version: i32,
    pub document: Value,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WithdrawRecordOperation {
    pub withdraw_initiative: ChangedRecord,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NarrowRecordOperation {
    pub narrow_visibility: ChangedRecord,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedRecord {
    pub change_number: Option<i64>,
    pub problems: Vec<ProblemData>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct SendImportsOperation {
    pub imports: PageData<ListedImport>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedImport {
    pub id: String,
    pub file_name: String,
    pub kind: String,
    pub state: ImportState,
    pub created_at: DateTime<Utc>,
    pub rows_processed: i64,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct SendImportOperation {
    pub import: Option<ImportData>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportData {
    pub id: String,
    pub file_name: String,
    pub mode: String,
    pub state: ImportState,
    pub failure_reason: Option<String>,
    pub notes: Vec<String>,
    pub rows_processed: i64,
    pub draft_count: i64,
    pub submitted_count: i64,
    pub published_count: i64,
    pub unchanged_count: i64,
    pub invalid_count: i64,
    pub rejected_count: i64,
    pub warning_count: i64,
    pub corrections_url: Option<String>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub rows: PageData<ImportRowData>,
}

impl ImportData {
    /// Whether its rows are still being imported.
    pub fn is_running(&self) -> bool {
        matches!(self.state, ImportState::Queued | ImportState::Running)
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportRowData {
    pub position: i64,
    pub sheet: Option<String>,
    pub row: i64,
    pub column: Option<String>,
    pub outcome: String,
    pub message: Option<String>,
    pub is_warning: bool,
    pub submission: Option<StateData>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct SendDraftsOperation {
    pub import: Option<DraftedImport>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct DraftedImport {
    pub rows: PageData<DraftedRow>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct DraftedRow {
    pub submission: Option<StateData>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SendWorkbookOperation {
    pub import_records: StoredImport,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct StoredImport {
    pub import: Option<IdData>,
    pub problems: Vec<ProblemData>,
}

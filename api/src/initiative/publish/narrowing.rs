//! Narrows who may read a published record.

use sea_orm::{ActiveModelTrait, ConnectionTrait, IntoActiveModel};
use wayin_entity::{ChangeKind, ChangeSubject, initiative};

use super::write::{build_revision_row, is_grant_only};
use crate::change_log::{self, ActionContext, ChangeEntry};
use crate::error::{Error, Result};
use crate::store::revisions::find_document;
use crate::store::whole_records::WholeRecords;
use wayin_engine::visibility::Readership;
use wayin_records::record::InitiativeRecord;

/// Gives a published initiative a new version with another readership and the same content. The caller has locked its row,
/// and has checked that the readership is narrower. Returns the versions before and after.
pub async fn narrow_readership(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    before: &initiative::Model,
    to: Readership,
) -> Result<(i32, i32)> {
    let record = InitiativeRecord {
        visibility: to.visibility,
        shared_with_funders: to.shared_with_funders,
        ..load_current_record(db, before).await?
    };
    let row = initiative::Model {
        visibility: to.visibility,
        shared_with_funders: to.shared_with_funders,
        // Otherwise the next import of the grant would rewrite the record, and open it again.
        made_from_grant: is_grant_only(&record),
        version: before.version + 1,
        updated_at: act.now(),
        ..before.clone()
    };
    let document = serde_json::to_value(&record).map_err(|cause| Error::Internal(cause.to_string()))?;
    let versions = (before.version, row.version);
    let revision = build_revision_row(act, row.id, row.version, row.updated_at, document);
    let entry = ChangeEntry::new(ChangeKind::Altered, ChangeSubject::Initiative, row.id);
    revision.into_active_model().insert(db).await?;
    row.into_active_model().reset_all().update(db).await?;
    change_log::append_changes(db, act, &[entry]).await?;
    Ok(versions)
}

/// Loads the record of the newest revision. It names the place and the organisations as they are now, as every
/// new version does.
async fn load_current_record(db: &impl ConnectionTrait, row: &initiative::Model) -> Result<InitiativeRecord> {
    let id = row.id;
    let broken = |reason: String| Error::Internal(format!("initiative {id} cannot be read: {reason}"));
    let document = find_document(db, id, row.version).await?;
    let document = document.ok_or_else(|| broken(format!("it has no revision {}", row.version)))?;
    let mut record: InitiativeRecord =
        serde_json::from_value(document).map_err(|cause| broken(cause.to_string()))?;
    let stored = WholeRecords::load(db, std::slice::from_ref(row)).await?;
    let stored = stored.record(row).map_err(broken)?;
    record.place = stored.place;
    record.lead_organisation = stored.lead_organisation;
    for (term, stored) in record.funding_terms.iter_mut().zip(stored.funding_terms) {
        term.funder = stored.funder;
    }
    Ok(record)
}

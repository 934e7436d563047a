//! Two organisations that turned out to be one: everything that names the one names the other from then on,
//! and what the one was known as still leads there. In the caller's transaction.

pub mod graphql;

use std::collections::{BTreeSet, HashMap, HashSet};

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use serde_json::{Value, json};
use uuid::Uuid;
use wayin_entity::{
    ChangeKind, ChangeSubject, ReferenceKind, funding_term, import, initiative, member, organisation,
    organisation_alias, revision, submission,
};

use crate::change_log::{self, ActionContext, ChangeEntry};
use crate::database::{self, insert_all};
use crate::error::{Error, Result};
use crate::id::NodeKind;
use crate::idempotency::Rejection;
use crate::initiative::publish::disclosure_reference;
use crate::instance::DisclosureKeys;
use crate::organisation::current_document;
use crate::paging::KeysetScan;
use crate::reference_data::{self, CurrentDocument, SavedChange, document};
use crate::store::revisions::load_newest_documents;
use crate::store::whole_records::organisation_reference;
use wayin_records::problem::{ProblemCode, Problems};
use wayin_records::record::InitiativeRecord;

/// How many records are written at once.
const RECORDS_PER_BATCH: usize = 500;
/// How many records that clash are named.
const MAX_REPORTED_CONFLICTS: usize = 50;

/// Two organisations that are one.
#[derive(Clone, Copy, Debug)]
pub struct OrganisationMerge {
    /// The one that stays.
    pub target: Uuid,
    /// The version of it that was looked at.
    pub target_version: Option<i32>,
    /// The one that is merged into it.
    pub source: Uuid,
    /// The version of that.
    pub source_version: Option<i32>,
}

/// What came of merging.
#[derive(Clone, Debug)]
pub struct MergeResult {
    /// The organisation that stays, as it stands now.
    pub target: organisation::Model,
    /// The one that was merged into it, as it stood.
    pub source: organisation::Model,
    /// How many published records were written anew.
    pub initiatives: usize,
    /// How many submissions are the other's now.
    pub submissions: u64,
    /// How many members act for the other now.
    pub members: usize,
}

/// Merges an organisation into another. Records keep their ids; each that stands gets a new version, which
/// names the other. What both lead under the same reference is for a steward to tell apart first.
pub async fn merge_organisations(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    keys: &DisclosureKeys,
    draft: OrganisationMerge,
) -> Result<Result<MergeResult, Rejection>> {
    // Who publishes a record of either meanwhile waits.
    let both = organisation::Entity::find()
        .filter(organisation::Column::Id.is_in([draft.target, draft.source]))
        .order_by_asc(organisation::Column::Id)
        .lock_exclusive()
        .all(db)
        .await?;
    let find = |id: Uuid| both.iter().find(|one| one.id == id).cloned();
    let (keep, merged) = (find(draft.target), find(draft.source));
    let mut refusal = Rejection::default();
    for (path, id, found, version) in [
        ("target", draft.target, &keep, draft.target_version),
        ("source", draft.source, &merged, draft.source_version),
    ] {
        let stands = found.as_ref().map(document::organisation_document);
        let stale = match stands {
            Some(stands) => reference_data::find_version_conflict(db, id, &stands, version).await?,
            None => Some(Rejection::from_problem(
                ProblemCode::NotFound,
                path,
                "there is no such organisation",
            )),
        };
        let Some(stale) = stale else { continue };
        refusal.conflicts.extend(stale.conflicts);
        refusal
            .problems
            .extend(stale.problems.into_iter().map(|mut finding| {
                if finding.path == "version" {
                    finding.path = format!("{path}Version");
                }
                finding
            }));
    }
    let mut found = Problems::default();
    if draft.target == draft.source {
        let reason = "is the organisation that stays";
        found.add_error(ProblemCode::Contradictory, "source", reason);
    } else {
        find_conflicts(db, &mut found, draft).await?;
    }
    refusal.problems.extend(found.errors);
    let (Some(keep), Some(merged), true) = (keep, merged, refusal.problems.is_empty()) else {
        return Ok(Err(refusal));
    };
    let kept = organisation::Model {
        kind: keep.kind.or(merged.kind),
        identifier: keep.identifier.clone().or_else(|| merged.identifier.clone()),
        updated_at: act.now(),
        ..keep.clone()
    };
    let mut entries = vec![
        ChangeEntry::new(ChangeKind::Altered, ChangeSubject::Organisation, kept.id),
        ChangeEntry::new(ChangeKind::Withdrawn, ChangeSubject::Organisation, merged.id),
    ];
    let moved = MergeTransfer {
        keys,
        target: &kept,
        source: &merged,
    };
    let mut altered = moved.rewrite_records(db, act).await?;
    let initiatives = altered.len();
    if disclosure_name(&kept) != disclosure_name(&keep) {
        altered.extend(update_disclosure_keys(db, act, keys, &kept).await?);
    }
    let altered = altered.into_iter();
    entries.extend(altered.map(|id| ChangeEntry::new(ChangeKind::Altered, ChangeSubject::Initiative, id)));
    let (submissions, members) = moved.transfer_remaining(db, act).await?;
    delete_source(db, act, &kept, &merged).await?;
    reference_data::upsert_row(db, true, kept.clone()).await?;
    let mut saves = vec![
        SavedChange {
            subject: ReferenceKind::Organisation,
            id: kept.id,
            before: Some(current_document(&keep)),
            after: document::organisation_document(&kept),
        },
        SavedChange {
            subject: ReferenceKind::Organisation,
            id: merged.id,
            before: Some(current_document(&merged)),
            after: merged_document(&merged, &kept),
        },
    ];
    let count = members.len();
    saves.extend(members);
    reference_data::write_revisions(db, act, saves).await?;
    change_log::append_changes(db, act, &entries).await?;
    Ok(Ok(MergeResult {
        target: kept,
        source: merged,
        initiatives,
        submissions,
        members: count,
    }))
}

/// How an organisation is kept that was merged into another.
fn merged_document(merged: &organisation::Model, kept: &organisation::Model) -> Value {
    let mut document = document::organisation_document(merged);
    document["mergedInto"] = json!(NodeKind::Organisation.encode_id(kept.id));
    document
}

/// Names the records that both lead under the same reference: only one can have it.
async fn find_conflicts(
    db: &impl ConnectionTrait,
    found: &mut Problems,
    draft: OrganisationMerge,
) -> Result<()> {
    let led_by = |id| {
        initiative::Entity::find()
            .filter(initiative::Column::LeadOrganisationId.eq(id))
            .filter(initiative::Column::ExternalRef.is_not_null())
            .select_only()
            .columns([initiative::Column::ExternalRef, initiative::Column::Id])
            .into_tuple::<(String, Uuid)>()
    };
    let ours: HashMap<String, Uuid> = led_by(draft.target).all(db).await?.into_iter().collect();
    let mut both: Vec<(String, Uuid, Uuid)> = led_by(draft.source)
        .all(db)
        .await?
        .into_iter()
        .filter_map(|(reference, id)| ours.get(&reference).map(|own| (reference, *own, id)))
        .collect();
    both.sort();
    for (reference, own, other) in both.iter().take(MAX_REPORTED_CONFLICTS) {
        let reason = format!(
            "both lead a record with the externalRef {reference}, {} and {}: publish one of them under another first",
            NodeKind::Initiative.encode_id(*own),
            NodeKind::Initiative.encode_id(*other),
        );
        found.add_error(ProblemCode::Conflict, "source", reason);
    }
    if both.len() > MAX_REPORTED_CONFLICTS {
        let reason = format!("and {} more of such records", both.len() - MAX_REPORTED_CONFLICTS);
        found.add_error(ProblemCode::Conflict, "source", reason);
    }
    Ok(())
}

/// What tells an organisation from others, in the keys of the records that it leads.
pub fn disclosure_name(organisation: &organisation::Model) -> &str {
    organisation.identifier.as_deref().unwrap_or(&organisation.name)
}

/// Gives the records that stand of an organisation which is known by something else from now on the keys that
/// their next publication would give them. Answers which they are.
pub async fn update_disclosure_keys(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    keys: &DisclosureKeys,
    organisation: &organisation::Model,
) -> Result<Vec<Uuid>> {
    let led = initiative::Entity::find()
        .filter(initiative::Column::LeadOrganisationId.eq(organisation.id))
        .filter(initiative::Column::WithdrawnAt.is_null());
    let mut walk = KeysetScan::new(led, initiative::Column::Id, RECORDS_PER_BATCH as u64);
    let mut given = Vec::new();
    while let Some(ids) = walk.next_ids(db).await? {
        let mut rows = Vec::with_capacity(ids.len());
        for (row, record) in load_published_records(db, &ids).await? {
            rows.push(initiative::Model {
                disclosure_key: keys
                    .derive_key(disclosure_name(organisation), disclosure_reference(&record))?,
                ..row
            });
        }
        rewrite_initiatives(db, act, rows).await?;
        given.extend(ids);
    }
    Ok(given)
}

/// Writes records over those that are there, with another version or another key.
async fn rewrite_initiatives(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    mut rows: Vec<initiative::Model>,
) -> Result<()> {
    use initiative::Column;
    rows.iter_mut().for_each(|row| row.updated_at = act.now());
    let written = [Column::Version, Column::DisclosureKey, Column::UpdatedAt];
    Ok(database::upsert::<initiative::Entity>(db, rows, &written).await?)
}

/// Has the keys of an organisation's records follow what it is known by, where a save has changed that, with
/// the log.
pub async fn update_keys_after_save(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    before: &organisation::Model,
    after: &organisation::Model,
) -> Result<()> {
    if disclosure_name(before) == disclosure_name(after) {
        return Ok(());
    }
    let keys = DisclosureKeys::load(db).await?;
    let given = update_disclosure_keys(db, act, &keys, after).await?.into_iter();
    let entry = |id| ChangeEntry::new(ChangeKind::Altered, ChangeSubject::Initiative, id);
    change_log::append_changes(db, act, &given.map(entry).collect::<Vec<_>>()).await?;
    Ok(())
}

/// What the one organisation leaves to the other.
struct MergeTransfer<'a> {
    keys: &'a DisclosureKeys,
    target: &'a organisation::Model,
    source: &'a organisation::Model,
}

impl MergeTransfer<'_> {
    /// Has the records that the one leads or funds name the other, each in a new version. Answers those that stand.
    async fn rewrite_records(
        &self,
        db: &impl ConnectionTrait,
        act: &ActionContext<'_>,
    ) -> Result<BTreeSet<Uuid>> {
        let (merged, kept) = (self.source.id, self.target.id);
        let led: HashSet<Uuid> = initiative::Entity::find()
            .filter(initiative::Column::LeadOrganisationId.eq(merged))
            .select_only()
            .column(initiative::Column::Id)
            .into_tuple()
            .all(db)
            .await?
            .into_iter()
            .collect();
        let mut funded: HashMap<Uuid, Vec<i32>> = HashMap::new();
        let terms: Vec<(Uuid, i32)> = funding_term::Entity::find()
            .filter(funding_term::Column::FunderId.eq(merged))
            .select_only()
            .columns([funding_term::Column::InitiativeId, funding_term::Column::Position])
            .into_tuple()
            .all(db)
            .await?;
        for (id, position) in terms {
            funded.entry(id).or_default().push(position);
        }
        let concerned: BTreeSet<Uuid> = led.iter().chain(funded.keys()).copied().collect();
        let concerned: Vec<Uuid> = concerned.into_iter().collect();
        let mut standing = BTreeSet::new();
        for ids in concerned.chunks(RECORDS_PER_BATCH) {
            standing.extend(self.rewrite_batch(db, act, ids, &led, &funded).await?);
        }
        // Those that were withdrawn too: sent in anew, they are known again.
        initiative::Entity::update_many()
            .col_expr(initiative::Column::LeadOrganisationId, Expr::value(kept))
            .filter(initiative::Column::LeadOrganisationId.eq(merged))
            .exec(db)
            .await?;
        funding_term::Entity::update_many()
            .col_expr(funding_term::Column::FunderId, Expr::value(kept))
            .col_expr(funding_term::Column::UpdatedAt, Expr::value(act.now()))
            .filter(funding_term::Column::FunderId.eq(merged))
            .exec(db)
            .await?;
        Ok(standing)
    }

    async fn rewrite_batch(
        &self,
        db: &impl ConnectionTrait,
        act: &ActionContext<'_>,
        ids: &[Uuid],
        led: &HashSet<Uuid>,
        funded: &HashMap<Uuid, Vec<i32>>,
    ) -> Result<Vec<Uuid>> {
        let mut revisions = Vec::with_capacity(ids.len());
        let mut rows = Vec::with_capacity(ids.len());
        for (row, mut record) in load_published_records(db, ids).await? {
            let leads = led.contains(&row.id);
            if leads {
                record.lead_organisation = organisation_reference(self.target);
            }
            for position in funded.get(&row.id).into_iter().flatten() {
                let at = usize::try_from(position - 1).ok();
                if let Some(term) = at.and_then(|at| record.funding_terms.get_mut(at)) {
                    term.funder = organisation_reference(self.target);
                }
            }
            let version = row.version + 1;
            let document =
                serde_json::to_value(&record).map_err(|cause| Error::Internal(cause.to_string()))?;
            revisions.push(
                revision::Model {
                    id: act.clock.new_id(),
                    initiative_id: row.id,
                    version,
                    document,
                    member_id: act.member,
                    reason: format!("organisations merged: {}", act.reason),
                    created_at: act.now(),
                    updated_at: act.now(),
                }
                .into_active_model(),
            );
            let disclosure_key = if leads {
                self.keys
                    .derive_key(disclosure_name(self.target), disclosure_reference(&record))?
            } else {
                row.disclosure_key
            };
            rows.push(initiative::Model {
                version,
                disclosure_key,
                ..row
            });
        }
        let written = rows.iter().map(|row| row.id).collect();
        rewrite_initiatives(db, act, rows).await?;
        insert_all(db, revisions).await?;
        Ok(written)
    }

    /// Moves submissions, imports and members. Answers how many submissions, and the saves of the members.
    async fn transfer_remaining(
        &self,
        db: &impl ConnectionTrait,
        act: &ActionContext<'_>,
    ) -> Result<(u64, Vec<SavedChange>)> {
        let moved = submission::Entity::update_many()
            .col_expr(submission::Column::OrganisationId, Expr::value(self.target.id))
            .filter(submission::Column::OrganisationId.eq(self.source.id))
            .exec(db)
            .await?;
        import::Entity::update_many()
            .col_expr(import::Column::OrganisationId, Expr::value(self.target.id))
            .filter(import::Column::OrganisationId.eq(self.source.id))
            .exec(db)
            .await?;
        let mut saves = Vec::new();
        for before in member::Entity::find()
            .filter(member::Column::OrganisationId.eq(self.source.id))
            .order_by_asc(member::Column::Id)
            .lock_exclusive()
            .all(db)
            .await?
        {
            let after = member::Model {
                organisation_id: Some(self.target.id),
                updated_at: act.now(),
                ..before.clone()
            };
            saves.push(SavedChange {
                subject: ReferenceKind::Member,
                id: after.id,
                before: Some(CurrentDocument::new(
                    document::member_document(&before),
                    before.updated_at,
                )),
                after: document::member_document(&after),
            });
            reference_data::upsert_row(db, true, after).await?;
        }
        Ok((moved.rows_affected, saves))
    }
}

/// Those of some initiatives that stand, each with its record.
async fn load_published_records(
    db: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<Vec<(initiative::Model, InitiativeRecord)>> {
    let rows = initiative::Entity::find()
        .filter(initiative::Column::Id.is_in(ids.iter().copied()))
        .filter(initiative::Column::WithdrawnAt.is_null())
        .order_by_asc(initiative::Column::Id)
        .all(db)
        .await?;
    let mut documents = load_newest_documents(db, rows.iter().map(|row| row.id)).await?;
    rows.into_iter()
        .map(|row| {
            let document = documents.remove(&row.id).unwrap_or_default();
            let record = serde_json::from_value(document)
                .map_err(|cause| Error::Internal(format!("revision of {}: {cause}", row.id)))?;
            Ok((row, record))
        })
        .collect()
}

/// Takes the row of the one that was merged out, and remembers what it was known as. What led to it leads on.
async fn delete_source(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    kept: &organisation::Model,
    merged: &organisation::Model,
) -> Result<()> {
    organisation_alias::Entity::update_many()
        .col_expr(organisation_alias::Column::OrganisationId, Expr::value(kept.id))
        .col_expr(organisation_alias::Column::UpdatedAt, Expr::value(act.now()))
        .filter(organisation_alias::Column::OrganisationId.eq(merged.id))
        .exec(db)
        .await?;
    let former = organisation_alias::Model {
        id: merged.id,
        organisation_id: kept.id,
        name: merged.name.clone(),
        name_folded: merged.name_folded.clone(),
        identifier: merged.identifier.clone(),
        created_at: act.now(),
        updated_at: act.now(),
    };
    reference_data::upsert_row(db, false, former).await?;
    organisation::Entity::delete_by_id(merged.id).exec(db).await?;
    Ok(())
}

//! Merges two organisations, in the caller's transaction. Everything that named the source names the target,
//! and the source's names and identifiers become aliases.

pub mod graphql;

use std::collections::{BTreeSet, HashMap, HashSet};

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use serde_json::{Value, json};
use uuid::Uuid;
use wayin_entity::{
    ChangeKind, ChangeSubject, ReferenceKind, funding_term, import, initiative, invitation, member,
    organisation, organisation_alias, revision, submission,
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

const RECORDS_PER_BATCH: usize = 500;
const MAX_REPORTED_CONFLICTS: usize = 50;

#[derive(Clone, Copy, Debug)]
pub struct OrganisationMerge {
    pub target: Uuid,
    /// The version of the target that the decision is based on.
    pub target_version: Option<i32>,
    pub source: Uuid,
    /// The version of the source that the decision is based on.
    pub source_version: Option<i32>,
}

#[derive(Clone, Debug)]
pub struct MergeResult {
    pub target: organisation::Model,
    /// The source as it was before.
    pub source: organisation::Model,
    /// The number of published records with a new version.
    pub initiatives: usize,
    /// The number of submissions that moved to the target.
    pub submissions: u64,
    /// The number of members that moved to the target.
    pub members: usize,
}

/// Merges an organisation into another. Records keep their ids. Each published one gets a new version that
/// names the target. Fails if both lead a record with the same reference: a steward has to change one first.
pub async fn merge_organisations(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    keys: &DisclosureKeys,
    draft: OrganisationMerge,
) -> Result<Result<MergeResult, Rejection>> {
    // Locks both rows: publications of their records wait.
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
        let current = found.as_ref().map(document::organisation_document);
        let stale = match current {
            Some(current) => reference_data::find_version_conflict(db, id, &current, version).await?,
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
            .extend(stale.problems.into_iter().map(|mut problem| {
                if problem.path == "version" {
                    problem.path = format!("{path}Version");
                }
                problem
            }));
    }
    let mut found = Problems::default();
    if draft.target == draft.source {
        let reason = "is the target itself";
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

/// The document of a merged organisation.
fn merged_document(merged: &organisation::Model, kept: &organisation::Model) -> Value {
    let mut document = document::organisation_document(merged);
    document["mergedInto"] = json!(NodeKind::Organisation.encode_id(kept.id));
    document
}

/// Finds records of both organisations with the same reference, which must be unique.
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
            "both lead a record with the externalRef {reference}, {} and {}: change one of the references first",
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

/// The part of disclosure keys that identifies the lead organisation.
pub fn disclosure_name(organisation: &organisation::Model) -> &str {
    organisation.identifier.as_deref().unwrap_or(&organisation.name)
}

/// Updates the disclosure keys of the published records of an organisation whose identifier or name changed.
/// Returns the changes.
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
                updated_at: act.now(),
                ..row
            });
        }
        rewrite_initiatives(db, rows).await?;
        given.extend(ids);
    }
    Ok(given)
}

/// Updates the version or the disclosure key of existing rows, and when they were last updated.
async fn rewrite_initiatives(db: &impl ConnectionTrait, rows: Vec<initiative::Model>) -> Result<()> {
    use initiative::Column;
    let written = [Column::Version, Column::DisclosureKey, Column::UpdatedAt];
    Ok(database::upsert::<initiative::Entity>(db, rows, &written).await?)
}

/// Updates the disclosure keys after a save that changed the identifier or name, with the log.
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

/// Moves everything from the source to the target.
struct MergeTransfer<'a> {
    keys: &'a DisclosureKeys,
    target: &'a organisation::Model,
    source: &'a organisation::Model,
}

impl MergeTransfer<'_> {
    /// Replaces the source by the target in records, each with a new version. Returns the published ones.
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
        let mut current = BTreeSet::new();
        for ids in concerned.chunks(RECORDS_PER_BATCH) {
            current.extend(self.rewrite_batch(db, act, ids, &led, &funded).await?);
        }
        // Withdrawn records too: if they are submitted again, they are recognised.
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
        Ok(current)
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
            // A revision has the time at which the initiative was last updated.
            let now = act.now();
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
                    created_at: now,
                    updated_at: now,
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
                updated_at: now,
                ..row
            });
        }
        let written = rows.iter().map(|row| row.id).collect();
        rewrite_initiatives(db, rows).await?;
        insert_all(db, revisions).await?;
        Ok(written)
    }

    /// Moves submissions, imports, invitations and members. Returns the number of submissions, and the saved members.
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
        invitation::Entity::update_many()
            .col_expr(invitation::Column::OrganisationId, Expr::value(self.target.id))
            .filter(invitation::Column::OrganisationId.eq(self.source.id))
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

/// Loads published initiatives with their records.
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

/// Deletes the source and stores its aliases. Aliases of the source lead to the target.
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

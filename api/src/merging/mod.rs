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
    ChangeKind, ChangeSubject, KeptSubject, former_organisation, funding_term, import, initiative, member,
    organisation, revision, submission,
};

use crate::base::DisclosureKeys;
use crate::change::{self, Act, Entry};
use crate::database::{self, insert_all};
use crate::error::{Error, Result};
use crate::id::NodeKind;
use crate::initiative::publish::disclosure_reference;
use crate::keeping::{self, Save, Standing, document};
use crate::mutation::Refusal;
use crate::organisation::standing;
use crate::paging::Walk;
use crate::store::revisions::newest_documents;
use crate::store::whole_records::organisation_reference;
use wayin_records::finding::{FindingCode, Findings};
use wayin_records::record::InitiativeRecord;

/// How many records are written at once.
const AT_ONCE: usize = 500;
/// How many records that clash are named.
const CLASHES_NAMED: usize = 50;

/// Two organisations that are one.
#[derive(Clone, Copy, Debug)]
pub struct Draft {
    /// The one that stays.
    pub keep: Uuid,
    /// The version of it that was looked at.
    pub keep_version: Option<i32>,
    /// The one that is merged into it.
    pub merge: Uuid,
    /// The version of that.
    pub merge_version: Option<i32>,
}

/// What came of merging.
#[derive(Clone, Debug)]
pub struct Merged {
    /// The organisation that stays, as it stands now.
    pub kept: organisation::Model,
    /// The one that was merged into it, as it stood.
    pub merged: organisation::Model,
    /// How many published records were written anew.
    pub initiatives: usize,
    /// How many submissions are the other's now.
    pub submissions: u64,
    /// How many members act for the other now.
    pub members: usize,
}

/// Merges an organisation into another. Records keep their ids; each that stands gets a new version, which
/// names the other. What both lead under the same reference is for a steward to tell apart first.
pub async fn merge(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    keys: &DisclosureKeys,
    draft: Draft,
) -> Result<Result<Merged, Refusal>> {
    // Who publishes a record of either meanwhile waits.
    let both = organisation::Entity::find()
        .filter(organisation::Column::Id.is_in([draft.keep, draft.merge]))
        .order_by_asc(organisation::Column::Id)
        .lock_exclusive()
        .all(db)
        .await?;
    let find = |id: Uuid| both.iter().find(|one| one.id == id).cloned();
    let (keep, merged) = (find(draft.keep), find(draft.merge));
    let mut refusal = Refusal::default();
    for (path, id, found, version) in [
        ("target", draft.keep, &keep, draft.keep_version),
        ("source", draft.merge, &merged, draft.merge_version),
    ] {
        let stands = found.as_ref().map(document::of_organisation);
        let stale = match stands {
            Some(stands) => keeping::stale(db, id, &stands, version).await?,
            None => Some(Refusal::of(
                FindingCode::NotFound,
                path,
                "there is no such organisation",
            )),
        };
        let Some(stale) = stale else { continue };
        refusal.conflicts.extend(stale.conflicts);
        refusal
            .findings
            .extend(stale.findings.into_iter().map(|mut finding| {
                if finding.path == "version" {
                    finding.path = format!("{path}Version");
                }
                finding
            }));
    }
    let mut found = Findings::default();
    if draft.keep == draft.merge {
        let reason = "is the organisation that stays";
        found.error(FindingCode::Contradictory, "source", reason);
    } else {
        clashes(db, &mut found, draft).await?;
    }
    refusal.findings.extend(found.errors);
    let (Some(keep), Some(merged), true) = (keep, merged, refusal.findings.is_empty()) else {
        return Ok(Err(refusal));
    };
    let kept = organisation::Model {
        kind: keep.kind.or(merged.kind),
        identifier: keep.identifier.clone().or_else(|| merged.identifier.clone()),
        updated_at: act.now(),
        ..keep.clone()
    };
    let mut entries = vec![
        Entry::new(ChangeKind::Altered, ChangeSubject::Organisation, kept.id),
        Entry::new(ChangeKind::Withdrawn, ChangeSubject::Organisation, merged.id),
    ];
    let moved = Moved {
        keys,
        kept: &kept,
        merged: &merged,
    };
    let mut altered = moved.rewrite(db, act).await?;
    let initiatives = altered.len();
    if known_by(&kept) != known_by(&keep) {
        altered.extend(give_new_keys(db, act, keys, &kept).await?);
    }
    let altered = altered.into_iter();
    entries.extend(altered.map(|id| Entry::new(ChangeKind::Altered, ChangeSubject::Initiative, id)));
    let (submissions, members) = moved.rest(db, act).await?;
    forget(db, act, &kept, &merged).await?;
    keeping::store(db, true, kept.clone()).await?;
    let mut saves = vec![
        Save {
            subject: KeptSubject::Organisation,
            id: kept.id,
            before: Some(standing(&keep)),
            after: document::of_organisation(&kept),
        },
        Save {
            subject: KeptSubject::Organisation,
            id: merged.id,
            before: Some(standing(&merged)),
            after: merged_into(&merged, &kept),
        },
    ];
    let count = members.len();
    saves.extend(members);
    keeping::write(db, act, saves).await?;
    change::append(db, act, &entries).await?;
    Ok(Ok(Merged {
        kept,
        merged,
        initiatives,
        submissions,
        members: count,
    }))
}

/// How an organisation is kept that was merged into another.
fn merged_into(merged: &organisation::Model, kept: &organisation::Model) -> Value {
    let mut document = document::of_organisation(merged);
    document["mergedInto"] = json!(NodeKind::Organisation.id(kept.id));
    document
}

/// Names the records that both lead under the same reference: only one can have it.
async fn clashes(db: &impl ConnectionTrait, found: &mut Findings, draft: Draft) -> Result<()> {
    let led_by = |id| {
        initiative::Entity::find()
            .filter(initiative::Column::LeadOrganisationId.eq(id))
            .filter(initiative::Column::ExternalRef.is_not_null())
            .select_only()
            .columns([initiative::Column::ExternalRef, initiative::Column::Id])
            .into_tuple::<(String, Uuid)>()
    };
    let ours: HashMap<String, Uuid> = led_by(draft.keep).all(db).await?.into_iter().collect();
    let mut both: Vec<(String, Uuid, Uuid)> = led_by(draft.merge)
        .all(db)
        .await?
        .into_iter()
        .filter_map(|(reference, id)| ours.get(&reference).map(|own| (reference, *own, id)))
        .collect();
    both.sort();
    for (reference, own, other) in both.iter().take(CLASHES_NAMED) {
        let reason = format!(
            "both lead a record with the externalRef {reference}, {} and {}: publish one of them under another first",
            NodeKind::Initiative.id(*own),
            NodeKind::Initiative.id(*other),
        );
        found.error(FindingCode::Conflict, "source", reason);
    }
    if both.len() > CLASHES_NAMED {
        let reason = format!("and {} more of such records", both.len() - CLASHES_NAMED);
        found.error(FindingCode::Conflict, "source", reason);
    }
    Ok(())
}

/// What tells an organisation from others, in the keys of the records that it leads.
pub fn known_by(organisation: &organisation::Model) -> &str {
    organisation.identifier.as_deref().unwrap_or(&organisation.name)
}

/// Gives the records that stand of an organisation which is known by something else from now on the keys that
/// their next publication would give them. Answers which they are.
pub async fn give_new_keys(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    keys: &DisclosureKeys,
    organisation: &organisation::Model,
) -> Result<Vec<Uuid>> {
    let led = initiative::Entity::find()
        .filter(initiative::Column::LeadOrganisationId.eq(organisation.id))
        .filter(initiative::Column::WithdrawnAt.is_null());
    let mut walk = Walk::new(led, initiative::Column::Id, AT_ONCE as u64);
    let mut given = Vec::new();
    while let Some(ids) = walk.ids(db).await? {
        let mut rows = Vec::with_capacity(ids.len());
        for (row, record) in standing_records(db, &ids).await? {
            rows.push(initiative::Model {
                disclosure_key: keys.key(known_by(organisation), disclosure_reference(&record))?,
                ..row
            });
        }
        write_anew(db, act, rows).await?;
        given.extend(ids);
    }
    Ok(given)
}

/// Writes records over those that are there, with another version or another key.
async fn write_anew(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    mut rows: Vec<initiative::Model>,
) -> Result<()> {
    use initiative::Column;
    rows.iter_mut().for_each(|row| row.updated_at = act.now());
    let written = [Column::Version, Column::DisclosureKey, Column::UpdatedAt];
    Ok(database::write_over::<initiative::Entity>(db, rows, &written).await?)
}

/// Has the keys of an organisation's records follow what it is known by, where a save has changed that, with
/// the log.
pub async fn follow(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    before: &organisation::Model,
    after: &organisation::Model,
) -> Result<()> {
    if known_by(before) == known_by(after) {
        return Ok(());
    }
    let keys = DisclosureKeys::of(db).await?;
    let given = give_new_keys(db, act, &keys, after).await?.into_iter();
    let entry = |id| Entry::new(ChangeKind::Altered, ChangeSubject::Initiative, id);
    change::append(db, act, &given.map(entry).collect::<Vec<_>>()).await?;
    Ok(())
}

/// What the one organisation leaves to the other.
struct Moved<'a> {
    keys: &'a DisclosureKeys,
    kept: &'a organisation::Model,
    merged: &'a organisation::Model,
}

impl Moved<'_> {
    /// Has the records that the one leads or funds name the other, each in a new version. Answers those that stand.
    async fn rewrite(&self, db: &impl ConnectionTrait, act: &Act<'_>) -> Result<BTreeSet<Uuid>> {
        let (merged, kept) = (self.merged.id, self.kept.id);
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
        for ids in concerned.chunks(AT_ONCE) {
            standing.extend(self.rewrite_these(db, act, ids, &led, &funded).await?);
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

    async fn rewrite_these(
        &self,
        db: &impl ConnectionTrait,
        act: &Act<'_>,
        ids: &[Uuid],
        led: &HashSet<Uuid>,
        funded: &HashMap<Uuid, Vec<i32>>,
    ) -> Result<Vec<Uuid>> {
        let mut revisions = Vec::with_capacity(ids.len());
        let mut rows = Vec::with_capacity(ids.len());
        for (row, mut record) in standing_records(db, ids).await? {
            let leads = led.contains(&row.id);
            if leads {
                record.lead_organisation = organisation_reference(self.kept);
            }
            for position in funded.get(&row.id).into_iter().flatten() {
                let at = usize::try_from(position - 1).ok();
                if let Some(term) = at.and_then(|at| record.funding_terms.get_mut(at)) {
                    term.funder = organisation_reference(self.kept);
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
                    .key(known_by(self.kept), disclosure_reference(&record))?
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
        write_anew(db, act, rows).await?;
        insert_all(db, revisions).await?;
        Ok(written)
    }

    /// Moves submissions, imports and members. Answers how many submissions, and the saves of the members.
    async fn rest(&self, db: &impl ConnectionTrait, act: &Act<'_>) -> Result<(u64, Vec<Save>)> {
        let moved = submission::Entity::update_many()
            .col_expr(submission::Column::OrganisationId, Expr::value(self.kept.id))
            .filter(submission::Column::OrganisationId.eq(self.merged.id))
            .exec(db)
            .await?;
        import::Entity::update_many()
            .col_expr(import::Column::OrganisationId, Expr::value(self.kept.id))
            .filter(import::Column::OrganisationId.eq(self.merged.id))
            .exec(db)
            .await?;
        let mut saves = Vec::new();
        for before in member::Entity::find()
            .filter(member::Column::OrganisationId.eq(self.merged.id))
            .order_by_asc(member::Column::Id)
            .lock_exclusive()
            .all(db)
            .await?
        {
            let after = member::Model {
                organisation_id: Some(self.kept.id),
                updated_at: act.now(),
                ..before.clone()
            };
            saves.push(Save {
                subject: KeptSubject::Member,
                id: after.id,
                before: Some(Standing::new(document::of_member(&before), before.updated_at)),
                after: document::of_member(&after),
            });
            keeping::store(db, true, after).await?;
        }
        Ok((moved.rows_affected, saves))
    }
}

/// Those of some initiatives that stand, each with its record.
async fn standing_records(
    db: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<Vec<(initiative::Model, InitiativeRecord)>> {
    let rows = initiative::Entity::find()
        .filter(initiative::Column::Id.is_in(ids.iter().copied()))
        .filter(initiative::Column::WithdrawnAt.is_null())
        .order_by_asc(initiative::Column::Id)
        .all(db)
        .await?;
    let mut documents = newest_documents(db, rows.iter().map(|row| row.id)).await?;
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
async fn forget(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    kept: &organisation::Model,
    merged: &organisation::Model,
) -> Result<()> {
    former_organisation::Entity::update_many()
        .col_expr(former_organisation::Column::OrganisationId, Expr::value(kept.id))
        .col_expr(former_organisation::Column::UpdatedAt, Expr::value(act.now()))
        .filter(former_organisation::Column::OrganisationId.eq(merged.id))
        .exec(db)
        .await?;
    let former = former_organisation::Model {
        id: merged.id,
        organisation_id: kept.id,
        name: merged.name.clone(),
        name_folded: merged.name_folded.clone(),
        identifier: merged.identifier.clone(),
        created_at: act.now(),
        updated_at: act.now(),
    };
    keeping::store(db, false, former).await?;
    organisation::Entity::delete_by_id(merged.id).exec(db).await?;
    Ok(())
}

//! Loads records into the index: all of them once, and then the changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, StreamTrait,
};
use uuid::Uuid;
use wayin_entity::{ChangeSubject, change, organisation, place, place_parent};

use super::index_rows::{load_all_chunks, load_initiatives};
use crate::database::{IDS_PER_STATEMENT, is_in, is_in_any};
use wayin_engine::index::{
    AsOf, IndexedOrganisation, OrganisationDictionary, PlaceDictionary, Snapshot, StoredPlace,
};
use wayin_records::normalisation::fold_name;

/// The most changes to apply to a snapshot. With more, all records are loaded again.
const MAX_INCREMENTAL_CHANGES: u64 = 20_000;
/// The most gaps in the log's numbers to look up on each read. With more, all records are loaded again.
const MAX_LOG_GAPS: usize = 1_000;

/// Loads all records. `progress` receives the number of rows read so far. Each connection is in a transaction
/// that sees the database at one moment.
pub async fn load_snapshot<C: ConnectionTrait + StreamTrait>(
    [db, second]: [&C; 2],
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Snapshot, DbErr> {
    let as_of = load_newest_change(db).await?;
    // Every change of a record is logged. So if the logs agree, the connections see the same records.
    let second = if load_newest_change(second).await? == as_of {
        second
    } else {
        db
    };
    let places = load_places(db, &PlaceDictionary::default()).await?;
    let mut organisations = OrganisationDictionary::default();
    for row in organisation::Entity::find()
        .order_by_asc(organisation::Column::Id)
        .all(db)
        .await?
    {
        organisations.upsert(to_indexed_organisation(row));
    }
    let mut snapshot = Snapshot {
        chunks: Vec::new(),
        places: Arc::new(places),
        organisations: Arc::new(organisations),
        as_of,
        dictionary_version: as_of.change_number,
    };
    snapshot.chunks = load_all_chunks([db, second], &snapshot, progress).await?;
    Ok(snapshot)
}

/// The result of applying the change log to a snapshot.
pub enum LogUpdate {
    /// The snapshot already includes every change.
    UpToDate,
    /// A new snapshot that includes the changes.
    Updated(Snapshot, ChangeSummary),
    /// The snapshot is from a different log, or the log is too far ahead. All records must be loaded again.
    ReloadRequired,
}

/// The changes that were applied to a snapshot.
#[derive(Debug, Default)]
pub struct ChangeSummary {
    /// Numbers below the newest that are missing from the log: rolled back, or not committed yet.
    pub log_gaps: Vec<i64>,
    /// Everything that was published, changed or withdrawn.
    pub subjects: BTreeSet<Uuid>,
    /// The initiatives among it.
    pub initiatives: Vec<Uuid>,
    /// The releases of classes of hidden records among it.
    pub releases: Vec<Uuid>,
}

/// Applies every change that the snapshot does not include. `holes` are the gaps that earlier reads found. Call it in
/// a transaction that sees the database at one moment: it loads rows as they are at that moment, so it must apply all
/// changes up to then together.
pub async fn load_changes(
    db: &impl ConnectionTrait,
    snapshot: &Snapshot,
    holes: &[i64],
) -> Result<LogUpdate, DbErr> {
    let seen = snapshot.as_of.change_number;
    let Some(changes) = list_changes_since(db, snapshot.as_of, holes).await? else {
        return Ok(LogUpdate::ReloadRequired);
    };
    let Some(last) = changes.last() else {
        return Ok(LogUpdate::UpToDate);
    };
    let mut next = snapshot.clone();
    if last.number > seen {
        next.as_of = AsOf {
            change_number: last.number,
            changed_at: Some(last.created_at),
        };
    }
    let there: BTreeSet<i64> = changes.iter().map(|one| one.number).collect();
    let mut changed = ChangeSummary {
        log_gaps: holes
            .iter()
            .copied()
            .chain(seen + 1..next.as_of.change_number)
            .filter(|number| !there.contains(number))
            .collect(),
        subjects: changes.iter().map(|change| change.subject_id).collect(),
        initiatives: Vec::new(),
        releases: Vec::new(),
    };
    if changed.log_gaps.len() > MAX_LOG_GAPS {
        return Ok(LogUpdate::ReloadRequired);
    }
    let subjects = |subject: ChangeSubject| -> BTreeSet<Uuid> {
        changes
            .iter()
            .filter(|change| change.subject == subject)
            .map(|change| change.subject_id)
            .collect()
    };
    if !subjects(ChangeSubject::Place).is_empty() {
        next.places = Arc::new(load_places(db, &snapshot.places).await?);
        next.dictionary_version = next.as_of.change_number;
    }
    let organisations: Vec<Uuid> = subjects(ChangeSubject::Organisation).into_iter().collect();
    for ids in organisations.chunks(IDS_PER_STATEMENT) {
        let of_base = Arc::make_mut(&mut next.organisations);
        let these = is_in(db, organisation::Column::Id.into_expr(), ids.iter().copied());
        for row in organisation::Entity::find().filter(these).all(db).await? {
            of_base.upsert(to_indexed_organisation(row));
        }
        next.dictionary_version = next.as_of.change_number;
    }
    let initiatives: Vec<Uuid> = subjects(ChangeSubject::Initiative).into_iter().collect();
    for ids in initiatives.chunks(IDS_PER_STATEMENT) {
        let rows = Box::pin(load_initiatives(db, &next, ids)).await?;
        let published: BTreeSet<Uuid> = rows.iter().map(|row| row.id).collect();
        let gone = ids.iter().copied().filter(|id| !published.contains(id)).collect();
        next.apply(rows, gone);
    }
    changed.initiatives = initiatives;
    changed.releases = subjects(ChangeSubject::DisclosureRelease).into_iter().collect();
    Ok(LogUpdate::Updated(next, changed))
}

/// The changes after one of them, and those that have filled the holes. None if the log is a different one, or has very many
/// newer changes.
pub async fn list_changes_since(
    db: &impl ConnectionTrait,
    since: AsOf,
    holes: &[i64],
) -> Result<Option<Vec<change::Model>>, DbErr> {
    let seen = since.change_number;
    let in_order = change::Entity::find()
        .order_by_asc(change::Column::Number)
        .limit(MAX_INCREMENTAL_CHANGES + 1);
    // A separate statement: in one with the newer changes, the database would search the whole log for them.
    let mut found = match is_in_any(db, change::Column::Number.into_expr(), holes.iter().copied()) {
        Some(filled) => in_order.clone().filter(filled).all(db).await?,
        None => Vec::new(),
    };
    // Includes the change that is known. If it is missing, this is a different log.
    let newer = in_order.filter(change::Column::Number.gte(seen));
    found.extend(newer.all(db).await?);
    let is_known = |one: &change::Model| one.number == seen && Some(one.created_at) == since.changed_at;
    if seen != 0 && !found.iter().any(is_known) || found.len() as u64 > MAX_INCREMENTAL_CHANGES {
        return Ok(None);
    }
    found.retain(|one| one.number != seen);
    Ok(Some(found))
}

/// Loads the number and the time of the newest change. The default if the log is empty.
pub async fn load_newest_change(db: &impl ConnectionTrait) -> Result<AsOf, DbErr> {
    let newest = change::Entity::find()
        .order_by_desc(change::Column::Number)
        .one(db)
        .await?;
    Ok(newest.map_or_else(AsOf::default, |change| AsOf {
        change_number: change.number,
        changed_at: Some(change.created_at),
    }))
}

async fn load_places(db: &impl ConnectionTrait, before: &PlaceDictionary) -> Result<PlaceDictionary, DbErr> {
    let places = place::Entity::find()
        .order_by_asc(place::Column::Id)
        .all(db)
        .await?;
    // In one order on every server: the first region of a place describes it.
    let within = place_parent::Entity::find()
        .order_by_asc(place_parent::Column::PlaceId)
        .order_by_asc(place_parent::Column::ParentId)
        .all(db)
        .await?;
    let places: Vec<StoredPlace> = places
        .into_iter()
        .map(|place| StoredPlace {
            id: place.id,
            name: place.name,
            kind: place.kind,
            successor_id: place.successor_id,
        })
        .collect();
    let parents: Vec<(Uuid, Uuid)> = within
        .iter()
        .map(|link| (link.place_id, link.parent_id))
        .collect();
    Ok(PlaceDictionary::build(before, &places, &parents))
}

fn to_indexed_organisation(row: organisation::Model) -> IndexedOrganisation {
    IndexedOrganisation {
        id: row.id,
        name: row.name,
        name_folded: row.name_folded,
        identifier_folded: row.identifier.as_deref().map(fold_name),
        kind: row.kind,
    }
}

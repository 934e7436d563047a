//! Reads the base into the index: all of it once, then what changed.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::NaiveDate;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait as _, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, IntoCondition},
};
use uuid::Uuid;
use wayin_entity::{
    Challenge, Change, ChangeSubject, Condition, EntryPoint, Perspective, Reason, Step, Visibility,
    challenge_faced, challenge_reason, change, condition_changed, entry_point_taken, funding_term,
    initiative, organisation, place, place_within,
};

use super::{AsOf, CHUNK_ROWS, Chunk, EntryPoints, Organisation, Organisations, Places, Row, Snapshot, Term};

/// With more changes than this the base is read anew, rather than row by row.
const MOST_CHANGES: u64 = 20_000;
/// With more holes in the log's numbers than this the base is read anew, rather than looked for again and again.
const MOST_HOLES: usize = 1_000;
/// How many rows are asked for by their ids at once: SQLite binds at most 32,766 values.
const IDS_AT_ONCE: usize = 5_000;

/// Reads the whole base. `progress` is told how many initiatives were read so far.
/// To be called within a transaction that sees one moment.
pub async fn everything(
    db: &impl ConnectionTrait,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Snapshot, DbErr> {
    let as_of = newest_change(db).await?;
    let places = read_places(db, &Places::default()).await?;
    let mut organisations = Organisations::default();
    for row in organisation::Entity::find()
        .order_by_asc(organisation::Column::Id)
        .all(db)
        .await?
    {
        organisations.put(row.into());
    }
    let mut snapshot = Snapshot {
        chunks: Vec::new(),
        places: Arc::new(places),
        organisations: Arc::new(organisations),
        as_of,
        dictionaries: as_of.change,
    };
    let mut after = Uuid::nil();
    let mut read = 0;
    loop {
        let rows = rows(
            db,
            &snapshot,
            initiative::Column::Id.gt(after),
            Some(CHUNK_ROWS as u64),
        )
        .await?;
        let Some(last) = rows.last() else {
            return Ok(snapshot);
        };
        after = last.id;
        read += rows.len();
        snapshot.chunks.push(Arc::new(Chunk::pack(&rows)));
        progress(read);
    }
}

/// What became of the log since a snapshot was read.
pub enum Followed {
    /// Nothing: the snapshot is as new as the log.
    Nothing,
    /// The changes were taken up.
    To(Snapshot, Changed),
    /// The log is not the one that the snapshot was read from, or is too far ahead: the base has to be read anew.
    Lost,
}

/// What some changes changed.
#[derive(Debug, Default)]
pub struct Changed {
    /// Numbers before the newest that the log does not hold: rolled back, or not committed yet.
    pub holes: Vec<i64>,
    /// The initiatives that changed and were or are not open to all, each with the number of its lead organisation.
    pub hidden: Vec<(Uuid, u32)>,
}

/// Takes up every change that the snapshot has not seen, `holes` of earlier readings
/// included. To be called within a transaction that sees one moment: rows are read as
/// they stand at that moment, so all changes up to it have to be taken up together.
pub async fn changes(
    db: &impl ConnectionTrait,
    snapshot: &Snapshot,
    holes: &[i64],
) -> Result<Followed, DbErr> {
    let seen = snapshot.as_of.change;
    // The last change that was seen is asked for too: where it is gone, this is another log.
    let of_interest = change::Column::Number
        .gte(seen)
        .or(change::Column::Number.is_in(holes.iter().copied()));
    let found = change::Entity::find()
        .filter(of_interest)
        .order_by_asc(change::Column::Number)
        .limit(MOST_CHANGES + 1)
        .all(db)
        .await?;
    let same_log = seen == 0
        || found
            .iter()
            .any(|one| one.number == seen && Some(one.created_at) == snapshot.as_of.at);
    if !same_log || found.len() as u64 > MOST_CHANGES {
        return Ok(Followed::Lost);
    }
    let changes: Vec<_> = found.into_iter().filter(|one| one.number != seen).collect();
    let Some(last) = changes.last() else {
        return Ok(Followed::Nothing);
    };
    let mut next = snapshot.clone();
    if last.number > seen {
        next.as_of = AsOf {
            change: last.number,
            at: Some(last.created_at),
        };
    }
    let there: BTreeSet<i64> = changes.iter().map(|one| one.number).collect();
    let mut changed = Changed {
        holes: holes
            .iter()
            .copied()
            .chain(seen + 1..next.as_of.change)
            .filter(|number| !there.contains(number))
            .collect(),
        hidden: Vec::new(),
    };
    if changed.holes.len() > MOST_HOLES {
        return Ok(Followed::Lost);
    }
    let subjects = |subject: ChangeSubject| -> BTreeSet<Uuid> {
        changes
            .iter()
            .filter(|change| change.subject == subject)
            .map(|change| change.subject_id)
            .collect()
    };
    if !subjects(ChangeSubject::Place).is_empty() {
        next.places = Arc::new(read_places(db, &snapshot.places).await?);
        next.dictionaries = next.as_of.change;
    }
    let organisations: Vec<Uuid> = subjects(ChangeSubject::Organisation).into_iter().collect();
    for ids in organisations.chunks(IDS_AT_ONCE) {
        let of_base = Arc::make_mut(&mut next.organisations);
        let these = organisation::Column::Id.is_in(ids.iter().copied());
        for row in organisation::Entity::find().filter(these).all(db).await? {
            of_base.put(Organisation::from(row));
        }
        next.dictionaries = next.as_of.change;
    }
    let initiatives: Vec<Uuid> = subjects(ChangeSubject::Initiative).into_iter().collect();
    for ids in initiatives.chunks(IDS_AT_ONCE) {
        let rows = rows(db, &next, initiative::Column::Id.is_in(ids.iter().copied()), None).await?;
        let standing: BTreeSet<Uuid> = rows.iter().map(|row| row.id).collect();
        let before = ids.iter().filter_map(|id| snapshot.row(*id));
        let hidden = before
            .chain(rows.iter().cloned())
            .filter(|row| row.visibility != Visibility::Open);
        changed.hidden.extend(hidden.map(|row| (row.id, row.lead)));
        let gone = ids.iter().copied().filter(|id| !standing.contains(id)).collect();
        next.apply(rows, gone);
    }
    Ok(Followed::To(next, changed))
}

/// The newest change of the log.
pub async fn newest_change(db: &impl ConnectionTrait) -> Result<AsOf, DbErr> {
    let newest = change::Entity::find()
        .order_by_desc(change::Column::Number)
        .one(db)
        .await?;
    Ok(newest.map_or_else(AsOf::default, |change| AsOf {
        change: change.number,
        at: Some(change.created_at),
    }))
}

async fn read_places(db: &impl ConnectionTrait, before: &Places) -> Result<Places, DbErr> {
    let places = place::Entity::find()
        .order_by_asc(place::Column::Id)
        .all(db)
        .await?;
    let within = place_within::Entity::find().all(db).await?;
    Ok(Places::read(before, places, &within))
}

/// The rows of the published initiatives that meet a condition, in the order of their ids.
async fn rows(
    db: &impl ConnectionTrait,
    snapshot: &Snapshot,
    which: impl IntoCondition,
    limit: Option<u64>,
) -> Result<Vec<Row>, DbErr> {
    let initiatives = initiative::Entity::find()
        .filter(which)
        .filter(initiative::Column::WithdrawnAt.is_null())
        .order_by_asc(initiative::Column::Id)
        .limit(limit)
        .select_only()
        .columns([
            initiative::Column::Id,
            initiative::Column::PlaceId,
            initiative::Column::LeadOrganisationId,
            initiative::Column::TitleFolded,
            initiative::Column::StartedOn,
            initiative::Column::EndedOn,
            initiative::Column::Ongoing,
            initiative::Column::Visibility,
            initiative::Column::SharedWithFunders,
            initiative::Column::Illustrative,
            initiative::Column::DisclosureKey,
        ])
        .into_tuple::<(
            Uuid,
            Option<Uuid>,
            Uuid,
            String,
            Option<NaiveDate>,
            Option<NaiveDate>,
            Option<bool>,
            Visibility,
            bool,
            bool,
            i64,
        )>()
        .all(db)
        .await?;
    let organisation = |id: Uuid| {
        snapshot
            .organisations
            .number(id)
            .ok_or_else(|| DbErr::Custom(format!("organisation {id} is not in the log")))
    };
    let mut rows = Vec::with_capacity(initiatives.len());
    for (
        id,
        place,
        lead,
        title,
        started_on,
        ended_on,
        ongoing,
        visibility,
        shared_with_funders,
        illustrative,
        disclosure_key,
    ) in initiatives
    {
        rows.push(Row {
            id,
            key: disclosure_key.to_le_bytes()[0],
            place: place.and_then(|place| snapshot.places.number(place)),
            lead: organisation(lead)?,
            title: title.into(),
            started_on,
            ended_on,
            ongoing,
            visibility,
            shared_with_funders,
            illustrative,
            entry_points: Default::default(),
            steps: Default::default(),
            reasons: Default::default(),
            changes: Default::default(),
            terms: Vec::new(),
        });
    }
    let (Some(first), Some(last)) = (rows.first().map(|row| row.id), rows.last().map(|row| row.id)) else {
        return Ok(rows);
    };
    // Asked for by their range where they are a page of the whole base, else one by one.
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let range = limit.is_some().then_some((first, last));
    let mut parts = Parts { db, range, ids, rows };
    parts.read_entry_points().await?;
    parts.read_challenges().await?;
    parts.read_conditions().await?;
    parts.read_terms(organisation).await?;
    Ok(parts.rows)
}

/// The rows of some initiatives, while their parts are read.
struct Parts<'a, C> {
    db: &'a C,
    /// The first and last id, where the rows are all that lie between them.
    range: Option<(Uuid, Uuid)>,
    ids: Vec<Uuid>,
    rows: Vec<Row>,
}

impl<C: ConnectionTrait> Parts<'_, C> {
    /// Which rows of a part's table belong to the initiatives.
    fn ours<E: EntityTrait>(&self, table: E, initiative_id: E::Column) -> Expr {
        let initiative_id = Expr::col((table, initiative_id));
        match self.range {
            Some((first, last)) => initiative_id.between(first, last),
            None => initiative_id.is_in(self.ids.iter().copied()),
        }
    }

    fn row(&mut self, id: Uuid) -> Option<&mut Row> {
        // Within the range there may be some that were withdrawn, and have no row.
        let at = self.ids.binary_search(&id).ok()?;
        self.rows.get_mut(at)
    }

    async fn read_entry_points(&mut self) -> Result<(), DbErr> {
        use entry_point_taken::Column;
        let taken = entry_point_taken::Entity::find()
            .filter(self.ours(entry_point_taken::Entity, Column::InitiativeId))
            .select_only()
            .columns([
                Column::InitiativeId,
                Column::Perspective,
                Column::Position,
                Column::EntryPoint,
            ])
            .into_tuple::<(Uuid, Perspective, i32, EntryPoint)>()
            .all(self.db)
            .await?;
        for (id, perspective, position, entry_point) in taken {
            let Some(row) = self.row(id) else { continue };
            let EntryPoints { way_in, later } = &mut row.entry_points[perspective as usize];
            if position == 1 {
                *way_in = Some(entry_point);
            } else {
                *later |= 1 << entry_point as u8;
            }
        }
        Ok(())
    }

    async fn read_challenges(&mut self) -> Result<(), DbErr> {
        use challenge_faced::Column;
        let faced = challenge_faced::Entity::find()
            .filter(self.ours(challenge_faced::Entity, Column::InitiativeId))
            .select_only()
            .columns([Column::InitiativeId, Column::Challenge, Column::Step])
            .into_tuple::<(Uuid, Challenge, Option<Step>)>()
            .all(self.db)
            .await?;
        for (id, challenge, step) in faced {
            let Some(row) = self.row(id) else { continue };
            row.steps[challenge as usize] = step;
        }
        let reasons = challenge_reason::Entity::find()
            .inner_join(challenge_faced::Entity)
            .filter(self.ours(challenge_faced::Entity, Column::InitiativeId))
            .select_only()
            .column(Column::InitiativeId)
            .column(Column::Challenge)
            .column(challenge_reason::Column::Reason)
            .into_tuple::<(Uuid, Challenge, Reason)>()
            .all(self.db)
            .await?;
        for (id, challenge, reason) in reasons {
            let Some(row) = self.row(id) else { continue };
            row.reasons[challenge as usize] |= 1 << reason as u8;
        }
        Ok(())
    }

    async fn read_conditions(&mut self) -> Result<(), DbErr> {
        use condition_changed::Column;
        let changed = condition_changed::Entity::find()
            .filter(self.ours(condition_changed::Entity, Column::InitiativeId))
            .select_only()
            .columns([Column::InitiativeId, Column::Condition, Column::Change])
            .into_tuple::<(Uuid, Condition, Option<Change>)>()
            .all(self.db)
            .await?;
        for (id, condition, change) in changed {
            let Some(row) = self.row(id) else { continue };
            row.changes[condition as usize] = change;
        }
        Ok(())
    }

    async fn read_terms(&mut self, organisation: impl Fn(Uuid) -> Result<u32, DbErr>) -> Result<(), DbErr> {
        use funding_term::Column;
        let terms = funding_term::Entity::find()
            .filter(self.ours(funding_term::Entity, Column::InitiativeId))
            .order_by_asc(Column::InitiativeId)
            .order_by_asc(Column::Position)
            .all(self.db)
            .await?;
        for term in terms {
            let funder = organisation(term.funder_id)?;
            let Some(row) = self.row(term.initiative_id) else {
                continue;
            };
            row.terms.push(packed(term, funder));
        }
        Ok(())
    }
}

fn packed(row: funding_term::Model, funder: u32) -> Term {
    let currency: Option<[u8; 3]> = row
        .currency
        .and_then(|currency| currency.to_ascii_lowercase().as_bytes().try_into().ok());
    Term {
        funder,
        duration_months: row.duration_months,
        amount_minor: row.amount_minor,
        currency,
        starts_on: row.starts_on,
        upfront_research: row.upfront_research,
        collaboration_resourced: row.collaboration_resourced,
        renewable: row.renewable,
        intended_focus: row.intended_focus,
        restriction: row.restriction,
        reporting_frequency: row.reporting_frequency,
        reporting_basis: row.reporting_basis,
        delivery_timeline: row.delivery_timeline,
    }
}

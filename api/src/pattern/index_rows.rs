//! Loads the rows of initiatives for the index.
//!
//! The statements of a chunk run on two connections. What they return is put together on another thread, while the next
//! statements run.

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait as _, JsonValue as Json, QueryFilter,
    QueryOrder, QuerySelect, Value,
    sea_query::{CaseStatement, Expr, IntoCondition},
};
use uuid::Uuid;
use wayin_engine::index::missing_column;
use wayin_engine::index::{IndexedFundingTerm, IndexedInitiative, PerspectiveEntryPoints, Snapshot};
use wayin_entity::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Condition, EntryPoint, Perspective, Visibility,
    challenge_faced, challenge_reason, condition_changed, entry_point_taken, funding_term, initiative,
};
use wayin_records::fields::Field;
use wayin_records::fields::funding_term::FundingChoice;
use wayin_records::missing::MissingReasons;

use crate::database::is_in;
use crate::database::json_rows::load_tuples;
use crate::store::funding_terms::{choice_column, choice_values};
use crate::store::whole_records::Part;

/// The columns of an initiative, and its packed codes.
type InitiativeColumns = (
    Uuid,
    Option<Uuid>,
    Uuid,
    String,
    DateTime<Utc>,
    DateTime<Utc>,
    Option<NaiveDate>,
    Option<NaiveDate>,
    i64,
    Option<Json>,
    i32,
);

/// The columns of a funding term, and its packed codes.
type FundingTermColumns = (
    Uuid,
    Uuid,
    Option<i32>,
    Option<i64>,
    Option<String>,
    Option<NaiveDate>,
    Option<Json>,
    i32,
);

/// The rows of some published initiatives and of their parts, as they are stored.
pub(super) struct StoredRows {
    /// In the order of their ids.
    initiatives: Vec<InitiativeColumns>,
    /// The initiative, the position and the packed codes.
    entry_points: Vec<(Uuid, i32, i32)>,
    /// The initiative, the missing reasons and the packed codes.
    challenges: Vec<(Uuid, Option<Json>, i32)>,
    /// The initiative, the challenge and the reason.
    reasons: Vec<(Uuid, i32, i32)>,
    /// The initiative, the missing reasons and the packed codes.
    conditions: Vec<(Uuid, Option<Json>, i32)>,
    /// In the order of the record.
    terms: Vec<FundingTermColumns>,
}

impl StoredRows {
    /// Loads the published initiatives that meet a condition, in the order of their ids. A `limit` means a page of all
    /// initiatives. Both connections see the database at the same moment; they can be one connection.
    pub(super) async fn load<C: ConnectionTrait>(
        [db, second]: [&C; 2],
        which: impl IntoCondition,
        limit: Option<u64>,
    ) -> Result<Self, DbErr> {
        use initiative::Column;
        let published = initiative::Entity::find()
            .filter(which)
            .filter(Column::WithdrawnAt.is_null())
            .order_by_asc(Column::Id)
            .limit(limit);
        let columns = [
            Column::Id,
            Column::PlaceId,
            Column::LeadOrganisationId,
            Column::TitleFolded,
            Column::PublishedAt,
            Column::UpdatedAt,
            Column::StartedOn,
            Column::EndedOn,
            Column::DisclosureKey,
            Column::Missing,
        ];
        let initiatives: Vec<InitiativeColumns> =
            load_tuples(db, published, &columns, [initiative_columns().to_expression()]).await?;
        let ids: Vec<Uuid> = initiatives.iter().map(|row| row.0).collect();
        // The parts of a page are loaded by the range of its ids, and those of other rows by each id.
        let range = ids.first().copied().zip(ids.last().copied());
        let owners = PartOwners {
            range: range.filter(|_| limit.is_some()),
            ids,
        };
        let (entry_points, challenges, reasons, conditions, terms) = futures_util::try_join!(
            load_entry_points(db, &owners),
            load_challenges(second, &owners),
            load_reasons(second, &owners),
            load_conditions(second, &owners),
            load_funding_terms(db, &owners),
        )?;
        Ok(Self {
            initiatives,
            entry_points,
            challenges,
            reasons,
            conditions,
            terms,
        })
    }

    /// The id of the last initiative.
    pub(super) fn last_id(&self) -> Option<Uuid> {
        self.initiatives.last().map(|row| row.0)
    }

    /// Builds the rows of the index, with the numbers of the snapshot's dictionaries.
    pub(super) fn into_index(self, snapshot: &Snapshot) -> Result<Vec<IndexedInitiative>, DbErr> {
        let mut rows = IndexRows {
            snapshot,
            rows: Vec::with_capacity(self.initiatives.len()),
        };
        rows.add_initiatives(self.initiatives)?;
        rows.add_entry_points(self.entry_points);
        rows.add_challenges(self.challenges)?;
        rows.add_reasons(self.reasons);
        rows.add_conditions(self.conditions)?;
        rows.add_funding_terms(self.terms)?;
        for row in &mut rows.rows {
            row.missing.sort_unstable();
            row.missing_in_terms.sort_unstable();
        }
        Ok(rows.rows)
    }
}

/// The initiatives whose parts are loaded.
struct PartOwners {
    /// The first and last id, if they are all published initiatives between them.
    range: Option<(Uuid, Uuid)>,
    ids: Vec<Uuid>,
}

impl PartOwners {
    /// The condition that selects the rows of these initiatives in the table of a part.
    fn condition<P: Part>(&self, db: &impl ConnectionTrait) -> Expr {
        let initiative_id = Expr::col((P::default(), P::INITIATIVE_ID));
        match self.range {
            Some((first, last)) => initiative_id.between(first, last),
            None => is_in(db, initiative_id, self.ids.iter().copied()),
        }
    }
}

async fn load_entry_points(
    db: &impl ConnectionTrait,
    owners: &PartOwners,
) -> Result<Vec<(Uuid, i32, i32)>, DbErr> {
    use entry_point_taken::{Column, Entity};
    let select = Entity::find().filter(owners.condition::<Entity>(db));
    let codes = [entry_point_columns().to_expression()];
    load_tuples(db, select, &[Column::InitiativeId, Column::Position], codes).await
}

async fn load_challenges(
    db: &impl ConnectionTrait,
    owners: &PartOwners,
) -> Result<Vec<(Uuid, Option<Json>, i32)>, DbErr> {
    use challenge_faced::{Column, Entity};
    let select = Entity::find().filter(owners.condition::<Entity>(db));
    let codes = [challenge_columns().to_expression()];
    load_tuples(db, select, &[Column::InitiativeId, Column::Missing], codes).await
}

async fn load_reasons(
    db: &impl ConnectionTrait,
    owners: &PartOwners,
) -> Result<Vec<(Uuid, i32, i32)>, DbErr> {
    let select = challenge_reason::Entity::find()
        .inner_join(challenge_faced::Entity)
        .filter(owners.condition::<challenge_faced::Entity>(db));
    let columns = [challenge_faced::Column::InitiativeId];
    let codes = [
        PackedColumns::new([challenge_codes()]).to_expression(),
        reason_columns().to_expression(),
    ];
    load_tuples(db, select, &columns, codes).await
}

async fn load_conditions(
    db: &impl ConnectionTrait,
    owners: &PartOwners,
) -> Result<Vec<(Uuid, Option<Json>, i32)>, DbErr> {
    use condition_changed::{Column, Entity};
    let select = Entity::find().filter(owners.condition::<Entity>(db));
    let codes = [condition_columns().to_expression()];
    load_tuples(db, select, &[Column::InitiativeId, Column::Missing], codes).await
}

async fn load_funding_terms(
    db: &impl ConnectionTrait,
    owners: &PartOwners,
) -> Result<Vec<FundingTermColumns>, DbErr> {
    use funding_term::{Column, Entity};
    let select = Entity::find()
        .filter(owners.condition::<Entity>(db))
        .order_by_asc(Column::InitiativeId)
        .order_by_asc(Column::Position);
    let columns = [
        Column::InitiativeId,
        Column::FunderId,
        Column::DurationMonths,
        Column::AmountMinor,
        Column::Currency,
        Column::StartsOn,
        Column::Missing,
    ];
    load_tuples(db, select, &columns, [funding_term_columns().to_expression()]).await
}

/// The rows of the index that are built.
struct IndexRows<'a> {
    snapshot: &'a Snapshot,
    /// In the order of their ids.
    rows: Vec<IndexedInitiative>,
}

impl IndexRows<'_> {
    fn find_organisation(&self, id: Uuid) -> Result<u32, DbErr> {
        let number = self.snapshot.organisations.number(id);
        number.ok_or_else(|| DbErr::Custom(format!("organisation {id} is not in the log")))
    }

    /// The row of an initiative. None if it is withdrawn: the range of a page also selects parts of withdrawn initiatives.
    fn find(&mut self, id: Uuid) -> Option<&mut IndexedInitiative> {
        let at = self.rows.binary_search_by_key(&id, |row| row.id).ok()?;
        self.rows.get_mut(at)
    }

    fn add_initiatives(&mut self, initiatives: Vec<InitiativeColumns>) -> Result<(), DbErr> {
        let coded = initiative_columns();
        for (
            id,
            place,
            lead,
            title,
            published_at,
            updated_at,
            started_on,
            ended_on,
            disclosure_key,
            missing,
            codes,
        ) in initiatives
        {
            let [ongoing, visibility, shared_with_funders, illustrative] = coded.unpack(codes);
            let row = IndexedInitiative {
                id,
                cell_key: disclosure_key.to_le_bytes()[0],
                place: place.and_then(|place| self.snapshot.places.number(place)),
                lead: self.find_organisation(lead)?,
                title: title.into(),
                published_at,
                updated_at,
                started_on,
                ended_on,
                ongoing: decode_flag(ongoing),
                visibility: decode_code(Visibility::ALL, visibility).unwrap_or(Visibility::AggregateOnly),
                shared_with_funders: decode_flag(shared_with_funders) == Some(true),
                illustrative: decode_flag(illustrative) == Some(true),
                entry_points: Default::default(),
                steps: Default::default(),
                reasons: Default::default(),
                changes: Default::default(),
                terms: Vec::new(),
                missing: missing_column::list_missing_in_record(&parse_missing_reasons(missing)?).collect(),
                missing_in_terms: Vec::new(),
            };
            self.rows.push(row);
        }
        Ok(())
    }

    fn add_entry_points(&mut self, taken: Vec<(Uuid, i32, i32)>) {
        let coded = entry_point_columns();
        for (id, position, codes) in taken {
            let [Some(perspective), Some(entry_point)] = coded.unpack(codes) else {
                continue;
            };
            let Some(row) = self.find(id) else { continue };
            let PerspectiveEntryPoints { way_in, later } = &mut row.entry_points[perspective];
            if position == 1 {
                *way_in = EntryPoint::ALL.get(entry_point).copied();
            } else {
                *later |= 1 << entry_point;
            }
        }
    }

    fn add_challenges(&mut self, faced: Vec<(Uuid, Option<Json>, i32)>) -> Result<(), DbErr> {
        let coded = challenge_columns();
        for (id, missing, codes) in faced {
            let [Some(challenge), step] = coded.unpack(codes) else {
                continue;
            };
            let Some(row) = self.find(id) else { continue };
            row.steps[challenge] = decode_code(ChallengeStep::ALL, step);
            row.missing.extend(missing_column::list_missing_in_challenge(
                Challenge::ALL[challenge],
                &parse_missing_reasons(missing)?,
            ));
        }
        Ok(())
    }

    fn add_reasons(&mut self, reasons: Vec<(Uuid, i32, i32)>) {
        let (coded, of_reason) = (PackedColumns::new([challenge_codes()]), reason_columns());
        for (id, challenge, reason) in reasons {
            let ([Some(challenge)], [Some(reason)]) = (coded.unpack(challenge), of_reason.unpack(reason))
            else {
                continue;
            };
            let Some(row) = self.find(id) else { continue };
            row.reasons[challenge] |= 1 << reason;
        }
    }

    fn add_conditions(&mut self, changed: Vec<(Uuid, Option<Json>, i32)>) -> Result<(), DbErr> {
        let coded = condition_columns();
        for (id, missing, codes) in changed {
            let [Some(condition), change] = coded.unpack(codes) else {
                continue;
            };
            let Some(row) = self.find(id) else { continue };
            row.changes[condition] = decode_code(ChangeExtent::ALL, change);
            row.missing.extend(missing_column::find_missing_in_condition(
                Condition::ALL[condition],
                &parse_missing_reasons(missing)?,
            ));
        }
        Ok(())
    }

    fn add_funding_terms(&mut self, terms: Vec<FundingTermColumns>) -> Result<(), DbErr> {
        let coded = funding_term_columns();
        for (id, funder, duration_months, amount_minor, currency, starts_on, missing, codes) in terms {
            let funder = self.find_organisation(funder)?;
            let Some(row) = self.find(id) else { continue };
            let place = u32::try_from(row.terms.len()).unwrap_or(u32::MAX);
            let reasons = parse_missing_reasons(missing)?;
            let of_term =
                missing_column::list_missing_in_term(&reasons).map(|(field, why)| (place, field, why));
            row.missing_in_terms.extend(of_term);
            row.terms.push(IndexedFundingTerm {
                funder,
                duration_months,
                amount_minor,
                currency: currency
                    .and_then(|currency| currency.to_ascii_lowercase().as_bytes().try_into().ok()),
                starts_on,
                choices: coded
                    .unpack(codes)
                    .map(|number| number.and_then(|number| u8::try_from(number).ok())),
            });
        }
        Ok(())
    }
}

fn parse_missing_reasons<F: Field>(missing: Option<Json>) -> Result<MissingReasons<F>, DbErr> {
    MissingReasons::from_json(missing.as_ref()).map_err(|cause| DbErr::Custom(format!("{cause:?}")))
}

fn initiative_columns() -> PackedColumns<initiative::Column, 4> {
    use initiative::Column;
    PackedColumns::new([
        (Column::Ongoing, flag_values()),
        (Column::Visibility, list_codes(Visibility::ALL, Visibility::code)),
        (Column::SharedWithFunders, flag_values()),
        (Column::Illustrative, flag_values()),
    ])
}

fn entry_point_columns() -> PackedColumns<entry_point_taken::Column, 2> {
    use entry_point_taken::Column;
    PackedColumns::new([
        (
            Column::Perspective,
            list_codes(Perspective::ALL, Perspective::code),
        ),
        (Column::EntryPoint, list_codes(EntryPoint::ALL, EntryPoint::code)),
    ])
}

fn challenge_codes() -> (challenge_faced::Column, Vec<Value>) {
    let codes = list_codes(Challenge::ALL, Challenge::code);
    (challenge_faced::Column::Challenge, codes)
}

fn challenge_columns() -> PackedColumns<challenge_faced::Column, 2> {
    let steps = list_codes(ChallengeStep::ALL, ChallengeStep::code);
    PackedColumns::new([challenge_codes(), (challenge_faced::Column::Step, steps)])
}

fn reason_columns() -> PackedColumns<challenge_reason::Column, 1> {
    let reasons = list_codes(ChallengeReason::ALL, ChallengeReason::code);
    PackedColumns::new([(challenge_reason::Column::Reason, reasons)])
}

fn condition_columns() -> PackedColumns<condition_changed::Column, 2> {
    use condition_changed::Column;
    PackedColumns::new([
        (Column::Condition, list_codes(Condition::ALL, Condition::code)),
        (Column::Change, list_codes(ChangeExtent::ALL, ChangeExtent::code)),
    ])
}

fn funding_term_columns() -> PackedColumns<funding_term::Column, { FundingChoice::ALL.len() }> {
    PackedColumns::new(FundingChoice::ALL.map(|choice| (choice_column(choice), choice_values(choice))))
}

/// Columns of closed vocabularies, packed into one integer. The database then sends one value instead of one text for
/// each column. Sending those texts takes most of the time of a full load.
struct PackedColumns<C, const COLUMNS: usize>([(C, Vec<Value>); COLUMNS]);

fn list_codes<T: Copy>(all: &[T], code: impl Fn(T) -> &'static str) -> Vec<Value> {
    all.iter().map(|one| code(*one).into()).collect()
}

fn flag_values() -> Vec<Value> {
    vec![false.into(), true.into()]
}

fn decode_code<T: Copy>(all: &[T], code: Option<usize>) -> Option<T> {
    code.and_then(|code| all.get(code)).copied()
}

fn decode_flag(code: Option<usize>) -> Option<bool> {
    code.map(|code| code == 1)
}

impl<C: ColumnTrait, const COLUMNS: usize> PackedColumns<C, COLUMNS> {
    const fn new(columns: [(C, Vec<Value>); COLUMNS]) -> Self {
        Self(columns)
    }

    /// The integer, in a mixed radix. Each column is a digit, the first column the lowest. The base of a digit is one
    /// more than the number of its codes, as 0 means not known.
    fn to_expression(&self) -> Expr {
        let digits = self.0.iter().map(|(column, values)| -> (Expr, usize) {
            let mut digit = CaseStatement::new();
            for (code, value) in (1..).zip(values) {
                digit = digit.case(column.eq(value.clone()), Expr::val(code));
            }
            (digit.finally(0).into(), values.len() + 1)
        });
        let number = digits.reduce(|(number, size), (digit, of_digit)| {
            let shift = i32::try_from(size).unwrap_or(i32::MAX);
            (number.add(digit.mul(shift)), size * of_digit)
        });
        number.map_or_else(|| Expr::val(0), |(number, _)| number)
    }

    /// The position of each column's code in its list. None if it is not known.
    fn unpack(&self, number: i32) -> [Option<usize>; COLUMNS] {
        let mut left = usize::try_from(number).unwrap_or(0);
        std::array::from_fn(|column| {
            let size = self.0[column].1.len() + 1;
            let digit = left % size;
            left /= size;
            digit.checked_sub(1)
        })
    }
}

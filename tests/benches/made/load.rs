//! The made rows in a database: the same that the snapshot in memory has.

use std::fmt::Write as _;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr};
use uuid::Uuid;
use wayin_engine::index::{CHUNK_ROWS, Row, Term};
use wayin_entity::{Challenge, ChallengeReason, Condition, EntryPoint, Perspective};
use wayin_records::fields::funding_term::{ChoiceKind, FundingChoice};

use super::{FUNDERS, id, leads, places, rows};

const AT: &str = "2025-06-15 15:06:40+00:00";
/// How many rows go into one statement of SQLite.
const AT_ONCE: usize = 400;

/// A value as a table holds it.
enum Value {
    Id(Uuid),
    Text(String),
    Number(i64),
    Flag(bool),
    Nothing,
}

fn maybe<T>(value: Option<T>, to: impl FnOnce(T) -> Value) -> Value {
    value.map_or(Value::Nothing, to)
}

fn code(code: &str) -> Value {
    Value::Text(code.to_owned())
}

fn number(number: usize) -> Value {
    Value::Number(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Rows of one table on their way into a database.
struct Table {
    name: &'static str,
    columns: &'static str,
    rows: Vec<Vec<Value>>,
}

impl Table {
    const fn new(name: &'static str, columns: &'static str) -> Self {
        Self {
            name,
            columns,
            rows: Vec::new(),
        }
    }

    /// Takes the rows, with the names of their columns.
    fn take(&mut self) -> (String, Vec<Vec<Value>>) {
        let columns = format!("{}, created_at, updated_at", self.columns);
        (columns, std::mem::take(&mut self.rows))
    }

    async fn copy(&mut self, db: &DatabaseConnection) -> Result<(), DbErr> {
        let (columns, rows) = self.take();
        let mut text = String::new();
        for row in &rows {
            row.iter().for_each(|value| copied(&mut text, value));
            let _ = writeln!(text, "{AT}\t{AT}");
        }
        let failed = |cause: sea_orm::sqlx::Error| DbErr::Custom(cause.to_string());
        let statement = format!("COPY {} ({columns}) FROM STDIN", self.name);
        let mut connection = db
            .get_postgres_connection_pool()
            .acquire()
            .await
            .map_err(failed)?;
        let mut copy = connection.copy_in_raw(&statement).await.map_err(failed)?;
        copy.send(text.as_bytes()).await.map_err(failed)?;
        copy.finish().await.map_err(failed)?;
        Ok(())
    }

    async fn insert(&mut self, db: &impl ConnectionTrait) -> Result<(), DbErr> {
        let (columns, rows) = self.take();
        for rows in rows.chunks(AT_ONCE) {
            let mut text = format!("INSERT INTO {} ({columns}) VALUES ", self.name);
            for (at, row) in rows.iter().enumerate() {
                text.push_str(if at == 0 { "(" } else { ",(" });
                row.iter().for_each(|value| inserted(&mut text, value));
                let _ = write!(text, "'{AT}','{AT}')");
            }
            db.execute_unprepared(&text).await?;
        }
        Ok(())
    }
}

fn copied(text: &mut String, value: &Value) {
    let _ = match value {
        Value::Id(id) => write!(text, "{id}\t"),
        Value::Text(words) => write!(text, "{words}\t"),
        Value::Number(number) => write!(text, "{number}\t"),
        Value::Flag(flag) => write!(text, "{flag}\t"),
        Value::Nothing => write!(text, "\\N\t"),
    };
}

fn inserted(text: &mut String, value: &Value) {
    let _ = match value {
        Value::Id(id) => write!(text, "x'{}',", id.simple()),
        Value::Text(words) => write!(text, "'{words}',"),
        Value::Number(number) => write!(text, "{number},"),
        Value::Flag(flag) => write!(text, "{},", u8::from(*flag)),
        Value::Nothing => write!(text, "NULL,"),
    };
}

/// Writes so many initiatives, and all that they refer to, into an empty base.
pub async fn load(db: &DatabaseConnection, initiatives: usize) -> Result<(), DbErr> {
    let mut places_table = Table::new("place", "id, name, name_folded, kind, code");
    let mut within_table = Table::new("place_parent", "place_id, parent_id");
    let (of_places, within) = places();
    places_table.rows.extend(of_places.into_iter().map(|place| {
        vec![
            Value::Id(place.id),
            Value::Text(place.name),
            Value::Text(place.name_folded),
            code(place.kind.code()),
            maybe(place.code, Value::Text),
        ]
    }));
    within_table.rows.extend(
        within
            .into_iter()
            .map(|link| vec![Value::Id(link.place_id), Value::Id(link.parent_id)]),
    );
    let mut organisations = Table::new("organisation", "id, name, name_folded");
    organisations
        .rows
        .extend((0..(leads(initiatives) + FUNDERS) as usize).map(|at| {
            vec![
                Value::Id(id(3, at)),
                Value::Text(format!("Organisation {at}")),
                Value::Text(format!("organisation {at}")),
            ]
        }));
    let mut change = Table::new("change_log", "kind, subject, subject_id");
    change
        .rows
        .push(vec![code("PUBLISHED"), code("INITIATIVE"), Value::Id(id(1, 0))]);
    for table in [
        &mut places_table,
        &mut within_table,
        &mut organisations,
        &mut change,
    ] {
        if db.get_database_backend() == DbBackend::Postgres {
            table.copy(db).await?;
        } else {
            table.insert(db).await?;
        }
    }
    let mut written = Tables::default();
    for chunk in 0..initiatives.div_ceil(CHUNK_ROWS) {
        rows(initiatives, chunk).iter().for_each(|row| written.add(row));
        let together = wayin::database::begin_writing(db).await?;
        for table in &mut written.tables {
            if db.get_database_backend() == DbBackend::Postgres {
                table.copy(db).await?;
            } else {
                table.insert(&together).await?;
            }
        }
        together.commit().await?;
    }
    db.execute_unprepared("ANALYZE").await?;
    Ok(())
}

struct Tables {
    tables: [Table; 6],
    next: usize,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            tables: [
                Table::new(
                    "initiative",
                    "id, place_id, lead_organisation_id, title, title_folded, started_on, ended_on, ongoing, visibility, \
                     shared_with_funders, illustrative, made_from_grant, version, published_at, disclosure_key",
                ),
                Table::new(
                    "entry_point_taken",
                    "id, initiative_id, position, entry_point, perspective",
                ),
                Table::new("challenge_faced", "id, initiative_id, challenge, step"),
                Table::new("challenge_reason", "challenge_faced_id, reason"),
                Table::new("condition_changed", "id, initiative_id, condition, change"),
                Table::new(
                    "funding_term",
                    "id, initiative_id, position, funder_id, currency, amount_minor, starts_on, duration_months, \
                     intended_focus, upfront_research, collaboration_resourced, restriction, reporting_frequency, \
                     reporting_basis, delivery_timeline, renewable, multi_site",
                ),
            ],
            next: 0,
        }
    }
}

impl Tables {
    fn next_id(&mut self) -> Uuid {
        self.next += 1;
        id(4, self.next)
    }

    fn add(&mut self, row: &Row) {
        let key = i64::from(row.key);
        self.tables[0].rows.push(vec![
            Value::Id(row.id),
            maybe(row.place, |place| Value::Id(id(2, place as usize))),
            Value::Id(id(3, row.lead as usize)),
            Value::Text(row.title.to_string()),
            Value::Text(row.title.to_string()),
            maybe(row.started_on, |day| Value::Text(day.to_string())),
            maybe(row.ended_on, |day| Value::Text(day.to_string())),
            maybe(row.ongoing, Value::Flag),
            code(row.visibility.code()),
            Value::Flag(row.shared_with_funders),
            Value::Flag(row.illustrative),
            Value::Flag(false),
            Value::Number(1),
            Value::Text(AT.to_owned()),
            Value::Number(key),
        ]);
        for (perspective, points) in Perspective::ALL.iter().zip(row.entry_points) {
            let later = EntryPoint::ALL
                .iter()
                .filter(|code| points.later >> **code as u8 & 1 == 1);
            for (at, point) in points.way_in.iter().chain(later).enumerate() {
                let values = vec![
                    Value::Id(self.next_id()),
                    Value::Id(row.id),
                    number(at + 1),
                    code(point.code()),
                    code(perspective.code()),
                ];
                self.tables[1].rows.push(values);
            }
        }
        for (of, challenge) in Challenge::ALL.iter().enumerate() {
            if row.steps[of].is_none() && row.reasons[of] == 0 {
                continue;
            }
            let faced = self.next_id();
            self.tables[2].rows.push(vec![
                Value::Id(faced),
                Value::Id(row.id),
                code(challenge.code()),
                maybe(row.steps[of], |step| code(step.code())),
            ]);
            let given = ChallengeReason::ALL
                .iter()
                .filter(|reason| row.reasons[of] >> **reason as u8 & 1 == 1);
            self.tables[3]
                .rows
                .extend(given.map(|reason| vec![Value::Id(faced), code(reason.code())]));
        }
        for (of, condition) in Condition::ALL.iter().enumerate() {
            if let Some(change) = row.changes[of] {
                let values = vec![
                    Value::Id(self.next_id()),
                    Value::Id(row.id),
                    code(condition.code()),
                    code(change.code()),
                ];
                self.tables[4].rows.push(values);
            }
        }
        for (at, term) in row.terms.iter().enumerate() {
            let values = self.term(row.id, at, term);
            self.tables[5].rows.push(values);
        }
    }

    fn term(&mut self, initiative: Uuid, at: usize, term: &Term) -> Vec<Value> {
        let mut values = vec![
            Value::Id(self.next_id()),
            Value::Id(initiative),
            number(at + 1),
            Value::Id(id(3, term.funder as usize)),
            maybe(term.currency, |letters| {
                Value::Text(String::from_utf8_lossy(&letters).to_uppercase())
            }),
            maybe(term.amount_minor, Value::Number),
            maybe(term.starts_on, |day| Value::Text(day.to_string())),
            maybe(term.duration_months, |months| Value::Number(months.into())),
        ];
        let choices = FundingChoice::ALL.into_iter().zip(term.choices);
        values.extend(choices.map(|(choice, answer)| {
            maybe(answer, |number| match choice.kind() {
                ChoiceKind::YesNo(_) => Value::Flag(number == 1),
                ChoiceKind::Code(one) => code(one.vocabulary().words()[usize::from(number)].code),
            })
        }));
        values
    }
}

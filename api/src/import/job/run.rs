//! Runs imports, one at a time in each process: whichever server claims one takes its rows in, and
//! is taken for dead when it has not said for a while that it lives.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::StreamExt as _;
use futures_util::stream::{FuturesOrdered, FuturesUnordered};
use sea_orm::{
    ColumnTrait, Condition, DatabaseConnection, EntityTrait, ExprTrait as _, PaginatorTrait, QueryFilter,
    QueryOrder, sea_query::Expr,
};
use tokio::sync::mpsc;
use uuid::Uuid;
use wayin_entity::{Capability, ImportKind, ImportState, import, member, organisation};

use super::batch::{self, Taken};
use super::in_line::{self, InLine};
use super::reading::{Batch, HowRead, ROWS_AT_ONCE, licence, read};
use super::{Settings, file, grants, may_import, records};
use crate::app::App;
use crate::auth::requester::Member;
use crate::base::DisclosureKeys;
use crate::change::{self, Act};
use crate::clock::Clock;
use crate::database;
use crate::error::{Error, Result};
use crate::pattern::engine::Engine;
use crate::place::Gazetteer;
use wayin_records::formats::Notes;

/// How long a runner is taken for alive after it last said so.
const ALIVE_FOR: TimeDelta = TimeDelta::seconds(10);
/// How often it says so.
const SAYS_SO: Duration = Duration::from_secs(3);
/// How long a runner waits before it looks for imports of which nobody has told it.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often a batch is tried that clashes with what others write.
const TRIES: u32 = 5;
/// How often an import is begun that does not get on: it may be what brings its runner down.
const MOST_ATTEMPTS: i32 = 5;

/// Of how many locations that no place has the notes of an import say how many grants name them.
const MAX_LOCATIONS_NOTED: usize = 100;

/// What takes imports in: a server, or a command.
pub struct Runner<'a> {
    /// By which it is known from the others.
    id: Uuid,
    db: &'a DatabaseConnection,
    clock: &'a dyn Clock,
    settings: Settings,
    /// The engine to tell, where there is one in this process.
    engine: Option<&'a Engine>,
}

impl<'a> Runner<'a> {
    /// One for a command, which has no engine.
    pub fn new(db: &'a DatabaseConnection, clock: &'a dyn Clock, settings: Settings) -> Self {
        Self {
            id: clock.new_id(),
            db,
            clock,
            settings,
            engine: None,
        }
    }

    /// A server's.
    fn of(app: &'a App) -> Self {
        Self {
            engine: Some(&app.engine),
            ..Self::new(&app.db, &*app.clock, app.imports.settings)
        }
    }

    fn tell_changed(&self) {
        if let Some(engine) = self.engine {
            engine.notifier().notify();
        }
    }
}

/// Runs imports for as long as the process lives.
pub async fn run(app: &App) {
    let runner = Runner::of(app);
    loop {
        match run_next(&runner).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => {
                tracing::error!(error = %error, cause = ?error, "an import could not go on; trying again");
            }
        }
        let _ = tokio::time::timeout(LOOK_EVERY, app.imports.waiting.notified()).await;
    }
}

/// Runs every import that waits, and answers how many there were.
pub async fn run_waiting(app: &App) -> Result<usize> {
    let runner = Runner::of(app);
    let mut ran = 0;
    while run_next(&runner).await? {
        ran += 1;
    }
    Ok(ran)
}

/// Runs imports until this one has ended, whoever took it in; none where it is not there.
pub async fn run_until_ended(runner: &Runner<'_>, id: Uuid) -> Result<Option<import::Model>> {
    const LOOK_AGAIN: Duration = Duration::from_millis(200);
    loop {
        let import = import::Entity::find_by_id(id).one(runner.db).await?;
        if import.as_ref().is_none_or(|import| import.ended_at.is_some()) {
            return Ok(import);
        }
        if !run_next(runner).await? {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// Claims the import that waits longest and takes it in, or as much of it as is its turn; false where none waits.
async fn run_next(runner: &Runner<'_>) -> Result<bool> {
    let Some(import) = claim(runner).await? else {
        return Ok(false);
    };
    let id = import.id;
    tracing::info!(import = %id, rows_done = import.rows_done, "an import goes on");
    let working = take_in(runner, import);
    let living = say_alive(runner, id);
    let ended = tokio::select! {
        ended = working => ended?,
        lost = living => return lost.map(|()| true),
    };
    let refusal = match ended {
        End::Done => None,
        End::Refused(reason) => Some(batch::without_nul(&reason)),
        End::StandsBack => {
            stand_back(runner, id).await?;
            return Ok(true);
        }
        End::Lost => {
            tracing::warn!(import = %id, "another server has taken an import over");
            return Ok(true);
        }
    };
    let state = if refusal.is_some() {
        ImportState::Refused
    } else {
        ImportState::Done
    };
    let now = runner.clock.now();
    import::Entity::update_many()
        .filter(import::Column::Id.eq(id))
        .filter(import::Column::Runner.eq(runner.id))
        .col_expr(import::Column::State, Expr::value(state))
        .col_expr(import::Column::Refusal, Expr::value(refusal))
        .col_expr(import::Column::Runner, Expr::value(None::<Uuid>))
        .col_expr(
            import::Column::RunnerUntil,
            Expr::value(None::<chrono::DateTime<chrono::Utc>>),
        )
        .col_expr(import::Column::EndedAt, Expr::value(now))
        .col_expr(import::Column::UpdatedAt, Expr::value(now))
        .exec(runner.db)
        .await?;
    runner.tell_changed();
    tracing::info!(import = %id, "an import has ended");
    Ok(true)
}

/// How taking an import in ended.
enum End {
    /// Every row came to something.
    Done,
    /// The file could not be read to its end, or nobody may take it in any more.
    Refused(String),
    /// It has had its turn, and others wait.
    StandsBack,
    /// Another runner has it by now.
    Lost,
}

/// What waits, or was left by a runner that is not alive any more.
fn to_be_run(now: chrono::DateTime<chrono::Utc>) -> Condition {
    let left = Condition::all()
        .add(import::Column::State.eq(ImportState::Running))
        .add(import::Column::RunnerUntil.lt(now));
    Condition::any()
        .add(import::Column::State.eq(ImportState::Waiting))
        .add(left)
}

async fn claim(runner: &Runner<'_>) -> Result<Option<import::Model>> {
    let now = runner.clock.now();
    loop {
        let next = import::Entity::find()
            .filter(to_be_run(now))
            // Whichever had its last turn longest ago.
            .order_by_asc(import::Column::UpdatedAt)
            .order_by_asc(import::Column::Id)
            .one(runner.db)
            .await?;
        let Some(next) = next else {
            return Ok(None);
        };
        let claimed = import::Entity::update_many()
            .filter(import::Column::Id.eq(next.id))
            .filter(to_be_run(now))
            .col_expr(import::Column::State, Expr::value(ImportState::Running))
            .col_expr(import::Column::Runner, Expr::value(runner.id))
            .col_expr(import::Column::RunnerUntil, Expr::value(now + ALIVE_FOR))
            .col_expr(
                import::Column::Attempts,
                Expr::col(import::Column::Attempts).add(1),
            )
            .col_expr(import::Column::UpdatedAt, Expr::value(now))
            .exec(runner.db)
            .await?;
        if claimed.rows_affected == 1 {
            return Ok(import::Entity::find_by_id(next.id).one(runner.db).await?);
        }
    }
}

/// Has an import wait for its next turn, behind the others.
async fn stand_back(runner: &Runner<'_>, id: Uuid) -> Result<()> {
    import::Entity::update_many()
        .filter(import::Column::Id.eq(id))
        .filter(import::Column::Runner.eq(runner.id))
        .col_expr(import::Column::State, Expr::value(ImportState::Waiting))
        .col_expr(import::Column::Runner, Expr::value(None::<Uuid>))
        .col_expr(import::Column::UpdatedAt, Expr::value(runner.clock.now()))
        .exec(runner.db)
        .await?;
    Ok(())
}

/// Says again and again that the runner is alive; ends where another has the import.
async fn say_alive(runner: &Runner<'_>, id: Uuid) -> Result<()> {
    loop {
        tokio::time::sleep(SAYS_SO).await;
        let until = runner.clock.now() + ALIVE_FOR;
        let said = import::Entity::update_many()
            .filter(import::Column::Id.eq(id))
            .filter(import::Column::Runner.eq(runner.id))
            .col_expr(import::Column::RunnerUntil, Expr::value(until))
            .exec(runner.db)
            .await;
        match said {
            Ok(said) if said.rows_affected == 0 => return Ok(()),
            Ok(_) => {}
            // The batch that is under way will show whether the base answers.
            Err(cause) => tracing::warn!(%cause, "a runner could not say that it is alive"),
        }
    }
}

/// Takes the rows in that are not done yet.
async fn take_in(runner: &Runner<'_>, import: import::Model) -> Result<End> {
    if import.attempts > MOST_ATTEMPTS {
        let reason = format!(
            "It was begun {MOST_ATTEMPTS} times and did not get on; what was taken in before stays. Ask a steward."
        );
        return Ok(End::Refused(reason));
    }
    let Some(content) = file::put_together(runner.db, import.id).await? else {
        return Ok(End::Refused("The file is not kept any more.".into()));
    };
    let licence = match licence(&import, &content).await? {
        Ok(licence) => licence,
        Err(refused) => return Ok(End::Refused(refused)),
    };
    let places = Gazetteer::read_with_small_areas(runner.db).await?;
    let keys = DisclosureKeys::of(runner.db).await?;
    let read_for = match import.organisation_id {
        Some(id) => organisation::Entity::find_by_id(id).one(runner.db).await?,
        None => None,
    };
    let with = With {
        licence: &licence,
        places: &places,
        keys: &keys,
        read_for: read_for.as_ref(),
    };
    let (mut batches, reading) = read(&import, content, runner.settings.limits, read_for.clone());
    if let Some(end) = take_batches(runner, &import, with, &mut batches).await? {
        return Ok(end);
    }
    match reading.await {
        Ok(HowRead {
            mut notes,
            named,
            outcome,
        }) => {
            let unknown = named.into_notes(&places, MAX_LOCATIONS_NOTED);
            unknown.into_iter().for_each(|note| notes.add(note));
            keep_notes(runner, import.id, notes).await?;
            Ok(outcome.map_or_else(|error| End::Refused(error.to_string()), |()| End::Done))
        }
        Err(cause) => {
            tracing::error!(import = %import.id, %cause, "an import's file brought its reader down");
            let reason = "Something went wrong inside while the file was read; what was taken in before stays. \
                          Ask a steward.";
            Ok(End::Refused(reason.into()))
        }
    }
}

/// Keeps what is to be known of how a file was read.
async fn keep_notes(runner: &Runner<'_>, import: Uuid, notes: Notes) -> Result<()> {
    let notes: Vec<_> = notes.into_iter().map(|note| batch::without_nul(&note)).collect();
    if notes.is_empty() {
        return Ok(());
    }
    import::Entity::update_many()
        .filter(import::Column::Id.eq(import))
        .filter(import::Column::Runner.eq(runner.id))
        .col_expr(import::Column::Notes, Expr::value(notes.join("\n")))
        .exec(runner.db)
        .await?;
    Ok(())
}

/// Takes batches in, as many at once as the base writes side by side; answers how the import ends where it does before
/// the last.
async fn take_batches(
    runner: &Runner<'_>,
    import: &import::Model,
    with: With<'_>,
    batches: &mut mpsc::Receiver<Batch>,
) -> Result<Option<End>> {
    let base = database::connect_writer(runner.db);
    // The first goes by itself: what is new to the base in a file is most often named by its first rows.
    let mut at_once = 1;
    let (mut rows, mut looked_at) = (0, 0);
    let (mut under_way, mut last, mut stands_back) = (FuturesOrdered::new(), None, false);
    let mut looking = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some(batch) = batches.recv(), if under_way.len() < at_once && !stands_back => {
                if rows >= runner.settings.rows_a_turn && others_wait(runner).await? {
                    stands_back = true;
                    continue;
                }
                rows += batch.0.len();
                let first = batch.0.first().map_or(0, |(position, _)| *position);
                let in_line = InLine::of(import.id, first, last.take());
                last = Some(in_line.before_next());
                under_way.push_back(take_until_it_stands(runner, &base, import, with, in_line, batch));
            }
            Some(taken) = under_way.next() => {
                if let Some(end) = taken? {
                    return Ok(Some(end));
                }
                at_once = match import.kind {
                    ImportKind::Records => in_line::at_once(&base),
                    // Each batch names organisations that are new, and the next one often the same.
                    ImportKind::Grants360Giving => 1,
                };
                // After the first batch, and whenever four times as much has come in.
                if rows >= looked_at * 4 + ROWS_AT_ONCE {
                    looked_at = rows;
                    looking.push(database::look_at_what_stands(&base));
                }
            }
            Some(looked) = looking.next() => if let Err(cause) = looked {
                tracing::warn!(%cause, "the database could not look at what stands in its tables");
            },
            else => break,
        }
    }
    Ok(stands_back.then_some(End::StandsBack))
}

/// Takes a batch in, again where it clashes with what others write; answers how the import ends where it does.
async fn take_until_it_stands(
    runner: &Runner<'_>,
    base: &DatabaseConnection,
    import: &import::Model,
    with: With<'_>,
    in_line: InLine,
    mut batch: Batch,
) -> Result<Option<End>> {
    for tried in 1.. {
        in_line.wait_to_begin(tried).await?;
        match take_batch(runner, base, import, with, &in_line, &mut batch).await {
            Ok(None) => break,
            Ok(Some(end)) => return Ok(Some(end)),
            Err(error) if tried < TRIES && is_clash(&error) => {
                tokio::time::sleep(Duration::from_millis(50 * u64::from(tried))).await;
            }
            Err(error @ Error::Database(_)) => return Err(error),
            Err(error) => {
                tracing::error!(import = %import.id, error = %error, cause = ?error, "an import's rows could not be taken in");
                let reason = "Something went wrong inside; what was taken in before stays. Ask a steward.";
                return Ok(Some(End::Refused(reason.into())));
            }
        }
    }
    in_line.say_stands();
    // Giving back what so many small parts of rows hold takes a while: the next batch need not wait for it.
    tokio::task::spawn_blocking(move || drop(batch));
    Ok(None)
}

/// Whether other imports wait for their turn.
async fn others_wait(runner: &Runner<'_>) -> Result<bool> {
    let waiting = import::Entity::find().filter(to_be_run(runner.clock.now()));
    Ok(waiting.count(runner.db).await? > 0)
}

/// Whether what failed may go well when what others write is done.
fn is_clash(error: &Error) -> bool {
    matches!(error, Error::Conflict(_) | Error::Database(_))
}

/// What the batches of an import are taken in with.
#[derive(Clone, Copy)]
struct With<'a> {
    licence: &'a str,
    places: &'a Gazetteer,
    keys: &'a DisclosureKeys,
    /// The organisation whose records were read by themselves.
    read_for: Option<&'a organisation::Model>,
}

/// Takes one batch in, in one transaction; answers how the import ends where it does.
async fn take_batch(
    runner: &Runner<'_>,
    base: &DatabaseConnection,
    import: &import::Model,
    with: With<'_>,
    in_line: &InLine,
    batch: &mut Batch,
) -> Result<Option<End>> {
    let With {
        licence,
        places,
        keys,
        read_for,
    } = with;
    let transaction = database::begin_writing(base).await?;
    let turn = in_line.begin(&transaction).await?;
    let sender = member::Entity::find_by_id(import.member_id)
        .one(&transaction)
        .await?;
    let Some(sender) = sender.filter(|sender| sender.revoked_at.is_none()) else {
        let reason = "Whoever sent the file is no member any more.";
        return Ok(Some(End::Refused(reason.into())));
    };
    let sender = Member {
        id: sender.id,
        subject: sender.subject,
        role: sender.role,
        organisation: sender.organisation_id,
        token: None,
    };
    // It may have been merged into another since the import was begun.
    let import = &import::Entity::find_by_id(import.id)
        .one(&transaction)
        .await?
        .unwrap_or_else(|| import.clone());
    let is_own =
        sender.role.can(Capability::ActForAnyOrganisation) || sender.organisation == import.organisation_id;
    if !may_import(sender.role, import.kind) || !is_own {
        let reason = "Whoever sent the file may not send it in any more.";
        return Ok(Some(End::Refused(reason.into())));
    }
    let organisation = match import.organisation_id {
        None => None,
        Some(id) => {
            let found = organisation::Entity::find_by_id(id).one(&transaction).await?;
            let gone = || {
                Error::Conflict(format!(
                    "the organisation of import {} is being merged",
                    import.id
                ))
            };
            Some(found.ok_or_else(gone)?)
        }
    };
    let reason = format!("imported from {}", import.file_name);
    let act = Act {
        clock: runner.clock,
        member: Some(sender.id),
        reason: &reason,
    };
    let Taken { came, changes } = match (import.kind, &organisation) {
        (ImportKind::Records, None) => {
            return Err(Error::Internal(format!(
                "import {} is of no organisation",
                import.id
            )));
        }
        (ImportKind::Records, Some(organisation)) => {
            let taking = records::Taking {
                act: &act,
                places,
                keys,
                member: &sender,
                organisation,
                import,
            };
            taking.take(&transaction, &mut batch.0, read_for).await?
        }
        (ImportKind::Grants360Giving, funder) => {
            let taking = grants::Taking {
                act: &act,
                places,
                keys,
                funder: funder.as_ref(),
                licence,
            };
            taking.take(&transaction, batch.0.clone()).await?
        }
    };
    batch::write(&transaction, &act, import.id, &came).await?;
    turn.wait_for_before(&transaction).await?;
    if !batch::count(&transaction, &act, import.id, runner.id, &came).await? {
        return Ok(Some(End::Lost));
    }
    change::append(&transaction, &act, &changes).await?;
    change::tell(&transaction).await?;
    database::commit(transaction).await?;
    runner.tell_changed();
    Ok(None)
}

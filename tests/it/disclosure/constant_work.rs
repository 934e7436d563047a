//! The work to count a suppressed cell and a disclosed one.

use std::sync::{Arc, Mutex};

use sea_orm::EntityTrait;
use uuid::Uuid;
use wayin::pattern::engine::{EngineSettings, PatternEngine};
use wayin_engine::count::layout::{BlockShape, IllustrativeApartLayout, Layout, RowCells};
use wayin_engine::count::{PopulationCounter, RawCell};
use wayin_engine::disclosure::{SuppressionRule, disclose};
use wayin_engine::index::Chunk;
use wayin_engine::predicate::Predicate;
use wayin_engine::query::{RecordScope, Viewpoint};
use wayin_engine::visibility::Reader;
use wayin_entity::initiative;

use super::fixture::{RecordGenerator, SEED, large_place, start_empty};
use crate::support::app::TestApp;
use crate::support::builders::withdraw;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![suppressed_and_disclosed_cells_are_counted_by_the_same_steps];

/// A layout that records which chunks it is asked for, and their numbers of rows.
struct RecordingLayout<'a> {
    layout: &'a dyn Layout,
    asked: Mutex<Vec<(usize, usize)>>,
}

impl Layout for RecordingLayout<'_> {
    fn shape(&self) -> BlockShape {
        self.layout.shape()
    }

    fn block_count(&self) -> usize {
        self.layout.block_count()
    }

    fn write_cells(&self, position: usize, chunk: &Chunk, into: &mut RowCells) {
        self.asked
            .lock()
            .expect("nobody panicked")
            .push((position, chunk.len()));
        self.layout.write_cells(position, chunk, into);
    }
}

/// The chunks that were read, each with its number of rows, the raw cell and its suppression rule.
type RecordedCount = (Vec<(usize, usize)>, RawCell, Option<SuppressionRule>);

/// Counts the same records three times. First, 60 hidden records of forty organisations: the count is
/// disclosed. Then two organisations lead them: the count is suppressed. Then they are open: there are no
/// hidden records. Each time, the layout is read twice for every chunk, once for the counts and once for the
/// largest organisation, whatever the first pass found. The disclosed count is then a function of five numbers,
/// which evaluates every rule before it uses any of them.
///
/// This shows that no pass is skipped because a cell is suppressed. It does not show that the passes take the
/// same time: they read the rows that are counted, so large counts take longer than small ones, as with exact
/// answers.
async fn suppressed_and_disclosed_cells_are_counted_by_the_same_steps(database: Database) {
    let app = start_empty(database).await;
    let viewpoint = Viewpoint {
        reader: Reader::Dashboard,
        scope: RecordScope::All,
    };
    let mut found: Vec<RecordedCount> = Vec::new();
    for (visibility, leads) in [("AGGREGATE_ONLY", 40), ("AGGREGATE_ONLY", 2), ("OPEN", 2)] {
        let mut chance = RecordGenerator::new(SEED);
        let records: Vec<_> = (0..60)
            .map(|at| {
                let record = chance.open_record(&format!("{visibility}-{leads}-{at}"), &large_place(0));
                let lead = format!("GB-CHC-{}", 5_000 + at % leads);
                record.led_by(&lead).with("visibility", visibility).build()
            })
            .collect();
        for standing in list_published_ids(&app).await {
            withdraw(&app, standing).await;
        }
        app.publish(&records).await;
        // A separate engine, so that all existing records are counted.
        let engine = Arc::new(PatternEngine::new(EngineSettings::default()).expect("it starts"));
        engine
            .catch_up(&app.app.db, &|_| ())
            .await
            .expect("it reads the database");
        let watched = engine
            .view()
            .expect("it is ready")
            .run_query(move |base| {
                let everything = Predicate::ALWAYS_TRUE;
                let counting = PopulationCounter::new(base, viewpoint, &everything);
                let layout = RecordingLayout {
                    layout: &IllustrativeApartLayout { by: None },
                    asked: Mutex::default(),
                };
                let cell = counting.count_layout(&layout)?[0];
                let mut asked = layout.asked.into_inner().expect("nobody panicked");
                asked.sort_unstable();
                Ok((asked, cell, disclose(&cell, base.noise).suppressed))
            })
            .await
            .expect("it is answered");
        found.push(watched);
    }
    let [shown, few, none] = found.as_slice() else {
        panic!("three were counted");
    };
    assert_eq!((shown.1.hidden, shown.2), (60, None), "{shown:?}");
    assert_eq!(
        (few.1.hidden, few.2),
        (60, Some(SuppressionRule::FewOrganisations)),
        "{few:?}"
    );
    assert_eq!(
        (none.1.hidden, none.2),
        (0, Some(SuppressionRule::SmallCount)),
        "{none:?}"
    );
    assert_eq!(shown.0, [(0, 60), (0, 60)], "every chunk is read twice");
    assert_eq!(
        few.0, shown.0,
        "a suppressed cell is read in the same way as a disclosed one"
    );
    assert_eq!(
        none.0, shown.0,
        "an empty cell is read in the same way as a full one"
    );
}

/// The ids of the initiatives that are not withdrawn.
async fn list_published_ids(app: &TestApp) -> Vec<Uuid> {
    let rows = initiative::Entity::find().all(&app.app.db).await.unwrap();
    let standing = rows.into_iter().filter(|row| row.withdrawn_at.is_none());
    standing.map(|row| row.id).collect()
}

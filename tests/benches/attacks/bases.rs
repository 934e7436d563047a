//! What is attacked: the bases, their keys, the askers and the targets.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::DateTime;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng, SeedableRng};
use sea_orm_migration::MigratorTrait;
use uuid::Uuid;
use wayin::change_log::ActionContext;
use wayin::clock::FixedClock;
use wayin::load_sample::load_sample;
use wayin::pattern::engine::{EngineSettings, PatternEngine};
use wayin_engine::disclosure::classes::key_variables::KeyPriority;
use wayin_engine::disclosure::classes::{BothClasses, HiddenClasses, StoredClass};
use wayin_engine::index::{IndexedInitiative, Snapshot};
use wayin_engine::visibility::{Audience, Reader};
use wayin_entity::Visibility;
use wayin_migration::Migrator;

use crate::ask::{Asker, Tools};
use crate::conditions::{VALUE_COUNT, find_secret};
use crate::{BenchError, Sizes};

/// Loads the records of the demonstration, as `wayin demo` does.
pub async fn load_demonstration() -> Result<Snapshot, BenchError> {
    let folder = tempfile::tempdir()?;
    let url = format!(
        "sqlite://{}?mode=rwc",
        folder.path().join("demonstration.db").display()
    );
    let db = wayin::database::connect(&url).await?;
    let clock = FixedClock::at(DateTime::from_timestamp(1_735_689_600, 0).unwrap_or_default());
    Migrator::up(&db, None).await?;
    wayin::instance::ensure_instance(&db, &clock).await?;
    let act = ActionContext {
        clock: &clock,
        member: None,
        reason: "example evidence",
    };
    load_sample(&db, &act, wayin_sample::generate_evidence()).await?;
    let engine = PatternEngine::new(EngineSettings::default())?;
    engine.catch_up(&db, &|_| ()).await?;
    let snapshot = Arc::unwrap_or_clone(engine.snapshot()?);
    db.close().await?;
    Ok(snapshot)
}

/// The records at one moment, with the classes of each audience.
pub struct Release {
    pub snapshot: Snapshot,
    pub classes: BothClasses,
    /// The classes, as the database has them.
    pub stored: Vec<StoredClass>,
    /// The number of the class that was formed last.
    last_class: u128,
}

impl Release {
    /// The release of some records of which no class was formed before.
    pub fn first(snapshot: Snapshot) -> Self {
        let unclassed = Self {
            classes: HiddenClasses::none(&snapshot, KeyPriority::default()),
            snapshot,
            stored: Vec::new(),
            last_class: 0,
        };
        unclassed.form_classes()
    }

    /// The release after some records are published or changed.
    pub fn publish(&self, rows: Vec<IndexedInitiative>) -> Self {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let mut snapshot = self.snapshot.clone();
        snapshot.apply(rows, Vec::new());
        let changed = Self {
            classes: HiddenClasses::follow(&self.classes, &self.snapshot, &snapshot, &ids),
            snapshot,
            stored: self.stored.clone(),
            last_class: self.last_class,
        };
        changed.form_classes()
    }

    /// The release on a server that has restarted, and has read the stored classes.
    pub fn restart(self) -> Self {
        let none = HiddenClasses::none(&self.snapshot, KeyPriority::default());
        let all_ids = self.stored.iter().map(|class| class.id).collect();
        // As the server would load them from the revisions.
        let old_rows: Vec<IndexedInitiative> = self.classes[0]
            .list_frozen_chunks()
            .iter()
            .flat_map(|chunk| chunk.unpack())
            .collect();
        let formed_at = self.snapshot.as_of;
        let restarted = Self {
            classes: HiddenClasses::add_stored(&none, &self.stored, &all_ids, old_rows, formed_at),
            ..self
        };
        restarted.form_classes()
    }

    /// Forms classes of the hidden records that are in none, if these are enough.
    fn form_classes(self) -> Self {
        let mut last_class = self.last_class;
        let new_id = || {
            last_class += 1;
            Uuid::from_u128(last_class)
        };
        match HiddenClasses::form(&self.classes, new_id) {
            Some(formation) => {
                let mut stored = [self.stored, formation.new].concat();
                stored.retain(|class| !formation.replaced.contains(&class.id));
                Self {
                    classes: formation.classes,
                    stored,
                    snapshot: self.snapshot,
                    last_class,
                }
            }
            None => self,
        }
    }
}

/// A base whose records have the keys of one secret of an instance.
pub struct World {
    pub release: Release,
    /// The records in the order of their ids.
    pub rows: Vec<IndexedInitiative>,
    pub tools: Tools,
}

impl World {
    /// Draws new keys for the records of a base.
    pub fn new(base: &Snapshot, secret: u64) -> Self {
        let mut random = StdRng::seed_from_u64(secret);
        let mut rows: Vec<IndexedInitiative> = base.chunks.iter().flat_map(|chunk| chunk.unpack()).collect();
        rows.iter_mut().for_each(|row| row.cell_key = random.random());
        let mut snapshot = Snapshot {
            chunks: Vec::new(),
            ..base.clone()
        };
        snapshot.apply(rows.clone(), Vec::new());
        Self {
            release: Release::first(snapshot),
            rows,
            tools: Tools::default(),
        }
    }
}

/// Who attacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AskerKind {
    /// A dashboard.
    Dashboard,
    /// The organisation that funds most records hidden from members.
    Funder,
    /// The organisation that leads most records hidden from members.
    Partner,
}

impl AskerKind {
    pub const ALL: [Self; 3] = [Self::Dashboard, Self::Funder, Self::Partner];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Dashboard => "dashboard",
            Self::Funder => "funder",
            Self::Partner => "partner",
        }
    }

    fn find_reader(self, world: &World) -> Reader {
        let hidden = world
            .rows
            .iter()
            .filter(|row| row.visibility == Visibility::AggregateOnly);
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        match self {
            Self::Dashboard => return Reader::Dashboard,
            Self::Funder => hidden
                .flat_map(list_funders)
                .for_each(|funder| *counts.entry(funder).or_default() += 1),
            Self::Partner => hidden.for_each(|row| *counts.entry(row.lead).or_default() += 1),
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        let number = most.map_or(0, |(number, _)| number);
        Reader::Member {
            organisation: world.release.snapshot.organisations.get(number).id,
        }
    }
}

/// The numbers of the funders of a record.
pub fn list_funders(row: &IndexedInitiative) -> BTreeSet<u32> {
    row.terms.iter().map(|term| term.funder).collect()
}

/// A record whose secret is attacked.
#[derive(Clone, Copy)]
pub struct Target<'w> {
    /// The position among the rows of the world.
    pub index: usize,
    pub row: &'w IndexedInitiative,
    pub class: u32,
    /// The true value.
    pub secret: usize,
    /// The commonest value of its class.
    pub majority: usize,
}

/// One asker in one world.
pub struct Session<'w> {
    pub world: &'w World,
    pub kind: AskerKind,
    pub asker: Asker<'w>,
    pub sizes: Sizes,
    /// The positions of the rows that are hidden from the asker.
    hidden: Vec<usize>,
    class_of_row: Vec<Option<u32>>,
    members: HashMap<u32, Vec<usize>>,
    majorities: HashMap<u32, usize>,
}

impl<'w> Session<'w> {
    pub fn new(world: &'w World, kind: AskerKind, sizes: Sizes) -> Self {
        let reader = kind.find_reader(world);
        let audience = reader.audience().unwrap_or(Audience::Dashboards);
        let snapshot = &world.release.snapshot;
        let organisation = reader
            .organisation()
            .and_then(|id| snapshot.organisations.number(id));
        let is_hidden = |row: &IndexedInitiative| {
            let leads = organisation == Some(row.lead);
            let funds = organisation.is_some_and(|own| list_funders(row).contains(&own));
            !reader.can_view_fully(row.visibility, row.shared_with_funders, leads, funds)
        };
        let hidden = (0..world.rows.len()).filter(|index| is_hidden(&world.rows[*index]));
        let class_of_row = list_classes(snapshot, &world.release.classes[audience as usize]);
        let mut members: HashMap<u32, Vec<usize>> = HashMap::new();
        for (index, class) in class_of_row.iter().enumerate() {
            if let Some(class) = class {
                members.entry(*class).or_default().push(index);
            }
        }
        let majority = |indexes: &Vec<usize>| {
            find_commonest(indexes.iter().map(|index| find_secret(&world.rows[*index])))
        };
        Self {
            majorities: members
                .iter()
                .map(|(class, indexes)| (*class, majority(indexes)))
                .collect(),
            hidden: hidden.collect(),
            asker: Asker::new(&world.release, &world.tools, reader),
            world,
            kind,
            sizes,
            class_of_row,
            members,
        }
    }

    /// The positions of the rows that are hidden from the asker.
    pub fn hidden(&self) -> &[usize] {
        &self.hidden
    }

    /// The records that are hidden from the asker.
    pub fn hidden_rows(&self) -> impl Iterator<Item = &'w IndexedInitiative> + '_ {
        self.hidden.iter().map(move |index| &self.world.rows[*index])
    }

    /// The records of a class.
    pub fn list_members(&self, class: u32) -> impl Iterator<Item = &'w IndexedInitiative> + '_ {
        self.members[&class]
            .iter()
            .map(move |index| &self.world.rows[*index])
    }

    /// Whether the class of a record has the description of the target's class.
    pub fn is_described_alike(&self, index: usize, target: &Target<'_>) -> bool {
        let audience = self.asker.reader().audience().unwrap_or(Audience::Dashboards);
        let classes = &self.world.release.classes[audience as usize];
        let description = |class| classes.description_of(class);
        self.class_of_row[index].and_then(description) == description(target.class)
    }

    /// How many records of a class have each value of the secret.
    pub fn count_members(&self, class: u32) -> [usize; VALUE_COUNT] {
        let mut counts = [0; VALUE_COUNT];
        self.list_members(class)
            .for_each(|row| counts[find_secret(row)] += 1);
        counts
    }

    /// Draws the targets of an attack from the hidden records in a class that fit. Takes those that it prefers first.
    pub fn pick(
        &self,
        random: &mut StdRng,
        fits: impl Fn(&Target<'_>) -> bool,
        prefers: impl Fn(&Target<'_>) -> bool,
    ) -> Vec<Target<'w>> {
        let targets = self.hidden.iter().filter_map(|index| self.find_target(*index));
        let mut targets: Vec<Target<'w>> = targets.filter(|target| fits(target)).collect();
        targets.shuffle(random);
        targets.sort_by_cached_key(|target| !prefers(target));
        targets.truncate(self.sizes.targets);
        targets
    }

    /// Draws targets from all hidden records in a class.
    pub fn pick_any(&self, random: &mut StdRng) -> Vec<Target<'w>> {
        self.pick(random, |_| true, |_| true)
    }

    fn find_target(&self, index: usize) -> Option<Target<'w>> {
        let class = self.class_of_row[index]?;
        let row = &self.world.rows[index];
        Some(Target {
            index,
            row,
            class,
            secret: find_secret(row),
            majority: self.majorities[&class],
        })
    }
}

/// The class of each row of a snapshot; none if it is in no class.
fn list_classes(snapshot: &Snapshot, classes: &HiddenClasses) -> Vec<Option<u32>> {
    let mut class_of_row = Vec::with_capacity(snapshot.len());
    for position in 0..snapshot.chunks.len() {
        let classed = classes.find_classed_rows(position);
        let of_rows = classes.class_of_rows(position).iter().enumerate();
        class_of_row.extend(of_rows.map(|(row, class)| classed.contains(row).then_some(*class)));
    }
    class_of_row
}

/// The commonest of some values, or the first of several.
pub fn find_commonest(values: impl IntoIterator<Item = usize>) -> usize {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let most = counts.values().max().copied().unwrap_or(0);
    let found = counts.into_iter().find(|(_, count)| *count == most);
    found.map_or(0, |(value, _)| value)
}

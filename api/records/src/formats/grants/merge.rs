//! Rows that share an identifier are one grant, wherever in the file they are.
//!
//! The file is read twice: first to count the rows of each identifier, of which a hash is kept, and then to hand over
//! its grants. Only grants of several rows wait, until the last of them has been read.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::ControlFlow;

use super::super::file_record::Cell;
use super::super::{Refusal, Row};
use super::draft::{AmountText, FieldNames, GrantRow, Numbered, PartyPart, path};
use super::whole::finish;
use super::{Grant, OwnTerms, Period};
use crate::spelling;
use crate::text::quoted;

/// The most recipients, funders, programmes and periods, of each, that rows may add to one grant.
pub(super) const MAX_ITEMS_OF_GRANT: usize = 1_000;
/// The most locations of one grant.
pub(super) const MAX_LOCATIONS_OF_GRANT: usize = 20_000;

/// How many rows there are of each identifier, in any upper or lower case, by its hash.
#[derive(Default)]
pub(super) struct RowCounts(HashMap<u64, u32>);

impl RowCounts {
    pub(super) fn count(&mut self, row: &GrantRow) {
        if let Some(identifier) = &row.identifier {
            *self.0.entry(hash_of(identifier)).or_default() += 1;
        }
    }

    fn of(&self, hash: u64) -> u32 {
        self.0.get(&hash).copied().unwrap_or(1)
    }
}

/// The same in every process, so that an import that goes on meets grants in the same order.
fn hash_of(identifier: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    spelling::fold(identifier).hash(&mut hasher);
    hasher.finish()
}

/// A grant of which some rows were read.
pub(super) struct Partly {
    /// Where its first row is.
    pub(super) at: Cell,
    pub(super) row: GrantRow,
    pub(super) rows: u32,
}

/// Grants whose identifiers have one hash: but for rare chance, they differ in upper and lower case only.
struct Alike {
    /// When the first row of the first was read.
    order: usize,
    rows: u32,
    grants: Vec<Partly>,
}

/// Hands over grants, those of several rows as one.
pub(super) struct Merging<'a, F> {
    counts: RowCounts,
    waiting: HashMap<u64, Alike>,
    begun: usize,
    each: &'a mut F,
}

impl<'a, F: FnMut(Cell, Row<Grant>) -> ControlFlow<()>> Merging<'a, F> {
    pub(super) fn new(counts: RowCounts, each: &'a mut F) -> Self {
        Self {
            counts,
            waiting: HashMap::new(),
            begun: 0,
            each,
        }
    }

    pub(super) fn take(&mut self, at: Cell, row: GrantRow) -> ControlFlow<()> {
        let Some(identifier) = &row.identifier else {
            let grant = finish(
                Partly {
                    at: at.clone(),
                    row,
                    rows: 1,
                },
                None,
            );
            return (self.each)(at, grant);
        };
        let hash = hash_of(identifier);
        let rows = self.counts.of(hash);
        self.begun += 1;
        let order = self.begun;
        let mut alike = self.waiting.remove(&hash).unwrap_or(Alike {
            order,
            rows: 0,
            grants: Vec::new(),
        });
        alike.rows += 1;
        let known = alike
            .grants
            .iter_mut()
            .find(|one| one.row.identifier == row.identifier);
        match known {
            Some(partly) => partly.add(&at, row),
            None => alike.grants.push(Partly::begin(at, row)),
        }
        if alike.rows < rows {
            self.waiting.insert(hash, alike);
            return ControlFlow::Continue(());
        }
        self.hand_over(alike)
    }

    /// Hands over what still waits, where the file broke off before the last row of a grant.
    pub(super) fn end(mut self) {
        let mut waiting: Vec<Alike> = std::mem::take(&mut self.waiting).into_values().collect();
        waiting.sort_unstable_by_key(|alike| alike.order);
        for alike in waiting {
            if self.hand_over(alike).is_break() {
                return;
            }
        }
    }

    fn hand_over(&mut self, alike: Alike) -> ControlFlow<()> {
        let others: Vec<(String, Cell)> = match &alike.grants[..] {
            [_] => Vec::new(),
            grants => grants.iter().map(identified).collect(),
        };
        for (index, partly) in alike.grants.into_iter().enumerate() {
            let at = partly.at.clone();
            let other = others
                .iter()
                .enumerate()
                .find(|(other, (identifier, _))| *other != index && is_other_case(identifier, &partly.row))
                .map(|(_, other)| other);
            (self.each)(at, finish(partly, other))?;
        }
        ControlFlow::Continue(())
    }
}

fn identified(partly: &Partly) -> (String, Cell) {
    (
        partly.row.identifier.clone().unwrap_or_default(),
        partly.at.clone(),
    )
}

fn is_other_case(identifier: &str, row: &GrantRow) -> bool {
    let own = row.identifier.as_deref().unwrap_or_default();
    own != identifier && spelling::fold(own) == spelling::fold(identifier)
}

pub(super) fn about(at: &Cell, field: &str, reason: String) -> Refusal {
    Refusal {
        sheet: at.sheet.clone(),
        row: at.row,
        field: field.to_owned(),
        reason,
    }
}

/// The row, with its sheet where that is another than the one that is written from.
pub(super) fn row_in_words(at: &Cell, from: &Cell) -> String {
    match &at.sheet {
        Some(sheet) if from.sheet != at.sheet => format!("row {} of the sheet {}", at.row, quoted(sheet)),
        _ => format!("row {}", at.row),
    }
}

impl Partly {
    /// A grant by its first row.
    fn begin(at: Cell, mut row: GrantRow) -> Self {
        let mut adding = Adding {
            first_at: &at,
            at: &at,
            names: &row.names,
            warnings: &mut row.warnings,
        };
        let (recipients, funders) = (
            std::mem::take(&mut row.recipients),
            std::mem::take(&mut row.funders),
        );
        let (programmes, periods) = (
            std::mem::take(&mut row.programmes),
            std::mem::take(&mut row.periods),
        );
        adding.parties(RECIPIENTS, &mut row.recipients, recipients);
        adding.parties(FUNDERS, &mut row.funders, funders);
        adding.programmes(&mut row.programmes, programmes);
        adding.periods(&mut row.periods, periods);
        Self { at, row, rows: 1 }
    }

    /// Adds a further row to what the rows before it say.
    fn add(&mut self, at: &Cell, more: GrantRow) {
        self.rows += 1;
        let row = &mut self.row;
        // What is found missing is named as in the table that should have it.
        let takes_names = row.only_adds;
        row.person = row.person.take().or(more.person);
        row.only_adds &= more.only_adds;
        row.refusals.extend(more.refusals);
        row.warnings.extend(more.warnings);
        let mut adding = Adding {
            first_at: &self.at,
            at,
            names: &more.names,
            warnings: &mut row.warnings,
        };
        adding.join(path::TITLE, &mut row.title, more.title);
        adding.join(path::DESCRIPTION, &mut row.description, more.description);
        adding.join(path::CURRENCY, &mut row.currency, more.currency);
        adding.amount(&mut row.amount, more.amount, row.currency.as_deref());
        adding.join(path::AWARDED_ON, &mut row.awarded_on, more.awarded_on);
        adding.join(path::DATA_SOURCE, &mut row.data_source, more.data_source);
        adding.own_terms(&mut row.own, more.own);
        adding.parties(RECIPIENTS, &mut row.recipients, more.recipients);
        adding.parties(FUNDERS, &mut row.funders, more.funders);
        adding.programmes(&mut row.programmes, more.programmes);
        adding.periods(&mut row.periods, more.periods);
        if row.locations.len() <= MAX_LOCATIONS_OF_GRANT {
            row.locations.extend(more.locations);
        }
        if takes_names {
            row.names = more.names;
        }
    }
}

/// A list of organisations: the paths of an identifier and of a name, and what each is called.
#[derive(Clone, Copy)]
struct Parties {
    id: &'static str,
    name: &'static str,
    noun: &'static str,
}

const RECIPIENTS: Parties = Parties {
    id: path::RECIPIENT_ID,
    name: path::RECIPIENT_NAME,
    noun: "recipient",
};
const FUNDERS: Parties = Parties {
    id: path::FUNDER_ID,
    name: path::FUNDER_NAME,
    noun: "funder",
};

/// What a row adds to a grant, and how that differs from what is known of it.
struct Adding<'a> {
    first_at: &'a Cell,
    at: &'a Cell,
    names: &'a FieldNames,
    warnings: &'a mut Vec<Refusal>,
}

impl Adding<'_> {
    fn warn(&mut self, path: &str, reason: String) {
        let warning = about(self.at, self.names.of(path), reason);
        self.warnings.push(warning);
    }

    /// Warns that a value is not the one of the rows before, which stays.
    fn contradicts(&mut self, path: &str, known: &str, more: &str) {
        let before = row_in_words(self.first_at, self.at);
        let (known, more) = (quoted(known), quoted(more));
        self.warn(
            path,
            format!("is {more}, and {known} in {before}, which has the same identifier; {known} is kept"),
        );
    }

    fn join<T: PartialEq + ToString>(&mut self, path: &str, known: &mut Option<T>, more: Option<T>) {
        match (&*known, more) {
            (_, None) => {}
            (None, more) => *known = more,
            (Some(known), Some(more)) if *known == more => {}
            (Some(known), Some(more)) => self.contradicts(path, &known.to_string(), &more.to_string()),
        }
    }

    fn amount(&mut self, known: &mut Option<AmountText>, more: Option<AmountText>, currency: Option<&str>) {
        let minor = |text: &AmountText| {
            let amount = text
                .parse()
                .and_then(|amount| amount.rounded(currency.unwrap_or("GBP")));
            amount.ok().map(|rounded| rounded.minor)
        };
        match (&*known, more) {
            (_, None) => {}
            (None, more) => *known = more,
            (Some(known), Some(more)) if minor(known).is_some_and(|amount| Some(amount) == minor(&more)) => {}
            (Some(known), Some(more)) => self.contradicts(path::AMOUNT, known.text(), more.text()),
        }
    }

    fn own_terms(&mut self, known: &mut Option<OwnTerms>, more: Option<OwnTerms>) {
        match (&*known, more) {
            (_, None) => {}
            (None, more) => *known = more,
            (Some(known), Some(more)) if *known == more => {}
            (Some(_), Some(_)) => {
                let before = row_in_words(self.first_at, self.at);
                let reason =
                    format!("differs from that in {before}, which has the same identifier and is kept");
                self.warn(path::OWN, reason);
            }
        }
    }

    /// Warns that something is one more than a record has room for.
    fn is_further(&mut self, path: &str, number: u32, noun: &str, shown: &str) {
        let (field, shown) = (path::of_item(path, number), quoted(shown));
        self.warn(
            &field,
            format!(
                "{shown} is a further {noun} of the grant; its record has room for one, and an export of grants has all"
            ),
        );
    }

    fn parties(&mut self, of: Parties, known: &mut Vec<Numbered<PartyPart>>, more: Vec<Numbered<PartyPart>>) {
        for one in more {
            if let Some(same) = known.iter_mut().find(|known| known.value.may_be(&one.value)) {
                let (known, more) = (&mut same.value, one.value);
                known.identifier = known.identifier.take().or(more.identifier);
                match (&known.name, more.name) {
                    (None, name) => known.name = name,
                    (Some(known), Some(more)) if spelling::fold(known) != spelling::fold(&more) => {
                        self.contradicts(&path::of_item(of.name, one.number), known, &more);
                    }
                    _ => {}
                }
            } else {
                if !known.is_empty() {
                    let shown = one.value.name.as_deref().or(one.value.identifier.as_deref());
                    let path = if one.value.name.is_some() { of.name } else { of.id };
                    self.is_further(path, one.number, of.noun, shown.unwrap_or_default());
                }
                if known.len() <= MAX_ITEMS_OF_GRANT {
                    known.push(one);
                }
            }
        }
    }

    fn programmes(&mut self, known: &mut Vec<Numbered<String>>, more: Vec<Numbered<String>>) {
        for one in more {
            if known.iter().any(|known| known.value == one.value) {
                continue;
            }
            if !known.is_empty() {
                self.is_further(path::PROGRAMME, one.number, "programme", &one.value);
            }
            if known.len() <= MAX_ITEMS_OF_GRANT {
                known.push(one);
            }
        }
    }

    fn periods(&mut self, known: &mut Vec<Numbered<Period>>, more: Vec<Numbered<Period>>) {
        for one in more {
            if known.iter_mut().any(|known| known.value.takes(&one.value)) {
                continue;
            }
            if !known.is_empty() {
                let Period {
                    starts_on,
                    ends_on,
                    duration_months,
                } = &one.value;
                let days = [starts_on, ends_on]
                    .into_iter()
                    .flatten()
                    .map(ToString::to_string);
                let mut shown = days.collect::<Vec<_>>().join(" to ");
                let mut field = path::STARTS_ON;
                if starts_on.is_none() {
                    field = path::ENDS_ON;
                }
                if let (true, Some(months)) = (shown.is_empty(), duration_months) {
                    (shown, field) = (format!("{months} months"), path::DURATION);
                }
                self.is_further(field, one.number, "period", &shown);
            }
            if known.len() <= MAX_ITEMS_OF_GRANT {
                known.push(one);
            }
        }
    }
}

impl Period {
    /// Adds what another says, where the two do not contradict each other.
    fn takes(&mut self, more: &Self) -> bool {
        fn agree<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
            one.zip(other).is_none_or(|(one, other)| one == other)
        }
        let is_same = agree(self.starts_on.as_ref(), more.starts_on.as_ref())
            && agree(self.ends_on.as_ref(), more.ends_on.as_ref())
            && agree(self.duration_months.as_ref(), more.duration_months.as_ref());
        if is_same {
            self.starts_on = self.starts_on.or(more.starts_on);
            self.ends_on = self.ends_on.or(more.ends_on);
            self.duration_months = self.duration_months.or(more.duration_months);
        }
        is_same
    }
}

impl PartyPart {
    /// Whether both name one organisation: by their identifiers, or else by their names; one of an identifier alone may
    /// have the name that another row gives alone.
    fn may_be(&self, other: &Self) -> bool {
        let folded = |name: &Option<String>| name.as_deref().map(spelling::fold);
        match (&self.identifier, &other.identifier) {
            (Some(one), Some(other)) => spelling::org_id(one) == spelling::org_id(other),
            (Some(_), None) => self.name.is_none() || folded(&self.name) == folded(&other.name),
            (None, Some(_)) => other.name.is_none() || folded(&self.name) == folded(&other.name),
            (None, None) => folded(&self.name) == folded(&other.name),
        }
    }
}

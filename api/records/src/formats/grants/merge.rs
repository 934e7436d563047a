//! Rows that share an identifier are one grant, wherever in the file they are.
//!
//! The file is read twice: first to count the rows of each identifier, of which a hash is kept, and then to hand over
//! its grants. Only grants of several rows wait, until the last of them has been read.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::ControlFlow;

use super::super::file_record::CellPosition;
use super::super::{ParsedRowResult, RowProblem};
use super::completion::complete_grant;
use super::row_parser::{AmountText, FieldNames, GrantRow, NumberedItem, PartialParty, path};
use super::{Grant, Period, WayinTerms};
use crate::normalisation;
use crate::text::quote;

/// The most recipients, funders, programmes and periods, of each, that rows may add to one grant.
pub(super) const MAX_ITEMS_OF_GRANT: usize = 1_000;
/// The most locations of one grant.
pub(super) const MAX_LOCATIONS_OF_GRANT: usize = 20_000;

/// How many rows there are of each identifier, in any upper or lower case, by its hash.
#[derive(Default)]
pub(super) struct RowCounts(HashMap<u64, u32>);

impl RowCounts {
    pub(super) fn add(&mut self, row: &GrantRow) {
        if let Some(identifier) = &row.identifier {
            *self.0.entry(hash_identifier(identifier)).or_default() += 1;
        }
    }

    fn get(&self, hash: u64) -> u32 {
        self.0.get(&hash).copied().unwrap_or(1)
    }
}

/// The same in every process, so that an import that goes on meets grants in the same order.
fn hash_identifier(identifier: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    normalisation::fold_name(identifier).hash(&mut hasher);
    hasher.finish()
}

/// A grant of which some rows were read.
pub(super) struct PartialGrant {
    /// Where its first row is.
    pub(super) position: CellPosition,
    pub(super) row: GrantRow,
    pub(super) rows: u32,
}

/// Grants whose identifiers have one hash: but for rare chance, they differ in upper and lower case only.
struct GrantsWithSameHash {
    /// When the first row of the first was read.
    order: usize,
    rows: u32,
    grants: Vec<PartialGrant>,
}

/// Hands over grants, those of several rows as one.
pub(super) struct GrantMerger<'a, F> {
    counts: RowCounts,
    pending: HashMap<u64, GrantsWithSameHash>,
    started_count: usize,
    each: &'a mut F,
}

impl<'a, F: FnMut(CellPosition, ParsedRowResult<Grant>) -> ControlFlow<()>> GrantMerger<'a, F> {
    pub(super) fn new(counts: RowCounts, each: &'a mut F) -> Self {
        Self {
            counts,
            pending: HashMap::new(),
            started_count: 0,
            each,
        }
    }

    pub(super) fn add_row(&mut self, at: CellPosition, row: GrantRow) -> ControlFlow<()> {
        let Some(identifier) = &row.identifier else {
            let grant = complete_grant(
                PartialGrant {
                    position: at.clone(),
                    row,
                    rows: 1,
                },
                None,
            );
            return (self.each)(at, grant);
        };
        let hash = hash_identifier(identifier);
        let rows = self.counts.get(hash);
        self.started_count += 1;
        let order = self.started_count;
        let mut alike = self.pending.remove(&hash).unwrap_or(GrantsWithSameHash {
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
            Some(partly) => partly.add_row(&at, row),
            None => alike.grants.push(PartialGrant::from_first_row(at, row)),
        }
        if alike.rows < rows {
            self.pending.insert(hash, alike);
            return ControlFlow::Continue(());
        }
        self.emit(alike)
    }

    /// Hands over what still waits, where the file broke off before the last row of a grant.
    pub(super) fn finish(mut self) {
        let mut waiting: Vec<GrantsWithSameHash> = std::mem::take(&mut self.pending).into_values().collect();
        waiting.sort_unstable_by_key(|alike| alike.order);
        for alike in waiting {
            if self.emit(alike).is_break() {
                return;
            }
        }
    }

    fn emit(&mut self, alike: GrantsWithSameHash) -> ControlFlow<()> {
        let others: Vec<(String, CellPosition)> = match &alike.grants[..] {
            [_] => Vec::new(),
            grants => grants.iter().map(identifier_and_position).collect(),
        };
        for (index, partly) in alike.grants.into_iter().enumerate() {
            let at = partly.position.clone();
            let other = others
                .iter()
                .enumerate()
                .find(|(other, (identifier, _))| {
                    *other != index && differs_only_in_case(identifier, &partly.row)
                })
                .map(|(_, other)| other);
            (self.each)(at, complete_grant(partly, other))?;
        }
        ControlFlow::Continue(())
    }
}

fn identifier_and_position(partly: &PartialGrant) -> (String, CellPosition) {
    (
        partly.row.identifier.clone().unwrap_or_default(),
        partly.position.clone(),
    )
}

fn differs_only_in_case(identifier: &str, row: &GrantRow) -> bool {
    let own = row.identifier.as_deref().unwrap_or_default();
    own != identifier && normalisation::fold_name(own) == normalisation::fold_name(identifier)
}

pub(super) fn new_problem(at: &CellPosition, field: &str, reason: String) -> RowProblem {
    RowProblem {
        sheet: at.sheet.clone(),
        row: at.row,
        field: field.to_owned(),
        reason,
    }
}

/// The row, with its sheet where that is another than the one that is written from.
pub(super) fn describe_row(at: &CellPosition, from: &CellPosition) -> String {
    match &at.sheet {
        Some(sheet) if from.sheet != at.sheet => format!("row {} of the sheet {}", at.row, quote(sheet)),
        _ => format!("row {}", at.row),
    }
}

impl PartialGrant {
    /// A grant by its first row.
    fn from_first_row(at: CellPosition, mut row: GrantRow) -> Self {
        let mut adding = RowMerge {
            first_position: &at,
            position: &at,
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
        adding.merge_parties(RECIPIENTS, &mut row.recipients, recipients);
        adding.merge_parties(FUNDERS, &mut row.funders, funders);
        adding.merge_programmes(&mut row.programmes, programmes);
        adding.merge_periods(&mut row.periods, periods);
        Self {
            position: at,
            row,
            rows: 1,
        }
    }

    /// Adds a further row to what the rows before it say.
    fn add_row(&mut self, at: &CellPosition, more: GrantRow) {
        self.rows += 1;
        let row = &mut self.row;
        // What is found missing is named as in the table that should have it.
        let takes_names = row.is_supplement;
        row.personal_data_problem = row.personal_data_problem.take().or(more.personal_data_problem);
        row.is_supplement &= more.is_supplement;
        row.errors.extend(more.errors);
        row.warnings.extend(more.warnings);
        let mut adding = RowMerge {
            first_position: &self.position,
            position: at,
            names: &more.names,
            warnings: &mut row.warnings,
        };
        adding.merge_value(path::TITLE, &mut row.title, more.title);
        adding.merge_value(path::DESCRIPTION, &mut row.description, more.description);
        adding.merge_value(path::CURRENCY, &mut row.currency, more.currency);
        adding.merge_amount(&mut row.amount, more.amount, row.currency.as_deref());
        adding.merge_value(path::AWARDED_ON, &mut row.awarded_on, more.awarded_on);
        adding.merge_value(path::DATA_SOURCE, &mut row.data_source, more.data_source);
        adding.merge_wayin_terms(&mut row.wayin_terms, more.wayin_terms);
        adding.merge_parties(RECIPIENTS, &mut row.recipients, more.recipients);
        adding.merge_parties(FUNDERS, &mut row.funders, more.funders);
        adding.merge_programmes(&mut row.programmes, more.programmes);
        adding.merge_periods(&mut row.periods, more.periods);
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
struct PartyFields {
    id: &'static str,
    name: &'static str,
    noun: &'static str,
}

const RECIPIENTS: PartyFields = PartyFields {
    id: path::RECIPIENT_ID,
    name: path::RECIPIENT_NAME,
    noun: "recipient",
};
const FUNDERS: PartyFields = PartyFields {
    id: path::FUNDER_ID,
    name: path::FUNDER_NAME,
    noun: "funder",
};

/// What a row adds to a grant, and how that differs from what is known of it.
struct RowMerge<'a> {
    first_position: &'a CellPosition,
    position: &'a CellPosition,
    names: &'a FieldNames,
    warnings: &'a mut Vec<RowProblem>,
}

impl RowMerge<'_> {
    fn add_warning(&mut self, path: &str, reason: String) {
        let warning = new_problem(self.position, self.names.name_of(path), reason);
        self.warnings.push(warning);
    }

    /// Warns that a value is not the one of the rows before, which stays.
    fn warn_contradiction(&mut self, path: &str, known: &str, more: &str) {
        let before = describe_row(self.first_position, self.position);
        let (known, more) = (quote(known), quote(more));
        self.add_warning(
            path,
            format!("is {more}, and {known} in {before}, which has the same identifier; {known} is kept"),
        );
    }

    fn merge_value<T: PartialEq + ToString>(&mut self, path: &str, known: &mut Option<T>, more: Option<T>) {
        match (&*known, more) {
            (_, None) => {}
            (None, more) => *known = more,
            (Some(known), Some(more)) if *known == more => {}
            (Some(known), Some(more)) => self.warn_contradiction(path, &known.to_string(), &more.to_string()),
        }
    }

    fn merge_amount(
        &mut self,
        known: &mut Option<AmountText>,
        more: Option<AmountText>,
        currency: Option<&str>,
    ) {
        let minor = |text: &AmountText| {
            let amount = text
                .parse()
                .and_then(|amount| amount.round_to_minor_units(currency.unwrap_or("GBP")));
            amount.ok().map(|rounded| rounded.minor)
        };
        match (&*known, more) {
            (_, None) => {}
            (None, more) => *known = more,
            (Some(known), Some(more)) if minor(known).is_some_and(|amount| Some(amount) == minor(&more)) => {}
            (Some(known), Some(more)) => self.warn_contradiction(path::AMOUNT, known.text(), more.text()),
        }
    }

    fn merge_wayin_terms(&mut self, known: &mut Option<WayinTerms>, more: Option<WayinTerms>) {
        match (&*known, more) {
            (_, None) => {}
            (None, more) => *known = more,
            (Some(known), Some(more)) if *known == more => {}
            (Some(_), Some(_)) => {
                let before = describe_row(self.first_position, self.position);
                let reason =
                    format!("differs from that in {before}, which has the same identifier and is kept");
                self.add_warning(path::WAYIN_TERMS, reason);
            }
        }
    }

    /// Warns that something is one more than a record has room for.
    fn warn_additional(&mut self, path: &str, number: u32, noun: &str, shown: &str) {
        let (field, shown) = (path::path_of_item(path, number), quote(shown));
        self.add_warning(
            &field,
            format!(
                "{shown} is a further {noun} of the grant; its record has room for one, and an export of grants has all"
            ),
        );
    }

    fn merge_parties(
        &mut self,
        of: PartyFields,
        known: &mut Vec<NumberedItem<PartialParty>>,
        more: Vec<NumberedItem<PartialParty>>,
    ) {
        for one in more {
            if let Some(same) = known.iter_mut().find(|known| known.value.can_be_same(&one.value)) {
                let (known, more) = (&mut same.value, one.value);
                known.identifier = known.identifier.take().or(more.identifier);
                match (&known.name, more.name) {
                    (None, name) => known.name = name,
                    (Some(known), Some(more))
                        if normalisation::fold_name(known) != normalisation::fold_name(&more) =>
                    {
                        self.warn_contradiction(&path::path_of_item(of.name, one.number), known, &more);
                    }
                    _ => {}
                }
            } else {
                if !known.is_empty() {
                    let shown = one.value.name.as_deref().or(one.value.identifier.as_deref());
                    let path = if one.value.name.is_some() { of.name } else { of.id };
                    self.warn_additional(path, one.number, of.noun, shown.unwrap_or_default());
                }
                if known.len() <= MAX_ITEMS_OF_GRANT {
                    known.push(one);
                }
            }
        }
    }

    fn merge_programmes(&mut self, known: &mut Vec<NumberedItem<String>>, more: Vec<NumberedItem<String>>) {
        for one in more {
            if known.iter().any(|known| known.value == one.value) {
                continue;
            }
            if !known.is_empty() {
                self.warn_additional(path::PROGRAMME, one.number, "programme", &one.value);
            }
            if known.len() <= MAX_ITEMS_OF_GRANT {
                known.push(one);
            }
        }
    }

    fn merge_periods(&mut self, known: &mut Vec<NumberedItem<Period>>, more: Vec<NumberedItem<Period>>) {
        for one in more {
            if known
                .iter_mut()
                .any(|known| known.value.merge_if_compatible(&one.value))
            {
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
                self.warn_additional(field, one.number, "period", &shown);
            }
            if known.len() <= MAX_ITEMS_OF_GRANT {
                known.push(one);
            }
        }
    }
}

impl Period {
    /// Adds what another says, where the two do not contradict each other.
    fn merge_if_compatible(&mut self, more: &Self) -> bool {
        fn are_compatible<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
            one.zip(other).is_none_or(|(one, other)| one == other)
        }
        let is_same = are_compatible(self.starts_on.as_ref(), more.starts_on.as_ref())
            && are_compatible(self.ends_on.as_ref(), more.ends_on.as_ref())
            && are_compatible(self.duration_months.as_ref(), more.duration_months.as_ref());
        if is_same {
            self.starts_on = self.starts_on.or(more.starts_on);
            self.ends_on = self.ends_on.or(more.ends_on);
            self.duration_months = self.duration_months.or(more.duration_months);
        }
        is_same
    }
}

impl PartialParty {
    /// Whether both name one organisation: by their identifiers, or else by their names; one of an identifier alone may
    /// have the name that another row gives alone.
    fn can_be_same(&self, other: &Self) -> bool {
        let folded = |name: &Option<String>| name.as_deref().map(normalisation::fold_name);
        match (&self.identifier, &other.identifier) {
            (Some(one), Some(other)) => {
                normalisation::normalise_org_id(one) == normalisation::normalise_org_id(other)
            }
            (Some(_), None) => self.name.is_none() || folded(&self.name) == folded(&other.name),
            (None, Some(_)) => other.name.is_none() || folded(&self.name) == folded(&other.name),
            (None, None) => folded(&self.name) == folded(&other.name),
        }
    }
}

//! Merges the rows that share an identifier into one grant, wherever in the file they are.
//!
//! The file is read twice: first to count the rows of each identifier, by its hash, and then to emit the grants. Only
//! grants of several rows wait in memory, until their last row.

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

/// The maximum number of recipients, of funders, of programmes and of periods of one grant.
pub(super) const MAX_ITEMS_OF_GRANT: usize = 1_000;
/// The maximum number of locations of one grant.
pub(super) const MAX_LOCATIONS_OF_GRANT: usize = 20_000;

/// The number of rows of each identifier, in upper or lower case, by its hash.
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

/// The hash is the same in each process, so that an import that resumes emits grants in the same order.
fn hash_identifier(identifier: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    normalisation::fold_name(identifier).hash(&mut hasher);
    hasher.finish()
}

/// A grant of which some rows were read.
pub(super) struct PartialGrant {
    /// The position of the first row.
    pub(super) position: CellPosition,
    pub(super) row: GrantRow,
    pub(super) rows: u32,
}

/// Grants whose identifiers have the same hash, usually because they differ only in case.
#[derive(Default)]
struct GrantsWithSameHash {
    /// The number of the first row.
    order: usize,
    rows: u32,
    grants: Vec<PartialGrant>,
}

/// Emits grants, each of them once.
pub(super) struct GrantMerger<'a, F> {
    counts: RowCounts,
    pending: HashMap<u64, GrantsWithSameHash>,
    rows: usize,
    each: &'a mut F,
}

impl<'a, F: FnMut(CellPosition, ParsedRowResult<Grant>) -> ControlFlow<()>> GrantMerger<'a, F> {
    pub(super) fn new(counts: RowCounts, each: &'a mut F) -> Self {
        Self {
            counts,
            pending: HashMap::new(),
            rows: 0,
            each,
        }
    }

    pub(super) fn add_row(&mut self, position: CellPosition, row: GrantRow) -> ControlFlow<()> {
        let Some(identifier) = &row.identifier else {
            let grant = complete_grant(PartialGrant::from_first_row(position.clone(), row), None);
            return (self.each)(position, grant);
        };
        let hash = hash_identifier(identifier);
        self.rows += 1;
        let mut same = self.pending.remove(&hash).unwrap_or_else(|| GrantsWithSameHash {
            order: self.rows,
            ..GrantsWithSameHash::default()
        });
        same.rows += 1;
        let mut known = same.grants.iter_mut();
        match known.find(|grant| grant.row.identifier == row.identifier) {
            Some(grant) => grant.add_row(&position, row),
            None => same.grants.push(PartialGrant::from_first_row(position, row)),
        }
        if same.rows < self.counts.get(hash) {
            self.pending.insert(hash, same);
            return ControlFlow::Continue(());
        }
        self.emit(same)
    }

    /// Emits the grants that still wait because the file ended before their last rows.
    pub(super) fn finish(mut self) {
        let mut waiting: Vec<GrantsWithSameHash> = std::mem::take(&mut self.pending).into_values().collect();
        waiting.sort_unstable_by_key(|same| same.order);
        for same in waiting {
            if self.emit(same).is_break() {
                return;
            }
        }
    }

    fn emit(&mut self, same: GrantsWithSameHash) -> ControlFlow<()> {
        let identifiers: Vec<(String, CellPosition)> = match &same.grants[..] {
            [_] => Vec::new(),
            grants => grants.iter().map(PartialGrant::identifier_and_position).collect(),
        };
        for grant in same.grants {
            let position = grant.position.clone();
            let own = grant.row.identifier.clone().unwrap_or_default();
            let folded = normalisation::fold_name(&own);
            let mut others = identifiers.iter();
            let other = others.find(|(other, _)| *other != own && normalisation::fold_name(other) == folded);
            (self.each)(position, complete_grant(grant, other))?;
        }
        ControlFlow::Continue(())
    }
}

pub(super) fn new_problem(position: &CellPosition, field: &str, reason: String) -> RowProblem {
    RowProblem {
        sheet: position.sheet.clone(),
        row: position.row,
        field: field.to_owned(),
        reason,
    }
}

/// Describes a row, with its sheet if that is not the sheet of `from`.
pub(super) fn describe_row(position: &CellPosition, from: &CellPosition) -> String {
    let row = position.row;
    match &position.sheet {
        Some(sheet) if from.sheet != position.sheet => format!("row {row} of the sheet {}", quote(sheet)),
        _ => format!("row {row}"),
    }
}

impl PartialGrant {
    fn from_first_row(position: CellPosition, row: GrantRow) -> Self {
        let mut grant = Self {
            position: position.clone(),
            row: GrantRow {
                identifier: row.identifier.clone(),
                is_supplement: true,
                is_unreadable: row.is_unreadable,
                ..GrantRow::default()
            },
            rows: 0,
        };
        grant.add_row(&position, row);
        grant
    }

    fn identifier_and_position(&self) -> (String, CellPosition) {
        (
            self.row.identifier.clone().unwrap_or_default(),
            self.position.clone(),
        )
    }

    fn add_row(&mut self, position: &CellPosition, more: GrantRow) {
        self.rows += 1;
        let row = &mut self.row;
        // Missing fields are named as in the table that should have them.
        let takes_names = row.is_supplement;
        row.personal_data_problem = row.personal_data_problem.take().or(more.personal_data_problem);
        row.is_supplement &= more.is_supplement;
        row.errors.extend(more.errors);
        row.warnings.extend(more.warnings);
        let mut merge = RowMerge {
            first_position: &self.position,
            position,
            names: &more.names,
            warnings: &mut row.warnings,
        };
        merge.merge_value(path::TITLE, &mut row.title, more.title);
        merge.merge_value(path::DESCRIPTION, &mut row.description, more.description);
        merge.merge_value(path::CURRENCY, &mut row.currency, more.currency);
        merge.merge_amount(&mut row.amount, more.amount, row.currency.as_deref());
        merge.merge_value(path::AWARDED_ON, &mut row.awarded_on, more.awarded_on);
        merge.merge_value(path::DATA_SOURCE, &mut row.data_source, more.data_source);
        merge.merge_wayin_terms(&mut row.wayin_terms, more.wayin_terms);
        merge.merge_parties(RECIPIENTS, &mut row.recipients, more.recipients);
        merge.merge_parties(FUNDERS, &mut row.funders, more.funders);
        merge.merge_programmes(&mut row.programmes, more.programmes);
        merge.merge_periods(&mut row.periods, more.periods);
        if row.locations.len() <= MAX_LOCATIONS_OF_GRANT {
            row.locations.extend(more.locations);
        }
        if takes_names {
            row.names = more.names;
        }
    }
}

/// The paths of a list of organisations, and the noun for each.
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

/// Merges a row into a grant, with a warning for each contradiction.
struct RowMerge<'a> {
    first_position: &'a CellPosition,
    position: &'a CellPosition,
    names: &'a FieldNames,
    warnings: &'a mut Vec<RowProblem>,
}

impl RowMerge<'_> {
    fn add_warning(&mut self, path: &str, reason: String) {
        let warning = new_problem(self.position, self.names.find_name(path), reason);
        self.warnings.push(warning);
    }

    /// Warns that a value differs from that of the rows before, which stays.
    fn warn_contradiction(&mut self, path: &str, known: &str, more: &str) {
        let before = describe_row(self.first_position, self.position);
        let (known, more) = (quote(known), quote(more));
        self.add_warning(
            path,
            format!("is {more}, and {known} in {before}, which has the same identifier; {known} is kept"),
        );
    }

    fn merge_value<T: PartialEq + ToString>(&mut self, path: &str, known: &mut Option<T>, more: Option<T>) {
        if let (Some(known), Some(more)) = (&*known, &more)
            && known != more
        {
            self.warn_contradiction(path, &known.to_string(), &more.to_string());
        }
        *known = known.take().or(more);
    }

    fn merge_amount(
        &mut self,
        known: &mut Option<AmountText>,
        more: Option<AmountText>,
        currency: Option<&str>,
    ) {
        let minor = |text: &AmountText| {
            let amount = text.parse().ok()?.round_to_minor_units(currency.unwrap_or("GBP"));
            amount.ok().map(|rounded| rounded.minor)
        };
        if let (Some(known), Some(more)) = (&*known, &more)
            && (minor(known).is_none() || minor(known) != minor(more))
        {
            self.warn_contradiction(path::AMOUNT, known.text(), more.text());
        }
        *known = known.take().or(more);
    }

    fn merge_wayin_terms(&mut self, known: &mut Option<WayinTerms>, more: Option<WayinTerms>) {
        if known.is_some() && more.is_some() && *known != more {
            let before = describe_row(self.first_position, self.position);
            let reason = format!("differs from that in {before}, which has the same identifier and is kept");
            self.add_warning(path::WAYIN_TERMS, reason);
        }
        *known = known.take().or(more);
    }

    /// Merges the items of a list: each into the first known item that `merge` accepts, or else as an additional item.
    /// `describe` returns the path, the noun and the text for the warning about an additional item.
    fn merge_list<T>(
        &mut self,
        known: &mut Vec<NumberedItem<T>>,
        more: Vec<NumberedItem<T>>,
        merge: impl Fn(&mut Self, &mut T, &NumberedItem<T>) -> bool,
        describe: impl Fn(&T) -> (&'static str, &'static str, String),
    ) {
        for item in more {
            if known.iter_mut().any(|known| merge(self, &mut known.value, &item)) {
                continue;
            }
            if !known.is_empty() {
                let (path, noun, shown) = describe(&item.value);
                let reason = format!(
                    "{} is a further {noun} of the grant; its record has room for one, and an export of grants has all",
                    quote(&shown)
                );
                self.add_warning(&path::path_of_item(path, item.number), reason);
            }
            if known.len() <= MAX_ITEMS_OF_GRANT {
                known.push(item);
            }
        }
    }

    fn merge_parties(
        &mut self,
        fields: PartyFields,
        known: &mut Vec<NumberedItem<PartialParty>>,
        more: Vec<NumberedItem<PartialParty>>,
    ) {
        let merge = |this: &mut Self, known: &mut PartialParty, item: &NumberedItem<PartialParty>| {
            let more = &item.value;
            if !known.can_be_same(more) {
                return false;
            }
            if let (Some(known), Some(more)) = (&known.name, &more.name)
                && normalisation::fold_name(known) != normalisation::fold_name(more)
            {
                this.warn_contradiction(&path::path_of_item(fields.name, item.number), known, more);
            }
            known.identifier = known.identifier.take().or_else(|| more.identifier.clone());
            known.name = known.name.take().or_else(|| more.name.clone());
            true
        };
        self.merge_list(known, more, merge, |party| {
            match (&party.name, &party.identifier) {
                (Some(name), _) => (fields.name, fields.noun, name.clone()),
                (None, identifier) => (fields.id, fields.noun, identifier.clone().unwrap_or_default()),
            }
        });
    }

    fn merge_programmes(&mut self, known: &mut Vec<NumberedItem<String>>, more: Vec<NumberedItem<String>>) {
        self.merge_list(
            known,
            more,
            |_, known, item| *known == item.value,
            |title| (path::PROGRAMME, "programme", title.clone()),
        );
    }

    fn merge_periods(&mut self, known: &mut Vec<NumberedItem<Period>>, more: Vec<NumberedItem<Period>>) {
        let describe = |period: &Period| {
            let (path, shown) = match (period.starts_on, period.ends_on, period.duration_months) {
                (Some(start), Some(end), _) => (path::STARTS_ON, format!("{start} to {end}")),
                (Some(start), None, _) => (path::STARTS_ON, start.to_string()),
                (None, Some(end), _) => (path::ENDS_ON, end.to_string()),
                (None, None, months) => (path::DURATION, format!("{} months", months.unwrap_or_default())),
            };
            (path, "period", shown)
        };
        self.merge_list(
            known,
            more,
            |_, known, item| known.merge_if_compatible(&item.value),
            describe,
        );
    }
}

impl Period {
    /// Adds the values of another period, unless the two contradict each other. Returns whether it did.
    fn merge_if_compatible(&mut self, more: &Self) -> bool {
        fn are_compatible<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
            one.zip(other).is_none_or(|(one, other)| one == other)
        }
        let is_same = are_compatible(self.starts_on, more.starts_on)
            && are_compatible(self.ends_on, more.ends_on)
            && are_compatible(self.duration_months, more.duration_months);
        if is_same {
            self.starts_on = self.starts_on.or(more.starts_on);
            self.ends_on = self.ends_on.or(more.ends_on);
            self.duration_months = self.duration_months.or(more.duration_months);
        }
        is_same
    }
}

impl PartialParty {
    /// Returns whether both can be the same organisation: by their identifiers, or else by their names. A party with only
    /// an identifier can have the name of a party with only a name.
    fn can_be_same(&self, other: &Self) -> bool {
        let folded = |name: &Option<String>| name.as_deref().map(normalisation::fold_name);
        let have_same_name = folded(&self.name) == folded(&other.name);
        match (&self.identifier, &other.identifier) {
            (Some(one), Some(other)) => {
                normalisation::normalise_org_id(one) == normalisation::normalise_org_id(other)
            }
            (Some(_), None) => self.name.is_none() || have_same_name,
            (None, Some(_)) => other.name.is_none() || have_same_name,
            (None, None) => have_same_name,
        }
    }
}

//! What all rows of a grant say, as one grant.

use std::collections::HashSet;

use super::super::file_record::Cell;
use super::super::{GoodRow, Refusal, Row};
use super::draft::{AmountText, GrantRow, Numbered, PartyPart, path, without};
use super::merge::{MAX_ITEMS_OF_GRANT, MAX_LOCATIONS_OF_GRANT, Partly, about, row_in_words};
use super::{Further, Grant, Party};
use crate::money::{self, Rounded};
use crate::text::quoted;

/// What is said of a field that every grant has and none of its rows.
const MISSING: &str = "is missing";

/// A grant of which all rows were read, or why it is none. `other` is an identifier of the file that differs in upper
/// and lower case only, with its row.
pub(super) fn finish(partly: Partly, other: Option<&(String, Cell)>) -> Row<Grant> {
    let Partly { at, mut row, rows } = partly;
    if let Some(person) = row.person {
        return Err(vec![person]);
    }
    refuse(&at, rows, &mut row, other);
    if !row.refusals.is_empty() {
        return Err(row.refusals);
    }
    warn(&at, &mut row, other);
    let amount_minor = in_minor_units(&at, &mut row);
    let GrantRow {
        identifier,
        title,
        description,
        currency,
        awarded_on,
        data_source,
        periods,
        programmes,
        recipients,
        funders,
        mut locations,
        own,
        refusals,
        warnings,
        ..
    } = row;
    if rows > 1 {
        let mut seen = HashSet::new();
        locations.retain(|location| seen.insert(location.clone()));
    }
    let parties = |list: Vec<Numbered<PartyPart>>| list.into_iter().filter_map(|one| one.value.whole());
    let (mut recipients, mut funders) = (parties(recipients), parties(funders));
    let mut periods = periods.into_iter().map(|one| one.value);
    let mut programmes = programmes.into_iter().map(|one| one.value);
    let first = periods.next().unwrap_or_default();
    let (Some(identifier), Some(title), Some(recipient), Some(funder)) =
        (identifier, title, recipients.next(), funders.next())
    else {
        // What is missing was found above.
        return Err(refusals);
    };
    let grant = Grant {
        identifier,
        title,
        description,
        currency,
        amount_minor,
        awarded_on,
        starts_on: first.starts_on,
        ends_on: first.ends_on,
        duration_months: first.duration_months,
        programme: programmes.next(),
        recipient,
        funder,
        locations,
        data_source,
        own,
        further: Further {
            recipients: recipients.collect(),
            funders: funders.collect(),
            programmes: programmes.collect(),
            periods: periods.collect(),
        },
    };
    Ok(GoodRow {
        value: grant,
        warnings,
    })
}

/// Adds all reasons why the grant cannot be taken.
fn refuse(at: &Cell, rows: u32, row: &mut GrantRow, other: Option<&(String, Cell)>) {
    if rows == 1 && row.is_unread {
        return;
    }
    let names = &row.names;
    let shown = quoted(row.identifier.as_deref().unwrap_or_default());
    let is_first = |one: &Refusal| one.row == at.row && one.sheet == at.sheet;
    if row.only_adds && row.refusals.is_empty() {
        let meant = other.map_or_else(String::new, |(other, _)| {
            format!("; did you mean {}?", quoted(other))
        });
        let reason = format!("is {shown}, and no row of the file gives the title of a grant with it{meant}");
        row.refusals.push(about(at, names.of(path::ID), reason));
        return;
    }
    if rows > 1 && !row.refusals.is_empty() && !row.refusals.iter().any(is_first) {
        let reason = format!("is {shown}, of which another row is refused, and so the whole grant is");
        row.refusals.insert(0, about(at, names.of(path::ID), reason));
        return;
    }
    let lists = [
        (path::LOCATION_NAME, row.locations.len(), MAX_LOCATIONS_OF_GRANT),
        (path::RECIPIENT_NAME, row.recipients.len(), MAX_ITEMS_OF_GRANT),
        (path::FUNDER_NAME, row.funders.len(), MAX_ITEMS_OF_GRANT),
        (path::PROGRAMME, row.programmes.len(), MAX_ITEMS_OF_GRANT),
        (path::STARTS_ON, row.periods.len(), MAX_ITEMS_OF_GRANT),
    ];
    for (path, _, most) in lists.into_iter().filter(|(_, items, most)| items > most) {
        let reason =
            format!("has over {most} different values in the rows of one grant; is the identifier right?");
        row.refusals.push(about(at, names.of(path), reason));
    }
    let has_name =
        |parties: &[Numbered<PartyPart>]| parties.first().is_some_and(|one| one.value.name.is_some());
    let required = [
        (path::TITLE, row.title.is_some()),
        (path::RECIPIENT_NAME, has_name(&row.recipients)),
        (path::FUNDER_NAME, has_name(&row.funders)),
    ];
    for (path, _) in required.into_iter().filter(|(_, is_there)| !is_there) {
        let fields = [names.of(path), path::list(path)];
        let is_refused = |one: &Refusal| fields.contains(&one.field.as_str());
        if !row.refusals.iter().any(is_refused) {
            row.refusals.push(about(at, names.of(path), MISSING.to_owned()));
        }
    }
}

/// Adds warnings about an identifier that is almost another's, and about what most grants have.
fn warn(at: &Cell, row: &mut GrantRow, other: Option<&(String, Cell)>) {
    let names = row.names.clone();
    if let Some((other, other_at)) = other {
        let reason = format!(
            "is {}, and {} in {} differs in upper and lower case only; they are taken for two grants",
            quoted(row.identifier.as_deref().unwrap_or_default()),
            quoted(other),
            row_in_words(other_at, at)
        );
        row.warnings.push(about(at, names.of(path::ID), reason));
    }
    let expected = [
        (path::CURRENCY, row.currency.is_some()),
        (path::AMOUNT, row.amount.is_some()),
        (path::AWARDED_ON, row.awarded_on.is_some()),
    ];
    for (path, _) in expected.into_iter().filter(|(_, is_there)| !is_there) {
        let is_warned = row.warnings.iter().any(|one| one.field == names.of(path));
        if !is_warned {
            row.warnings.push(about(at, names.of(path), without(MISSING)));
        }
    }
}

/// The amount in the currency's minor unit, with a warning where it is rounded for that or cannot be.
fn in_minor_units(at: &Cell, row: &mut GrantRow) -> Option<i64> {
    let text = row.amount.take()?;
    let (minor, warning) = match rounded(&text, row.currency.as_deref()) {
        Ok((minor, warning)) => (Some(minor), warning),
        Err(reason) => (None, Some(without(&reason))),
    };
    let field = row.names.of(path::AMOUNT);
    row.warnings
        .extend(warning.map(|reason| about(at, field, reason)));
    minor
}

fn rounded(text: &AmountText, currency: Option<&str>) -> Result<(i64, Option<String>), String> {
    let amount = text.parse()?;
    let Some(currency) = currency else {
        return Err(format!(
            "{} is in a currency that is not known",
            quoted(amount.text())
        ));
    };
    let Rounded { minor, is_exact } = amount.rounded(currency)?;
    let warning = (!is_exact).then(|| {
        format!(
            "{} has more decimals than {currency} has; it is rounded to {}",
            quoted(amount.text()),
            money::in_major_units(minor, currency)
        )
    });
    Ok((minor, warning))
}

impl PartyPart {
    /// The organisation; one that has an identifier alone is called by that.
    fn whole(self) -> Option<Party> {
        let name = self.name.or_else(|| self.identifier.clone())?;
        Some(Party {
            identifier: self.identifier,
            name,
        })
    }
}

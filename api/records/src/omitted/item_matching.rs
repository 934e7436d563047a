//! Which item of a published list each item of a file is about. Pure.

use serde_json::Value;

use crate::normalisation;

/// Published items and those that are to replace them.
pub(super) struct ItemMatches<'a, 'b> {
    before: &'a [Value],
    pub(super) after: &'b [Value],
    /// For each item the place of the published one that it is about.
    matched_index: Vec<Option<usize>>,
    /// For each item its place in the list, where the file numbers its items.
    positions: Option<&'b [usize]>,
}

impl<'a, 'b> ItemMatches<'a, 'b> {
    /// Finds for each item of a list the published one that it is about: a challenge and a condition by what they are, an
    /// entry point by what it is and whose view. A funding term is found by its grant identifier, or else by its funder and
    /// first day, or by its funder alone. An item that names no funder is the one at its place in a list of as many.
    pub(super) fn new(list: &str, before: &'a [Value], after: &'b [Value]) -> Self {
        let mut pairs = Self::by_identity(list, before, after, None);
        let is_of_funding = !["entryPoints", "challengesFaced", "conditionsChanged"].contains(&list);
        if is_of_funding && before.len() == after.len() {
            pairs.match_by_position(Some, |_, term| term.get("funder").is_none());
        }
        pairs
    }

    /// The same for items that have numbers in their file, of which `places` are the places in the list: of several that are
    /// alike the one at that place is meant, and so it is where `is_unnamed` says that the file does not name the item.
    pub(super) fn with_positions(
        list: &str,
        before: &'a [Value],
        after: &'b [Value],
        places: &'b [usize],
        is_unnamed: impl Fn(usize) -> bool,
    ) -> Self {
        let mut pairs = Self::by_identity(list, before, after, Some(places));
        pairs.match_by_position(|at| places.get(at).copied(), |place, _| is_unnamed(place));
        pairs
    }

    fn by_identity(list: &str, before: &'a [Value], after: &'b [Value], places: Option<&'b [usize]>) -> Self {
        let mut pairs = Self {
            before,
            after,
            matched_index: vec![None; after.len()],
            positions: places,
        };
        let have_same = |keys: &'static [&'static str]| {
            move |one: &Value, other: &Value| keys.iter().all(|key| one.get(key) == other.get(key))
        };
        match list {
            "entryPoints" => pairs.match_by(have_same(&["entryPoint", "perspective"])),
            "challengesFaced" => pairs.match_by(have_same(&["challenge"])),
            "conditionsChanged" => pairs.match_by(have_same(&["condition"])),
            _ => {
                let grant = |term: &Value| string_field(term, "grantIdentifier").map(ToOwned::to_owned);
                pairs.match_by(|one, other| grant(one).is_some() && grant(one) == grant(other));
                let may_be_same = |one: &Value, other: &Value| {
                    let are_two_grants = grant(one).is_some() && grant(other).is_some();
                    is_same_funder(one, other) && !are_two_grants
                };
                pairs.match_by(|one, other| {
                    may_be_same(one, other)
                        && string_field(one, "startsOn").is_some()
                        && have_same(&["startsOn"])(one, other)
                });
                pairs.match_by(may_be_same);
            }
        }
        pairs
    }

    /// For each item the published one that it is about.
    pub(super) fn counterparts(&self) -> impl Iterator<Item = Option<&'a Value>> {
        let found = self.matched_index.iter();
        found.map(|at| at.and_then(|at| self.before.get(at)))
    }

    pub(super) fn is_unmatched(&self, before: usize) -> bool {
        !self.matched_index.contains(&Some(before))
    }

    /// Pairs items that are the same. Of several that are alike, the pairs are in their order, where there are as many
    /// before as after; otherwise the one at the same place is meant, where the file numbers its items.
    fn match_by(&mut self, is_same: impl Fn(&Value, &Value) -> bool) {
        for at in 0..self.after.len() {
            if self.matched_index[at].is_some() {
                continue;
            }
            let same_before: Vec<usize> = (0..self.before.len())
                .filter(|before| {
                    self.is_unmatched(*before) && is_same(&self.before[*before], &self.after[at])
                })
                .collect();
            let Some(first) = same_before.first() else {
                continue;
            };
            let same_after: Vec<usize> = (0..self.after.len())
                .filter(|after| {
                    self.matched_index[*after].is_none() && is_same(&self.before[*first], &self.after[*after])
                })
                .collect();
            if same_before.len() == same_after.len() {
                for (after, before) in same_after.into_iter().zip(same_before) {
                    self.matched_index[after] = Some(before);
                }
            } else if let Some(place) = self.positions.and_then(|places| places.get(at))
                && same_before.contains(place)
            {
                self.matched_index[at] = Some(*place);
            }
        }
    }

    /// Pairs items with the published ones at their places.
    fn match_by_position(
        &mut self,
        place_of: impl Fn(usize) -> Option<usize>,
        is_meant: impl Fn(usize, &Value) -> bool,
    ) {
        for (at, item) in self.after.iter().enumerate() {
            let place = place_of(at).filter(|place| *place < self.before.len() && is_meant(*place, item));
            if self.matched_index[at].is_none()
                && let Some(place) = place.filter(|place| self.is_unmatched(*place))
            {
                self.matched_index[at] = Some(place);
            }
        }
    }

    /// The published items that no item is about.
    pub(super) fn unmatched(&self) -> impl Iterator<Item = &'a Value> {
        let items = self.before.iter().enumerate();
        items
            .filter(|(at, _)| self.is_unmatched(*at))
            .map(|(_, item)| item)
    }
}

fn string_field<'a>(item: &'a Value, field: &str) -> Option<&'a str> {
    item.get(field).and_then(Value::as_str)
}

/// Whether two terms are of one funder: by their identifiers where both have one, and else by their names.
fn is_same_funder(one: &Value, other: &Value) -> bool {
    let (Some(one), Some(other)) = (one.get("funder"), other.get("funder")) else {
        return false;
    };
    let by = |key| Some((string_field(one, key)?, string_field(other, key)?));
    by("identifier")
        .or_else(|| by("name"))
        .is_some_and(|(one, other)| normalisation::fold_name(one) == normalisation::fold_name(other))
}

/// What an item of a list is called in a message.
pub(super) fn describe_item(list: &str, item: &Value) -> String {
    let field = |field| string_field(item, field).unwrap_or_default();
    match list {
        "entryPoints" => format!("{} ({})", field("entryPoint"), field("perspective")),
        "challengesFaced" => field("challenge").to_owned(),
        "conditionsChanged" => field("condition").to_owned(),
        _ => {
            let funder = item.get("funder");
            let funder = funder.and_then(|funder| {
                string_field(funder, "name").or_else(|| string_field(funder, "identifier"))
            });
            let from = string_field(item, "startsOn").map(|day| format!(" from {day}"));
            let grant = string_field(item, "grantIdentifier").map(|grant| format!(" ({grant})"));
            format!(
                "the term of {}{}{}",
                funder.unwrap_or("an unnamed funder"),
                from.unwrap_or_default(),
                grant.unwrap_or_default()
            )
        }
    }
}

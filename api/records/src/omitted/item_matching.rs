//! Matches the items of a list in a file with the published items that they replace.

use serde_json::Value;

use crate::normalisation;

/// Published items (`before`) and the items that replace them (`after`).
pub(super) struct ItemMatches<'a, 'b> {
    before: &'a [Value],
    pub(super) after: &'b [Value],
    /// For each item, the index of the published item that it replaces.
    matched_index: Vec<Option<usize>>,
    /// For each item, its position in the list, if the file has positions.
    positions: Option<&'b [usize]>,
}

impl<'a, 'b> ItemMatches<'a, 'b> {
    /// Matches the items of a list: a challenge and a condition by their codes, an entry point by its code and perspective,
    /// and a funding term by its grant identifier, by its funder and first day, or by its funder. If both lists have the
    /// same length, terms without a funder are matched by position.
    pub(super) fn new(list: &str, before: &'a [Value], after: &'b [Value]) -> Self {
        let mut pairs = Self::by_identity(list, before, after, None);
        let is_of_funding = !["entryPoints", "challengesFaced", "conditionsChanged"].contains(&list);
        if is_of_funding && before.len() == after.len() {
            pairs.match_by_position(Some, |_, term| term.get("funder").is_none());
        }
        pairs
    }

    /// Matches items that have positions in their file. The position decides between several equal items, and matches items
    /// without identifying columns, for which `is_unnamed` returns true.
    pub(super) fn with_positions(
        list: &str,
        before: &'a [Value],
        after: &'b [Value],
        positions: &'b [usize],
        is_unnamed: impl Fn(usize) -> bool,
    ) -> Self {
        let mut pairs = Self::by_identity(list, before, after, Some(positions));
        pairs.match_by_position(
            |at| positions.get(at).copied(),
            |position, _| is_unnamed(position),
        );
        pairs
    }

    fn by_identity(
        list: &str,
        before: &'a [Value],
        after: &'b [Value],
        positions: Option<&'b [usize]>,
    ) -> Self {
        let mut pairs = Self {
            before,
            after,
            matched_index: vec![None; after.len()],
            positions,
        };
        let have_same = |keys: &'static [&'static str]| {
            move |one: &Value, other: &Value| keys.iter().all(|key| one.get(key) == other.get(key))
        };
        match list {
            "entryPoints" => pairs.match_by(have_same(&["entryPoint", "perspective"])),
            "challengesFaced" => pairs.match_by(have_same(&["challenge"])),
            "conditionsChanged" => pairs.match_by(have_same(&["condition"])),
            _ => {
                let grant = |term: &Value| get_text(term, "grantIdentifier").map(ToOwned::to_owned);
                pairs.match_by(|one, other| grant(one).is_some() && grant(one) == grant(other));
                let may_be_same = |one: &Value, other: &Value| {
                    let are_two_grants = grant(one).is_some() && grant(other).is_some();
                    is_same_funder(one, other) && !are_two_grants
                };
                pairs.match_by(|one, other| {
                    may_be_same(one, other)
                        && get_text(one, "startsOn").is_some()
                        && have_same(&["startsOn"])(one, other)
                });
                pairs.match_by(may_be_same);
            }
        }
        pairs
    }

    /// Lists for each item the published item that it replaces.
    pub(super) fn counterparts(&self) -> impl Iterator<Item = Option<&'a Value>> {
        let found = self.matched_index.iter();
        found.map(|at| at.and_then(|at| self.before.get(at)))
    }

    pub(super) fn is_unmatched(&self, before: usize) -> bool {
        !self.matched_index.contains(&Some(before))
    }

    /// Matches items that are the same. Of several equal items, those before and after are matched in order if their numbers
    /// are equal, and otherwise by position, if the file has positions.
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
            } else if let Some(position) = self.positions.and_then(|positions| positions.get(at))
                && same_before.contains(position)
            {
                self.matched_index[at] = Some(*position);
            }
        }
    }

    /// Matches items with the published items at their positions.
    fn match_by_position(
        &mut self,
        find_position: impl Fn(usize) -> Option<usize>,
        is_meant: impl Fn(usize, &Value) -> bool,
    ) {
        for (at, item) in self.after.iter().enumerate() {
            let position = find_position(at)
                .filter(|position| *position < self.before.len() && is_meant(*position, item));
            if self.matched_index[at].is_none()
                && let Some(position) = position.filter(|position| self.is_unmatched(*position))
            {
                self.matched_index[at] = Some(position);
            }
        }
    }

    /// Lists the published items that no item replaces.
    pub(super) fn unmatched(&self) -> impl Iterator<Item = &'a Value> {
        let items = self.before.iter().enumerate();
        items
            .filter(|(at, _)| self.is_unmatched(*at))
            .map(|(_, item)| item)
    }
}

fn get_text<'a>(item: &'a Value, field: &str) -> Option<&'a str> {
    item.get(field).and_then(Value::as_str)
}

/// Returns whether two terms have the same funder: by identifier if both have one, and otherwise by name.
fn is_same_funder(one: &Value, other: &Value) -> bool {
    let (Some(one), Some(other)) = (one.get("funder"), other.get("funder")) else {
        return false;
    };
    let by = |key| Some((get_text(one, key)?, get_text(other, key)?));
    by("identifier")
        .or_else(|| by("name"))
        .is_some_and(|(one, other)| normalisation::fold_name(one) == normalisation::fold_name(other))
}

/// Describes an item of a list for a message.
pub(super) fn describe_item(list: &str, item: &Value) -> String {
    let field = |field| get_text(item, field).unwrap_or_default();
    match list {
        "entryPoints" => format!("{} ({})", field("entryPoint"), field("perspective")),
        "challengesFaced" => field("challenge").to_owned(),
        "conditionsChanged" => field("condition").to_owned(),
        _ => {
            let funder = item.get("funder");
            let funder =
                funder.and_then(|funder| get_text(funder, "name").or_else(|| get_text(funder, "identifier")));
            let from = get_text(item, "startsOn").map(|day| format!(" from {day}"));
            let grant = get_text(item, "grantIdentifier").map(|grant| format!(" ({grant})"));
            format!(
                "the term of {}{}{}",
                funder.unwrap_or("an unnamed funder"),
                from.unwrap_or_default(),
                grant.unwrap_or_default()
            )
        }
    }
}

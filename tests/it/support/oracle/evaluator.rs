//! A naive evaluator of filters, written from the documentation alone and without the code of
//! the product.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

/// TRUE, FALSE, or none for UNKNOWN.
pub type Truth = Option<bool>;

fn and_all(truths: impl IntoIterator<Item = Truth>) -> Truth {
    let truths: Vec<Truth> = truths.into_iter().collect();
    if truths.contains(&Some(false)) {
        return Some(false);
    }
    if truths.contains(&None) { None } else { Some(true) }
}

fn or_all(truths: impl IntoIterator<Item = Truth>) -> Truth {
    negate(and_all(truths.into_iter().map(negate)))
}

fn negate(truth: Truth) -> Truth {
    truth.map(|truth| !truth)
}

/// The name, the kind, the codes of the parents, and the code of the successor.
type Place = (
    &'static str,
    &'static str,
    Vec<&'static str>,
    Option<&'static str>,
);
/// The first day, the last day, and the codes of the places.
type Crisis = (&'static str, Option<&'static str>, Vec<&'static str>);

/// The reference data.
pub struct World {
    /// By code.
    pub places: HashMap<&'static str, Place>,
    /// By name, the identifier and the kind.
    pub organisations: HashMap<&'static str, (Option<&'static str>, Option<&'static str>)>,
    /// By slug.
    pub crises: HashMap<&'static str, Crisis>,
}

impl World {
    fn resolve_current<'a>(&'a self, code: &'a str) -> &'a str {
        self.places[code]
            .3
            .map_or(code, |successor| self.resolve_current(successor))
    }

    fn is_same_place(&self, place: &str, wanted: &str) -> bool {
        place == wanted
            || self.places[place]
                .3
                .is_some_and(|successor| self.is_same_place(successor, wanted))
    }

    /// Itself, its ancestors and its successors.
    pub fn is_within(&self, place: &str, wanted: &str) -> bool {
        let (_, _, larger, successor) = &self.places[place];
        place == wanted
            || larger
                .iter()
                .chain(successor)
                .any(|next| self.is_within(next, wanted))
    }

    /// Evaluates a filter for a record.
    pub fn evaluate(&self, filter: &Value, record: &Value) -> Truth {
        let parts = filter.as_object().expect("a filter is an object").iter();
        and_all(parts.map(|(field, part)| self.evaluate_part(field, part, record)))
    }

    #[expect(clippy::too_many_lines, reason = "one scenario from start to end")]
    fn evaluate_part(&self, field: &str, part: &Value, record: &Value) -> Truth {
        match field {
            "and" => and_all(as_list(part).iter().map(|one| self.evaluate(one, record))),
            "or" => or_all(as_list(part).iter().map(|one| self.evaluate(one, record))),
            "not" => negate(self.evaluate(part, record)),
            "title" => compare(part, &record["title"]),
            "startedOn" | "endedOn" => compare(part, &record[field]),
            "leadOrganisation" => self.evaluate_organisation(part, &record["leadOrganisation"]),
            "place" => {
                let place = record["place"]["code"].as_str();
                and_all(
                    part.as_object()
                        .unwrap()
                        .iter()
                        .map(|(how, wanted)| match how.as_str() {
                            "isKnown" => Some(place.is_some() == wanted.as_bool().unwrap()),
                            "is" => place.map(|place| {
                                self.is_same_place(
                                    place,
                                    self.resolve_current(wanted["code"].as_str().unwrap()),
                                )
                            }),
                            "within" => place.map(|place| {
                                self.is_within(place, self.resolve_current(wanted["code"].as_str().unwrap()))
                            }),
                            other => panic!("place.{other}"),
                        }),
                )
            }
            "activeDuring" => self.active_during(part["crisis"].as_str().unwrap(), record),
            "startedDuring" => self.started_during(part["crisis"].as_str().unwrap(), record),
            "fundedDuring" => self.funded_during(part["crisis"].as_str().unwrap(), record),
            "wayIn" => {
                let ways: BTreeSet<String> = list_perspectives(part)
                    .iter()
                    .filter_map(|one| list_entry_points(record, one).first().cloned())
                    .collect();
                and_all(
                    part.as_object()
                        .unwrap()
                        .iter()
                        .filter(|(how, _)| *how != "perspective")
                        .map(|(how, wanted)| match how.as_str() {
                            "isKnown" => Some(ways.is_empty() != wanted.as_bool().unwrap()),
                            "in" if ways.is_empty() => None,
                            "in" => Some(
                                as_list(wanted)
                                    .iter()
                                    .any(|one| ways.contains(one.as_str().unwrap())),
                            ),
                            other => panic!("wayIn.{other}"),
                        }),
                )
            }
            "entryPoints" => {
                let taken = list_perspectives(part)
                    .iter()
                    .flat_map(|one| list_entry_points(record, one))
                    .collect();
                compare_set(part, &taken)
            }
            "challenge" => {
                let row = as_list(&record["challengesFaced"])
                    .iter()
                    .find(|row| row["challenge"] == part["on"]);
                let step = row.map_or(&Value::Null, |row| &row["step"]);
                let reasons = row.map(|row| as_text_set(&row["reasons"])).unwrap_or_default();
                and_all([
                    part.get("step")
                        .map_or(Some(true), |wanted| compare(wanted, step)),
                    part.get("reasons")
                        .map_or(Some(true), |wanted| compare_set(wanted, &reasons)),
                ])
            }
            "condition" => {
                let row = as_list(&record["conditionsChanged"])
                    .iter()
                    .find(|row| row["condition"] == part["on"]);
                compare(&part["change"], row.map_or(&Value::Null, |row| &row["change"]))
            }
            "fundingTerms" => {
                let terms = as_list(&record["fundingTerms"]);
                let some = |filter: &Value, wanted: bool| {
                    if terms.is_empty() {
                        return None;
                    }
                    or_all(terms.iter().map(|term| {
                        let holds = self.evaluate_term(filter, term);
                        if wanted { holds } else { negate(holds) }
                    }))
                };
                and_all(
                    part.as_object()
                        .unwrap()
                        .iter()
                        .map(|(how, filter)| match how.as_str() {
                            "some" => some(filter, true),
                            "none" => negate(some(filter, true)),
                            "every" => negate(some(filter, false)),
                            "isRecorded" => Some(terms.is_empty() != filter.as_bool().unwrap()),
                            other => panic!("fundingTerms.{other}"),
                        }),
                )
            }
            other => panic!("no such field: {other}"),
        }
    }

    /// Evaluates a filter for a funding term.
    pub fn evaluate_term(&self, filter: &Value, term: &Value) -> Truth {
        and_all(
            filter
                .as_object()
                .unwrap()
                .iter()
                .map(|(field, part)| match field.as_str() {
                    "and" => and_all(as_list(part).iter().map(|one| self.evaluate_term(one, term))),
                    "or" => or_all(as_list(part).iter().map(|one| self.evaluate_term(one, term))),
                    "not" => negate(self.evaluate_term(part, term)),
                    "funder" => self.evaluate_organisation(part, &term["funder"]),
                    field => compare(part, &term[field]),
                }),
        )
    }

    fn evaluate_organisation(&self, filter: &Value, named: &Value) -> Truth {
        let name = named["name"].as_str().unwrap();
        let (identifier, kind) = self.organisations[name];
        and_all(filter.as_object().unwrap().iter().map(|(field, part)| {
            match field.as_str() {
                "and" => and_all(
                    as_list(part)
                        .iter()
                        .map(|one| self.evaluate_organisation(one, named)),
                ),
                "or" => or_all(
                    as_list(part)
                        .iter()
                        .map(|one| self.evaluate_organisation(one, named)),
                ),
                "not" => negate(self.evaluate_organisation(part, named)),
                "name" => compare(part, &name.into()),
                "identifier" => compare(part, &identifier.into()),
                "kind" => compare(part, &kind.into()),
                other => panic!("organisation.{other}"),
            }
        }))
    }

    /// It had not ended when the crisis began, and had started when it ended. A start after the
    /// first day decides the former, an end before the last day the latter.
    fn active_during(&self, crisis: &str, record: &Value) -> Truth {
        let (from, to, _) = &self.crises[crisis];
        let (started, ended) = (record["startedOn"].as_str(), record["endedOn"].as_str());
        let not_over = if record["ongoing"] == true || started.is_some_and(|day| day >= *from) {
            Some(true)
        } else {
            ended.map(|day| day >= *from)
        };
        let begun = match to {
            None => Some(true),
            Some(to) if ended.is_some_and(|day| day <= *to) => Some(true),
            Some(to) => started.map(|day| day <= *to),
        };
        and_all([not_over, begun, self.is_affected(crisis, record)])
    }

    fn is_affected(&self, crisis: &str, record: &Value) -> Truth {
        let places = &self.crises[crisis].2;
        if places.is_empty() {
            return Some(true);
        }
        let place = record["place"]["code"].as_str();
        place.map(|place| places.iter().any(|wanted| self.is_within(place, wanted)))
    }

    /// A day lies in a period that includes its first and its last day.
    fn is_during(&self, crisis: &str, day: &Value) -> Truth {
        let (from, to, _) = &self.crises[crisis];
        day.as_str()
            .map(|day| day >= *from && to.is_none_or(|to| day <= to))
    }

    fn started_during(&self, crisis: &str, record: &Value) -> Truth {
        let started = self.is_during(crisis, &record["startedOn"]);
        and_all([started, self.is_affected(crisis, record)])
    }

    /// Some term starts in the period. UNKNOWN without terms.
    fn funded_during(&self, crisis: &str, record: &Value) -> Truth {
        let terms = as_list(&record["fundingTerms"]);
        let funded = if terms.is_empty() {
            None
        } else {
            or_all(terms.iter().map(|term| self.is_during(crisis, &term["startsOn"])))
        };
        and_all([funded, self.is_affected(crisis, record)])
    }
}

/// A list, which is empty if there is none.
pub fn as_list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn as_text_set(value: &Value) -> BTreeSet<String> {
    as_list(value)
        .iter()
        .map(|one| one.as_str().unwrap().to_owned())
        .collect()
}

const PERSPECTIVES: [&str; 4] = ["PRACTITIONER", "FUNDER", "NATIONAL_CHARITY", "COMMUNITY"];

fn list_perspectives(part: &Value) -> Vec<&str> {
    part["perspective"]
        .as_str()
        .map_or_else(|| PERSPECTIVES.to_vec(), |one| vec![one])
}

/// The entry points of a perspective, in order.
pub fn list_entry_points(record: &Value, perspective: &str) -> Vec<String> {
    as_list(&record["entryPoints"])
        .iter()
        .filter(|taken| taken["perspective"] == perspective)
        .map(|taken| taken["entryPoint"].as_str().unwrap().to_owned())
        .collect()
}

fn compare(comparison: &Value, value: &Value) -> Truth {
    let folded = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.clone(), |text| text.to_lowercase().into())
    };
    let value = folded(value);
    and_all(comparison.as_object().unwrap().iter().map(|(how, wanted)| {
        if how == "isKnown" {
            return Some(value.is_null() != wanted.as_bool().unwrap());
        }
        if value.is_null() {
            return None;
        }
        let less = |a: &Value, b: &Value| match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a < b,
            _ => a.as_str().unwrap() < b.as_str().unwrap(),
        };
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let one = folded(wanted);
        Some(match how.as_str() {
            "eq" => value == one,
            "ne" => value != one,
            "in" => as_list(wanted).iter().any(|one| folded(one) == value),
            "lt" => less(&value, &one),
            "lte" => !less(&one, &value),
            "gt" => less(&one, &value),
            "gte" => !less(&value, &one),
            "contains" => text(&value).contains(&text(&one)),
            "startsWith" => text(&value).starts_with(&text(&one)),
            other => panic!("no such comparison: {other}"),
        })
    }))
}

fn compare_set(comparison: &Value, recorded: &BTreeSet<String>) -> Truth {
    let parts = comparison
        .as_object()
        .unwrap()
        .iter()
        .filter(|(how, _)| *how != "perspective");
    and_all(parts.map(|(how, wanted)| {
        let has = |one: &Value| recorded.contains(one.as_str().unwrap());
        match how.as_str() {
            "isKnown" => Some(recorded.is_empty() != wanted.as_bool().unwrap()),
            _ if recorded.is_empty() => None,
            "includes" => Some(as_list(wanted).iter().all(has)),
            "includesAny" => Some(as_list(wanted).iter().any(has)),
            other => panic!("no such comparison of sets: {other}"),
        }
    }))
}

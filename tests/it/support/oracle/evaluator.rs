//! What filters mean, worked out record by record from the model's own words:
//! slowly, plainly, and with nothing of the product's.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

/// TRUE, FALSE, or none for UNKNOWN.
pub type Truth = Option<bool>;

fn all(truths: impl IntoIterator<Item = Truth>) -> Truth {
    let truths: Vec<Truth> = truths.into_iter().collect();
    if truths.contains(&Some(false)) {
        return Some(false);
    }
    if truths.contains(&None) { None } else { Some(true) }
}

fn any(truths: impl IntoIterator<Item = Truth>) -> Truth {
    not(all(truths.into_iter().map(not)))
}

fn not(truth: Truth) -> Truth {
    truth.map(|truth| !truth)
}

/// The name, the kind, the codes of the larger places, and the successor's code.
type Place = (
    &'static str,
    &'static str,
    Vec<&'static str>,
    Option<&'static str>,
);
/// The first day, the last, and the codes of the places.
type Crisis = (&'static str, Option<&'static str>, Vec<&'static str>);

/// What is known beside the records.
pub struct World {
    /// By code.
    pub places: HashMap<&'static str, Place>,
    /// By name: the identifier and the kind.
    pub organisations: HashMap<&'static str, (Option<&'static str>, Option<&'static str>)>,
    /// By slug.
    pub crises: HashMap<&'static str, Crisis>,
}

impl World {
    fn current<'a>(&'a self, code: &'a str) -> &'a str {
        self.places[code]
            .3
            .map_or(code, |successor| self.current(successor))
    }

    fn is(&self, place: &str, wanted: &str) -> bool {
        place == wanted
            || self.places[place]
                .3
                .is_some_and(|successor| self.is(successor, wanted))
    }

    /// Itself, what it lies within, and what took over, at any remove.
    pub fn reaches(&self, place: &str, wanted: &str) -> bool {
        let (_, _, larger, successor) = &self.places[place];
        place == wanted
            || larger
                .iter()
                .chain(successor)
                .any(|next| self.reaches(next, wanted))
    }

    /// Whether a filter holds of a record.
    pub fn holds(&self, filter: &Value, record: &Value) -> Truth {
        let parts = filter.as_object().expect("a filter is an object").iter();
        all(parts.map(|(field, part)| self.part_holds(field, part, record)))
    }

    fn part_holds(&self, field: &str, part: &Value, record: &Value) -> Truth {
        match field {
            "and" => all(list(part).iter().map(|one| self.holds(one, record))),
            "or" => any(list(part).iter().map(|one| self.holds(one, record))),
            "not" => not(self.holds(part, record)),
            "title" => compared(part, &record["title"]),
            "startedOn" | "endedOn" => compared(part, &record[field]),
            "leadOrganisation" => self.organisation(part, &record["leadOrganisation"]),
            "place" => {
                let place = record["place"]["code"].as_str();
                all(part
                    .as_object()
                    .unwrap()
                    .iter()
                    .map(|(how, wanted)| match how.as_str() {
                        "isKnown" => Some(place.is_some() == wanted.as_bool().unwrap()),
                        "is" => {
                            place.map(|place| self.is(place, self.current(wanted["code"].as_str().unwrap())))
                        }
                        "within" => place
                            .map(|place| self.reaches(place, self.current(wanted["code"].as_str().unwrap()))),
                        other => panic!("place.{other}"),
                    }))
            }
            "activeDuring" => self.active_during(part["crisis"].as_str().unwrap(), record),
            "wayIn" => {
                let ways: BTreeSet<String> = perspectives(part)
                    .iter()
                    .filter_map(|one| entry_points(record, one).first().cloned())
                    .collect();
                all(part
                    .as_object()
                    .unwrap()
                    .iter()
                    .filter(|(how, _)| *how != "perspective")
                    .map(|(how, wanted)| match how.as_str() {
                        "isKnown" => Some(ways.is_empty() != wanted.as_bool().unwrap()),
                        "in" if ways.is_empty() => None,
                        "in" => Some(
                            list(wanted)
                                .iter()
                                .any(|one| ways.contains(one.as_str().unwrap())),
                        ),
                        other => panic!("wayIn.{other}"),
                    }))
            }
            "entryPoints" => {
                let taken = perspectives(part)
                    .iter()
                    .flat_map(|one| entry_points(record, one))
                    .collect();
                set_compared(part, &taken)
            }
            "challenge" => {
                let row = list(&record["challengesFaced"])
                    .iter()
                    .find(|row| row["challenge"] == part["on"]);
                let step = row.map_or(&Value::Null, |row| &row["step"]);
                let reasons = row.map(|row| texts(&row["reasons"])).unwrap_or_default();
                all([
                    part.get("step")
                        .map_or(Some(true), |wanted| compared(wanted, step)),
                    part.get("reasons")
                        .map_or(Some(true), |wanted| set_compared(wanted, &reasons)),
                ])
            }
            "condition" => {
                let row = list(&record["conditionsChanged"])
                    .iter()
                    .find(|row| row["condition"] == part["on"]);
                compared(&part["change"], row.map_or(&Value::Null, |row| &row["change"]))
            }
            "fundingTerms" => {
                let terms = list(&record["fundingTerms"]);
                let some = |filter: &Value, wanted: bool| {
                    if terms.is_empty() {
                        return None;
                    }
                    any(terms.iter().map(|term| {
                        let holds = self.term_holds(filter, term);
                        if wanted { holds } else { not(holds) }
                    }))
                };
                all(part
                    .as_object()
                    .unwrap()
                    .iter()
                    .map(|(how, filter)| match how.as_str() {
                        "some" => some(filter, true),
                        "none" => not(some(filter, true)),
                        "every" => not(some(filter, false)),
                        "isRecorded" => Some(terms.is_empty() != filter.as_bool().unwrap()),
                        other => panic!("fundingTerms.{other}"),
                    }))
            }
            other => panic!("no such field: {other}"),
        }
    }

    /// Whether a filter holds of a funding term.
    pub fn term_holds(&self, filter: &Value, term: &Value) -> Truth {
        all(filter
            .as_object()
            .unwrap()
            .iter()
            .map(|(field, part)| match field.as_str() {
                "and" => all(list(part).iter().map(|one| self.term_holds(one, term))),
                "or" => any(list(part).iter().map(|one| self.term_holds(one, term))),
                "not" => not(self.term_holds(part, term)),
                "funder" => self.organisation(part, &term["funder"]),
                field => compared(part, &term[field]),
            }))
    }

    fn organisation(&self, filter: &Value, named: &Value) -> Truth {
        let name = named["name"].as_str().unwrap();
        let (identifier, kind) = self.organisations[name];
        all(filter
            .as_object()
            .unwrap()
            .iter()
            .map(|(field, part)| match field.as_str() {
                "and" => all(list(part).iter().map(|one| self.organisation(one, named))),
                "or" => any(list(part).iter().map(|one| self.organisation(one, named))),
                "not" => not(self.organisation(part, named)),
                "name" => compared(part, &name.into()),
                "identifier" => compared(part, &identifier.into()),
                "kind" => compared(part, &kind.into()),
                other => panic!("organisation.{other}"),
            }))
    }

    /// It had not ended when the crisis began, and had started by its end; a start
    /// after the one day decides the first, an end before the other the second.
    fn active_during(&self, crisis: &str, record: &Value) -> Truth {
        let (from, to, places) = &self.crises[crisis];
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
        let there = if places.is_empty() {
            Some(true)
        } else {
            let place = record["place"]["code"].as_str();
            place.map(|place| places.iter().any(|wanted| self.reaches(place, wanted)))
        };
        all([not_over, begun, there])
    }
}

/// A list, also where nothing stands.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn texts(value: &Value) -> BTreeSet<String> {
    list(value)
        .iter()
        .map(|one| one.as_str().unwrap().to_owned())
        .collect()
}

const PERSPECTIVES: [&str; 4] = ["PRACTITIONER", "FUNDER", "NATIONAL_CHARITY", "COMMUNITY"];

fn perspectives(part: &Value) -> Vec<&str> {
    part["perspective"]
        .as_str()
        .map_or_else(|| PERSPECTIVES.to_vec(), |one| vec![one])
}

/// The entry points of a perspective, in order.
pub fn entry_points(record: &Value, perspective: &str) -> Vec<String> {
    list(&record["entryPoints"])
        .iter()
        .filter(|taken| taken["perspective"] == perspective)
        .map(|taken| taken["entryPoint"].as_str().unwrap().to_owned())
        .collect()
}

fn compared(comparison: &Value, value: &Value) -> Truth {
    let folded = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.clone(), |text| text.to_lowercase().into())
    };
    let value = folded(value);
    all(comparison.as_object().unwrap().iter().map(|(how, wanted)| {
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
            "in" => list(wanted).iter().any(|one| folded(one) == value),
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

fn set_compared(comparison: &Value, recorded: &BTreeSet<String>) -> Truth {
    let parts = comparison
        .as_object()
        .unwrap()
        .iter()
        .filter(|(how, _)| *how != "perspective");
    all(parts.map(|(how, wanted)| {
        let has = |one: &Value| recorded.contains(one.as_str().unwrap());
        match how.as_str() {
            "isKnown" => Some(recorded.is_empty() != wanted.as_bool().unwrap()),
            _ if recorded.is_empty() => None,
            "includes" => Some(list(wanted).iter().all(has)),
            "includesAny" => Some(list(wanted).iter().any(has)),
            other => panic!("no such comparison of sets: {other}"),
        }
    }))
}

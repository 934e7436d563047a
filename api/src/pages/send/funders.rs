//! The organisations that the form of a record offers as funders.

use serde_json::{Value, json};
use wayin_records::normalisation::fold_name;

use super::data::{
    FoundOrganisation, SendFunderMatchesOperation, SendFunderNamesOperation, SendFunderOperation,
};
use super::record_form::{FUNDING_TERMS, name_funder};
use crate::pages::error::PageError;
use crate::pages::record::data::ProblemData;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

/// How the actions of the buttons begin that choose a funder. The position of the funding and the id of the organisation follow.
const CHOOSE_FUNDER: &str = "choose-funder:";
/// The highest number of organisations that are offered for one funder.
const MAX_MATCHES: usize = 5;
/// The highest number of funders for which organisations are searched at once.
const MAX_SEARCHES: usize = 5;
/// The highest number of characters of a name that is searched.
const MAX_NAME_CHARACTERS: usize = 200;
/// How alike two names must be to be offered, from 0 to 1.
const MIN_SIMILARITY: f64 = 0.75;
/// The number of first letters of a word that a name must have to be compared.
const PREFIX_CHARACTERS: usize = 4;
const MAX_WORDS: usize = 6;

/// An organisation to pick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchView {
    /// The action of the button that picks it.
    pub action: String,
    pub label: String,
}

/// The organisations that a name may mean.
#[derive(Clone, Debug)]
pub struct FunderMatches {
    /// The field with the name.
    pub field: String,
    pub matches: Vec<MatchView>,
}

/// The organisation that a button picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChosenFunder<'a> {
    position: usize,
    organisation: &'a str,
}

impl<'a> ChosenFunder<'a> {
    /// Reads the action of a form. None if it is another action.
    pub fn from_action(action: &'a str) -> Option<Self> {
        let (position, organisation) = action.strip_prefix(CHOOSE_FUNDER)?.split_once(':')?;
        Some(Self {
            position: position.parse().ok()?,
            organisation,
        })
    }

    /// The field with the name of the funder.
    pub fn field(self) -> String {
        name_field(self.position)
    }

    /// Writes the organisation into the record.
    ///
    /// # Errors
    /// A page, if the organisation cannot be read.
    pub async fn apply(
        self,
        service: &PageService,
        visitor: &Visitor,
        record: &mut Value,
    ) -> Result<(), PageError> {
        let variables = json!({ "id": self.organisation });
        let found: SendFunderOperation = service.execute(visitor, variables).await?;
        if let Some(found) = found.organisation {
            name_funder(record, self.position, &found.name, found.identifier.as_deref());
        }
        Ok(())
    }
}

/// The names of known funders that contain a text, or all if there is no text. Organisations of unknown kind may be funders too.
///
/// # Errors
/// A page, if the organisations cannot be read.
pub async fn find_funder_names(
    service: &PageService,
    visitor: &Visitor,
    search: &str,
) -> Result<Vec<String>, PageError> {
    let mut filter = json!({ "or": [{"kind": {"eq": "FUNDER"}}, {"kind": {"isKnown": false}}] });
    if can_be_searched(search) {
        filter["name"] = json!({ "contains": search });
    }
    let found: SendFunderNamesOperation = service.execute(visitor, json!({ "filter": filter })).await?;
    let names = found.organisations.nodes.into_iter();
    Ok(names.map(|organisation| organisation.name).collect())
}

/// Finds the organisations that the names of funders may mean, where a name means none or several.
///
/// # Errors
/// A page, if the organisations cannot be read.
pub async fn find_funder_matches(
    service: &PageService,
    visitor: &Visitor,
    record: &Value,
    problems: &[ProblemData],
) -> Result<Vec<FunderMatches>, PageError> {
    let mut all = Vec::new();
    for (position, name) in list_unclear_names(record, problems) {
        let (every, any) = build_filters(name);
        let variables = json!({ "all": every, "any": any });
        let found: SendFunderMatchesOperation = service.execute(visitor, variables).await?;
        let found = choose_matches(name, found.all.nodes, found.any.nodes);
        all.push(FunderMatches {
            field: name_field(position),
            matches: found
                .into_iter()
                .map(|organisation| show_match(position, organisation))
                .collect(),
        });
    }
    Ok(all)
}

/// The names that mean no organisation, or several, with the positions of their funding.
fn list_unclear_names<'a>(record: &'a Value, problems: &[ProblemData]) -> Vec<(usize, &'a str)> {
    let unclear = problems
        .iter()
        .filter(|problem| matches!(problem.code.as_str(), "NOT_FOUND" | "AMBIGUOUS"));
    let names = unclear.filter_map(|problem| {
        let path = problem.record_path();
        let position = path
            .strip_prefix(FUNDING_TERMS)?
            .strip_prefix('/')?
            .strip_suffix("/funder")?;
        let position: usize = position.parse().ok()?;
        let funder = record.get(FUNDING_TERMS)?.get(position)?.get("funder")?;
        let name = funder.get("name")?.as_str()?;
        can_be_searched(name).then_some((position, name))
    });
    names.take(MAX_SEARCHES).collect()
}

fn can_be_searched(name: &str) -> bool {
    !fold_name(name).is_empty() && name.chars().count() <= MAX_NAME_CHARACTERS
}

/// The filters of the names that have the beginnings of all words of a name, and of those that have the name or one of them.
fn build_filters(name: &str) -> (Value, Value) {
    let contains = |text: &str| json!({"name": {"contains": text}});
    let folded = fold_name(name);
    let words = folded.split_whitespace();
    let long = words.filter(|word| word.chars().count() >= PREFIX_CHARACTERS);
    let beginnings = long
        .take(MAX_WORDS)
        .map(|word| contains(&word.chars().take(PREFIX_CHARACTERS).collect::<String>()));
    let every: Vec<Value> = beginnings.collect();
    if every.is_empty() {
        return (contains(name), contains(name));
    }
    let mut any = every.clone();
    any.push(contains(name));
    (json!({ "and": every }), json!({ "or": any }))
}

/// Chooses the organisations whose names are the most like a name. Those in `all` have all of its words.
fn choose_matches(
    name: &str,
    all: Vec<FoundOrganisation>,
    any: Vec<FoundOrganisation>,
) -> Vec<FoundOrganisation> {
    let bare = |name: &str| {
        let folded = fold_name(name);
        folded.strip_prefix("the ").unwrap_or(&folded).to_owned()
    };
    let name = bare(name);
    let mut rated: Vec<(f64, FoundOrganisation)> = Vec::new();
    let all = all.into_iter().map(|found| (found, MIN_SIMILARITY));
    for (found, least) in all.chain(any.into_iter().map(|found| (found, 0.0))) {
        if rated.iter().any(|(_, known)| known.id == found.id) {
            continue;
        }
        let candidate = bare(&found.name);
        let similarity = if candidate.contains(&name) {
            1.0
        } else {
            strsim::jaro_winkler(&name, &candidate)
        };
        rated.push((similarity.max(least), found));
    }
    rated.retain(|(similarity, _)| *similarity >= MIN_SIMILARITY);
    rated.sort_by(|a, b| {
        let is_same = |found: &FoundOrganisation| bare(&found.name) == name;
        let by_name = is_same(&b.1).cmp(&is_same(&a.1));
        by_name
            .then_with(|| b.0.total_cmp(&a.0))
            .then_with(|| a.1.name.cmp(&b.1.name))
    });
    let folded: Vec<String> = rated.iter().map(|(_, found)| fold_name(&found.name)).collect();
    let is_clear = |found: &FoundOrganisation| {
        let own = fold_name(&found.name);
        // A record cannot say which of two organisations it means if they have one name and no identifier.
        found.identifier.is_some() || folded.iter().filter(|name| **name == own).count() == 1
    };
    let clear = rated.into_iter().map(|(_, found)| found).filter(is_clear);
    clear.take(MAX_MATCHES).collect()
}

fn show_match(position: usize, organisation: FoundOrganisation) -> MatchView {
    MatchView {
        action: format!("{CHOOSE_FUNDER}{position}:{}", organisation.id),
        label: match organisation.identifier {
            Some(identifier) => format!("{} ({identifier})", organisation.name),
            None => organisation.name,
        },
    }
}

fn name_field(position: usize) -> String {
    format!("{FUNDING_TERMS}.{position}.funder.name")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn organisation(name: &str, identifier: Option<&str>) -> FoundOrganisation {
        FoundOrganisation {
            id: format!("{name} {identifier:?}"),
            name: name.into(),
            identifier: identifier.map(Into::into),
        }
    }

    fn choose(name: &str, found: &[(&str, Option<&str>)]) -> Vec<String> {
        let found = found
            .iter()
            .map(|(name, identifier)| organisation(name, *identifier));
        let chosen = choose_matches(name, Vec::new(), found.collect());
        chosen
            .into_iter()
            .map(|found| show_match(0, found).label)
            .collect()
    }

    #[test]
    fn similar_names_are_offered() {
        let known = [
            ("Zoo Fund", None),
            ("The National Lottery Community Fund", Some("GB-GOR-PC390")),
            ("National Lottery", None),
        ];
        assert_eq!(
            choose("National Lotery Community Fund", &known),
            [
                "The National Lottery Community Fund (GB-GOR-PC390)",
                "National Lottery"
            ]
        );
        assert_eq!(
            choose("lottery community", &known),
            ["The National Lottery Community Fund (GB-GOR-PC390)"]
        );
    }

    #[test]
    fn organisations_of_one_name_are_offered_with_their_identifiers() {
        let known = [
            ("Community Trust of Leeds", Some("GB-CHC-3")),
            ("Community Trust", Some("GB-CHC-1")),
            ("Community trust", Some("GB-CHC-2")),
            ("Community Trust", None),
        ];
        assert_eq!(
            choose("Community Trust", &known),
            [
                "Community Trust (GB-CHC-1)",
                "Community trust (GB-CHC-2)",
                "Community Trust of Leeds (GB-CHC-3)",
            ]
        );
    }

    #[test]
    fn unclear_names_are_searched() {
        let record = json!({"fundingTerms": [
            {"funder": {"name": "A"}}, {"funder": {"name": " "}}, {"funder": {"identifier": "GB-CHC-1"}},
            {"funder": {"name": "B"}},
        ]});
        let problems = ["0", "1", "2", "3", "4"].map(|position| ProblemData {
            code: if position == "0" { "AMBIGUOUS" } else { "NOT_FOUND" }.into(),
            message: "no organisation is called so".into(),
            path: ["record", "fundingTerms", position, "funder"]
                .map(Into::into)
                .to_vec(),
        });
        assert_eq!(list_unclear_names(&record, &problems), [(0, "A"), (3, "B")]);
        let contains = |text: &str| json!({"name": {"contains": text}});
        assert_eq!(build_filters("BBC"), (contains("BBC"), contains("BBC")));
        assert_eq!(
            build_filters("The Big Lottery"),
            (
                json!({"and": [contains("lott")]}),
                json!({"or": [contains("lott"), contains("The Big Lottery")]})
            )
        );
    }

    #[test]
    fn actions_name_the_funding_and_the_organisation() {
        let action = show_match(3, organisation("A", None)).action;
        let chosen = ChosenFunder::from_action(&action).unwrap();
        assert_eq!((chosen.position, chosen.organisation), (3, "A None"));
        assert_eq!(chosen.field(), "fundingTerms.3.funder.name");
        for other in ["continue", "remove:fundingTerms.0", "choose-funder:x:y"] {
            assert_eq!(ChosenFunder::from_action(other), None, "{other}");
        }
    }
}

//! Where the answer differs, in words.

use super::numbers::{format_count, join_list};
use crate::answer::{Groups, PatternAnswer};
use crate::group_comparison::DifferentGroup;
use crate::verdict::Direction;

/// The most groups that a sentence names. It counts the others.
const MAX_NAMED_GROUPS: usize = 4;

/// Which groups have a clearly higher or lower rate with the first condition than the rest. `when` is this condition in words.
/// None without groups.
pub fn render(answer: &PatternAnswer, when: &str) -> Option<String> {
    let (groups, comparison) = (answer.groups.as_ref()?, answer.compare_groups()?);
    let sentence = match comparison.compared {
        0 | 1 => "Too little is known of the groups to say where it differs.".to_owned(),
        compared if comparison.different.is_empty() => format!(
            "Among those that {when}, there is no clear difference between the {} groups with enough records.",
            format_count(compared as u64)
        ),
        compared => {
            let render = |direction, adjective| {
                let named = list_groups(groups, &comparison.different, direction);
                (!named.is_empty()).then(|| format!("{adjective} for {}", join_list(named, "and")))
            };
            let clauses = [
                render(Direction::More, "clearly higher"),
                render(Direction::Less, "clearly lower"),
            ];
            let first = format!("Among those that {when}, the rate is");
            let sentences = clauses.into_iter().flatten().zip([first.as_str(), "It is"]);
            let sentences: Vec<String> = sentences
                .map(|(clause, start)| format!("{start} {clause}."))
                .collect();
            format!(
                "{} This allows for chance among the {} groups compared.",
                sentences.join(" "),
                format_count(compared as u64)
            )
        }
    };
    if groups.basis == answer.basis.scope {
        return Some(sentence);
    }
    Some(format!(
        "The groups count only records that can be read in full. {sentence}"
    ))
}

/// The groups that differ in one direction, each with its rate, the largest difference first.
fn list_groups(groups: &Groups, different: &[DifferentGroup], direction: Direction) -> Vec<String> {
    let mut found: Vec<&DifferentGroup> = different
        .iter()
        .filter(|one| one.direction == direction)
        .collect();
    found.sort_by(|one, other| match direction {
        Direction::More => other.rate.total_cmp(&one.rate),
        Direction::Less => one.rate.total_cmp(&other.rate),
    });
    let name = |one: &&DifferentGroup| {
        let label = &groups.tables[one.group].0.label;
        format!("{label} ({:.0} in 100)", one.rate * 100.0)
    };
    let mut names: Vec<String> = found.iter().take(MAX_NAMED_GROUPS).map(name).collect();
    if found.len() > MAX_NAMED_GROUPS {
        let others = found.len() - MAX_NAMED_GROUPS;
        names.push(format!(
            "{} other{}",
            format_count(others as u64),
            if others == 1 { "" } else { "s" }
        ));
    }
    names
}

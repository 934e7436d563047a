//! Prints the permission policy for `docs/access.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use wayin_entity::Role;

use super::field_usage::{self, FIELD_USAGE, FieldUsageRow};
use super::{AccessRequirement, Exposure, TABLE};

/// Renders the policy and the fields that arguments use as two Markdown tables.
pub fn render_tables() -> String {
    let mut text = String::new();
    // Writing to a `String` does not fail.
    let _ = write_policy(&mut text, TABLE);
    text.push('\n');
    let _ = write_field_usage(&mut text);
    text
}

fn write_policy(text: &mut String, table: &[super::PolicyRow]) -> std::fmt::Result {
    write!(text, "| type | fields | no token |")?;
    for role in Role::ALL {
        write!(text, " {} |", role.code())?;
    }
    writeln!(text, " objects |")?;
    writeln!(text, "|---|---|{}---|", "---|".repeat(1 + Role::ALL.len()))?;
    let mut by_type: BTreeMap<(u8, &str), Vec<&super::PolicyRow>> = BTreeMap::new();
    for row in table {
        by_type.entry((type_order(row.0), row.0)).or_default().push(row);
    }
    for (of, names, rule) in by_type.into_values().flatten() {
        let names: Vec<String> = names.split(' ').map(|name| format!("`{name}`")).collect();
        write!(
            text,
            "| {of} | {} | {} |",
            names.join(" "),
            render_mark_without_token(rule.allowed)
        )?;
        for role in Role::ALL {
            write!(text, " {} |", render_mark(rule.allowed.is_met_by(*role)))?;
        }
        writeln!(text, " {} |", rule.exposure.label())?;
    }
    Ok(())
}

/// Sorts the root types first.
fn type_order(of: &str) -> u8 {
    match of {
        "Query" => 0,
        "Mutation" => 1,
        "Subscription" => 2,
        _ => 3,
    }
}

const fn render_mark_without_token(allowed: AccessRequirement) -> &'static str {
    match allowed {
        AccessRequirement::Everyone => "yes",
        AccessRequirement::Askers => "setting",
        AccessRequirement::Members | AccessRequirement::HasCapability(_) => "",
    }
}

const fn render_mark(open: bool) -> &'static str {
    if open { "yes" } else { "" }
}

fn write_field_usage(text: &mut String) -> std::fmt::Result {
    writeln!(text, "| used in | argument or value | fields |")?;
    writeln!(text, "|---|---|---|")?;
    for FieldUsageRow { owner: of, parts, .. } in FIELD_USAGE {
        for part in *parts {
            let fields = field_usage::find_used_fields(of, part).unwrap_or_default();
            if fields.is_empty() {
                continue;
            }
            let fields: Vec<String> = fields
                .iter()
                .map(|(of, field)| format!("`{of}.{field}`"))
                .collect();
            let by = if part.is_empty() {
                "itself".into()
            } else {
                format!("`{part}`")
            };
            writeln!(text, "| {of} | {by} | {} |", fields.join(" "))?;
        }
    }
    Ok(())
}

/// Renders the definitions of the exposures.
pub fn render_exposures() -> String {
    let mut text = String::from("| in the table | objects |\n|---|---|\n");
    for exposure in Exposure::ALL {
        let _ = writeln!(text, "| {} | {} |", exposure.label(), exposure.description());
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Set this variable to write the document instead of comparing it.
    const WRITE_VARIABLE: &str = "WAYIN_UPDATE_ACCESS_DOC";

    /// Replaces the content between two marks.
    fn replace_part(document: &str, part: &str, content: &str) -> String {
        let (begin, end) = (format!("<!-- {part} -->\n"), format!("<!-- end of {part} -->"));
        let (before, rest) = document.split_once(&begin).expect("the document has the mark");
        let (_, after) = rest.split_once(&end).expect("the document has the end of it");
        format!("{before}{begin}{content}{end}{after}")
    }

    #[test]
    fn access_document_matches_the_policy() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/access.md");
        let document = std::fs::read_to_string(&path).expect("docs/access.md can be read");
        let printed = replace_part(&document, "the table", &render_tables());
        let printed = replace_part(&printed, "the conditions", &render_exposures());
        if std::env::var_os(WRITE_VARIABLE).is_some() {
            std::fs::write(&path, printed).expect("docs/access.md can be written");
            return;
        }
        assert!(
            printed == document,
            "docs/access.md is stale; write it with `{WRITE_VARIABLE}=1 cargo test -p wayin access_document_matches_the_policy`"
        );
    }
}

//! Suggests known names for an unknown name.

use wayin_records::normalisation::fold_name;

/// Describes the suggestions, as the end of an error message.
pub fn describe_nearest(names: &[String]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!("; the nearest are {}", names.join(", "))
    }
}

/// The minimum similarity, from 0 to 1.
const MIN_SIMILARITY: f64 = 0.8;
const MAX_SUGGESTIONS: usize = 3;

/// Finds the most similar names, by M. A. Jaro (1989) and W. E. Winkler (1990), who give the first letters
/// more weight.
pub fn find_similar<'a>(name: &str, names: impl Iterator<Item = (&'a str, String)>) -> Vec<String> {
    // People rarely remember whether a name begins with "the".
    let bare = |name: &'_ str| name.strip_prefix("the ").unwrap_or(name).to_owned();
    let name = bare(&fold_name(name));
    let mut alike: Vec<(f64, String)> = names
        .map(|(folded, shown)| (strsim::jaro_winkler(&name, &bare(folded)), shown))
        .filter(|(alike, _)| *alike >= MIN_SIMILARITY)
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    alike.truncate(MAX_SUGGESTIONS);
    alike.into_iter().map(|(_, shown)| shown).collect()
}

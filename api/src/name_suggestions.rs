//! The names that may have been meant by one that is not known.

use wayin_records::normalisation::fold_name;

/// What may have been meant, to be added to a complaint.
pub fn describe_nearest(names: &[String]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!("; the nearest are {}", names.join(", "))
    }
}

/// How alike two names must be, from 0 to 1, for one to be offered for the other.
const MIN_SIMILARITY: f64 = 0.8;
/// How many names are offered.
const MAX_SUGGESTIONS: usize = 3;

/// Of some names those that are most like another, the most alike first. After M. A. Jaro (1989)
/// and W. E. Winkler (1990), who weigh the first letters more.
pub fn find_similar<'a>(name: &str, names: impl Iterator<Item = (&'a str, String)>) -> Vec<String> {
    // Whether a name begins with "the" is what people remember least.
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

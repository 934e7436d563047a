//! Placeholders: what people write if they do not know an answer, or if a question does not apply.

/// The meaning of a placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// The answer is not known.
    Unknown,
    /// The question does not apply.
    NotApplicable,
}

/// The words for "not known", in lower case and with straight apostrophes.
const UNKNOWN_WORDS: &str = "unknown, not known, unkown, don't know, dont know, do not know, didn't know, we don't know, \
     i don't know, dk, d/k, n/k, nk, not sure, unsure, unclear, not recorded, not available, no data, missing, null, nan, \
     none, nil, tbc, tbd, tba, to be confirmed, to be determined, to be decided, to follow, (unknown), (blank)";

const NOT_APPLICABLE_WORDS: [&str; 7] = ["n/a", "na", "n.a.", "n.a", "n\\a", "n / a", "not applicable"];

/// Returns the meaning of a text that is a placeholder.
pub fn parse_placeholder(text: &str) -> Option<Placeholder> {
    let folded = text
        .trim()
        .to_lowercase()
        .replace(['\u{2019}', '\u{2018}', '`', '´'], "'");
    let words: Vec<_> = folded.split_whitespace().collect();
    let folded = words.join(" ");
    if NOT_APPLICABLE_WORDS.contains(&folded.as_str()) {
        return Some(Placeholder::NotApplicable);
    }
    let is_mark = |letter| {
        matches!(
            letter,
            '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '?' | '.' | '…' | '_'
        )
    };
    let is_blank = !folded.is_empty() && folded.chars().all(is_mark);
    let bare = folded.trim_end_matches(['.', '?', '!']);
    (is_blank || UNKNOWN_WORDS.split(", ").any(|words| words == bare)).then_some(Placeholder::Unknown)
}

/// Returns whether a text means that something has not ended.
pub fn is_ongoing(text: &str) -> bool {
    const ONGOING_WORDS: &str = "ongoing, on-going, on going, still ongoing, continuing, continues, present, to present, \
         current, now, to date, still going, still running, not ended";
    let folded = text.trim().trim_end_matches('.').to_lowercase();
    ONGOING_WORDS.split(", ").any(|words| words == folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_recognised() {
        for text in [
            "Unknown",
            "unknown.",
            "Don't know",
            "Don\u{2019}t  know",
            "Not known",
            "-",
            "\u{2013}",
            "--",
            "?",
            "???",
            "TBC",
            "tbd",
            "None",
            "NULL",
            "...",
        ] {
            assert_eq!(parse_placeholder(text), Some(Placeholder::Unknown), "{text}");
        }
        for text in ["N/A", "n/a", "NA", " n.a. ", "Not applicable"] {
            assert_eq!(
                parse_placeholder(text),
                Some(Placeholder::NotApplicable),
                "{text}"
            );
        }
        for text in ["", " ", "no", "0", "unknown to us", "-1", "1-2", "Nasu", "a?"] {
            assert_eq!(parse_placeholder(text), None, "{text}");
        }
        assert!(is_ongoing("Ongoing") && is_ongoing("to date.") && !is_ongoing("2021"));
    }
}

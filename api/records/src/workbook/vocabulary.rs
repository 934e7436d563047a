//! The vocabularies of columns, as one type.

use std::sync::LazyLock;

use wayin_vocabulary::{Labelled, to_heading};

/// A term of a vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VocabularyTerm {
    /// The code in documents.
    pub code: &'static str,
    /// The label for people.
    pub label: &'static str,
    /// The definition.
    pub definition: &'static str,
}

impl VocabularyTerm {
    /// Returns the label as a cell shows it.
    pub fn display_text(self) -> String {
        to_heading(self.label)
    }
}

macro_rules! vocabularies {
    ($($name:ident $heading:literal,)+) => {
        /// A vocabulary.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Vocabulary {
            $(#[doc = concat!($heading, ".")] $name,)+
        }

        impl Vocabulary {
            /// All vocabularies.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The heading.
            pub const fn heading(self) -> &'static str {
                match self { $(Self::$name => $heading,)+ }
            }

            /// The terms, in order.
            pub fn words(self) -> &'static [VocabularyTerm] {
                match self {
                    $(Self::$name => {
                        static WORDS: LazyLock<Vec<VocabularyTerm>> = LazyLock::new(|| {
                            wayin_vocabulary::$name::ALL
                                .iter()
                                .map(|word| VocabularyTerm {
                                    code: word.code(),
                                    label: word.label(),
                                    definition: word.definition(),
                                })
                                .collect()
                        });
                        &WORDS
                    })+
                }
            }
        }
    };
}

vocabularies! {
    EntryPoint "Entry points",
    Perspective "Whose view",
    Challenge "Challenges",
    ChallengeStep "Steps",
    ChallengeReason "Reasons",
    Condition "Conditions",
    ChangeExtent "Changes",
    Restriction "Restrictions",
    ReportingFrequency "How often",
    ReportingBasis "What is reported on",
    DeliveryTimeline "Timelines",
    OrganisationKind "Organisations",
    Visibility "Who may read",
    SourceKind "Sources",
    MissingReason "Why missing",
}

impl Vocabulary {
    /// Finds a term by its code or label, in any case and spacing.
    pub fn find_term(self, text: &str) -> Option<VocabularyTerm> {
        let folded = fold_text(text);
        self.words()
            .iter()
            .find(|word| fold_text(word.code) == folded || fold_text(word.label) == folded)
            .copied()
    }
}

/// Folds a text for comparison: lower case, with single spaces for spaces, hyphens and underscores.
fn fold_text(text: &str) -> String {
    let words = text.split(|letter: char| letter.is_whitespace() || matches!(letter, '_' | '-'));
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn terms_are_found_by_code_and_by_label() {
        for vocabulary in Vocabulary::ALL {
            for word in vocabulary.words() {
                for text in [
                    word.code,
                    word.label,
                    &word.display_text(),
                    &word.code.to_lowercase(),
                ] {
                    assert_eq!(vocabulary.find_term(text), Some(*word), "{text}");
                }
                // Reasons stand in one cell, with these between them.
                assert!(!word.label.contains([';', ',', '\n']), "{word:?}");
            }
            let names: BTreeSet<_> = vocabulary
                .words()
                .iter()
                .flat_map(|word| BTreeSet::from([fold_text(word.code), fold_text(word.label)]))
                .collect();
            let most = vocabulary.words().len() * 2;
            assert!(names.len() <= most && names.len() >= vocabulary.words().len());
        }
        assert_eq!(
            Vocabulary::EntryPoint
                .find_term("  root  causes ")
                .map(|word| word.code),
            Some("ROOT_CAUSES")
        );
        assert_eq!(Vocabulary::EntryPoint.find_term(""), None);
        assert_eq!(Vocabulary::EntryPoint.find_term("luck"), None);
    }

    #[test]
    fn terms_are_distinguishable() {
        for vocabulary in Vocabulary::ALL {
            for (at, word) in vocabulary.words().iter().enumerate() {
                for other in &vocabulary.words()[at + 1..] {
                    let mine = [fold_text(word.code), fold_text(word.label)];
                    assert!(!mine.contains(&fold_text(other.code)), "{word:?} {other:?}");
                    assert!(!mine.contains(&fold_text(other.label)), "{word:?} {other:?}");
                }
            }
        }
    }
}

//! Finds duplicate fields in JSON, of which a parser keeps only one.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Lists the paths of duplicate fields, such as `fundingTerms/0/funder`. Empty if the text is not JSON.
pub(super) fn find_duplicate_fields(json: &str) -> Vec<String> {
    let mut found = Vec::new();
    let walk = DuplicateFieldVisitor {
        path: &mut String::new(),
        found: &mut found,
    };
    let mut reader = serde_json::Deserializer::from_str(json);
    // The reader of the text reports other errors.
    let _ = walk.deserialize(&mut reader);
    found
}

struct DuplicateFieldVisitor<'a> {
    path: &'a mut String,
    found: &'a mut Vec<String>,
}

impl DuplicateFieldVisitor<'_> {
    /// Visits a value in a field or at a position of a list.
    fn descend<T>(
        &mut self,
        step: &dyn fmt::Display,
        walk: impl FnOnce(DuplicateFieldVisitor<'_>) -> T,
    ) -> T {
        let before = self.path.len();
        if before > 0 {
            self.path.push('/');
        }
        self.path.push_str(&step.to_string());
        let outcome = walk(DuplicateFieldVisitor {
            path: self.path,
            found: self.found,
        });
        self.path.truncate(before);
        outcome
    }
}

impl<'de> DeserializeSeed<'de> for DuplicateFieldVisitor<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! ignore_scalars {
    ($($visit:ident($kind:ty)),+) => {
        $(fn $visit<E>(self, _: $kind) -> Result<(), E> {
            Ok(())
        })+
    };
}

impl<'de> Visitor<'de> for DuplicateFieldVisitor<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            self.descend(&name, |walk| {
                if seen.contains(&name) && !walk.found.contains(walk.path) {
                    walk.found.push(walk.path.clone());
                }
                map.next_value_seed(walk)
            })?;
            seen.insert(name);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let mut number = 0_u32;
        while self
            .descend(&number, |walk| list.next_element_seed(walk))?
            .is_some()
        {
            number += 1;
        }
        Ok(())
    }

    ignore_scalars! { visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64), visit_str(&str) }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_fields_are_found_by_path() {
        for (json, expected) in [
            (
                r#"{"a": 1, "b": [1, true, null, 1.5, "a"], "c": {"a": 1}}"#,
                &[][..],
            ),
            (r#"{"a": 1, "a": 1, "a": 2}"#, &["a"]),
            (
                r#"{"terms": [{}, {"funder": {"name": 1, "na\u006de": 2}}], "terms": []}"#,
                &["terms/1/funder/name", "terms"],
            ),
            ("[", &[]),
            ("", &[]),
        ] {
            assert_eq!(find_duplicate_fields(json), expected, "{json}");
        }
    }
}

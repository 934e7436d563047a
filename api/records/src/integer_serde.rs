//! Whole numbers of a document: `12.0` is 12, as JSON has one kind of number and many programs write it so.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

use crate::whole_number;

/// A type of whole numbers.
pub(super) trait Integer: TryFrom<i64> {
    /// Its name, as messages have it.
    const NAME: &'static str;
}

impl Integer for i32 {
    const NAME: &'static str = "i32";
}

impl Integer for i64 {
    const NAME: &'static str = "i64";
}

/// Reads a whole number; nothing where it is null.
pub(super) fn deserialize_option<'de, T: Integer, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let number = Option::<IntegerValue<T>>::deserialize(deserializer)?;
    Ok(number.map(|IntegerValue(number)| number))
}

struct IntegerValue<T>(T);

impl<'de, T: Integer> Deserialize<'de> for IntegerValue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_i64(IntegerVisitor(PhantomData))
            .map(Self)
    }
}

struct IntegerVisitor<T>(PhantomData<T>);

impl<T: Integer> Visitor<'_> for IntegerVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::NAME)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        T::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        let signed = i64::try_from(number)
            .ok()
            .and_then(|number| T::try_from(number).ok());
        signed.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        match whole_number::from_float(number) {
            Some(number) => self.visit_i64(number),
            None if number.fract() == 0.0 => Err(E::invalid_value(Unexpected::Float(number), &self)),
            None => Err(E::invalid_type(Unexpected::Float(number), &self)),
        }
    }
}

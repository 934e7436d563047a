//! When records are enough to form a class.

use std::collections::HashMap;

/// The fewest records of a class.
pub const MIN_CLASS_RECORDS: usize = 10;
/// The fewest organisations that lead the records of a class.
pub const MIN_CLASS_ORGANISATIONS: usize = 5;

/// Some records, with the organisations that know them: those that lead or fund them.
#[derive(Debug, Default)]
pub struct Membership {
    record_count: usize,
    records_by_lead: HashMap<u32, usize>,
    /// For each organisation, the records that it knows, by their lead organisation.
    known_by_lead: HashMap<u32, HashMap<u32, usize>>,
}

impl Membership {
    /// Adds a record.
    pub fn add(&mut self, lead: u32, funders: impl IntoIterator<Item = u32>) {
        self.record_count += 1;
        *self.records_by_lead.entry(lead).or_default() += 1;
        let mut knowing: Vec<u32> = funders.into_iter().chain([lead]).collect();
        knowing.sort_unstable();
        knowing.dedup();
        for organisation in knowing {
            let known = self.known_by_lead.entry(organisation).or_default();
            *known.entry(lead).or_default() += 1;
        }
    }

    /// The number of records.
    pub fn record_count(&self) -> usize {
        self.record_count
    }

    /// Whether the records are enough for a class, also without those that any one organisation knows. More records never
    /// make them fewer than enough.
    pub fn is_enough(&self) -> bool {
        self.record_count > MIN_CLASS_RECORDS
            && self.records_by_lead.len() > MIN_CLASS_ORGANISATIONS
            && self
                .known_by_lead
                .values()
                .all(|known| self.is_enough_without(known))
    }

    fn is_enough_without(&self, known: &HashMap<u32, usize>) -> bool {
        let record_count = self.record_count - known.values().sum::<usize>();
        let is_known_whole = |(lead, count): (&u32, &usize)| self.records_by_lead.get(lead) == Some(count);
        let known_whole = known.iter().filter(|of_lead| is_known_whole(*of_lead)).count();
        record_count >= MIN_CLASS_RECORDS
            && self.records_by_lead.len() - known_whole >= MIN_CLASS_ORGANISATIONS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_enough(records: impl IntoIterator<Item = (u32, Vec<u32>)>) -> bool {
        let mut membership = Membership::default();
        records
            .into_iter()
            .for_each(|(lead, funders)| membership.add(lead, funders));
        membership.is_enough()
    }

    #[test]
    fn twelve_records_of_six_organisations_are_enough() {
        assert!(is_enough((0..12).map(|number| (number % 6, vec![]))));
        assert!(!is_enough((0..11).map(|number| (number % 6, vec![]))));
        assert!(!is_enough((0..60).map(|number| (number % 5, vec![]))));
    }

    #[test]
    fn records_that_one_organisation_knows_do_not_count() {
        let funded = |count: u32, of: u32| {
            is_enough((0..count).map(move |number| {
                let funders = if number < of { vec![99] } else { vec![] };
                (number % 7, funders)
            }))
        };
        assert!(funded(30, 20));
        assert!(
            !funded(30, 21),
            "nine are left without those that one funder knows"
        );
        let led = |by_one: u32| {
            is_enough((0..30).map(move |number| (if number < by_one { 99 } else { number % 6 }, vec![99])))
        };
        assert!(!led(1), "one organisation funds all");
    }
}

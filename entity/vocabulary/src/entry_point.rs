//! The entry points, and from whose perspective they were taken.

labelled_codes! {
    /// A place to start changing a system from.
    EntryPoint {
        /// Bringing organisations and people together to work on a shared concern.
        Collaboration = "COLLABORATION", "collaboration";
        /// Recognising that the problem has many moving parts, and learning a way through it.
        Complexity = "COMPLEXITY", "complexity";
        /// Asking what produces the problem, and working on that.
        RootCauses = "ROOT_CAUSES", "root causes";
        /// One organisation changing its own ways first.
        SingleOrganisation = "SINGLE_ORGANISATION", "a single organisation";
    }
}

labelled_codes! {
    /// Whose view it is.
    Perspective {
        /// Those who do the work in the place.
        Practitioner = "PRACTITIONER", "practitioners";
        /// Those who pay for it.
        Funder = "FUNDER", "funders";
        /// Charities that work across the whole country.
        NationalCharity = "NATIONAL_CHARITY", "national charities";
        /// The people who live in the place.
        Community = "COMMUNITY", "the community";
    }
}

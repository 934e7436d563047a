//! The entry points, and from whose perspective they were taken.

labelled_codes! {
    /// A way to start changing a system.
    EntryPoint {
        /// Bringing organisations and people together to work on a shared concern.
        Collaboration = "COLLABORATION", "collaboration";
        /// Recognising that the problem has many moving parts, and finding a way through it by learning.
        Complexity = "COMPLEXITY", "complexity";
        /// Asking what causes the problem, and working on the causes.
        RootCauses = "ROOT_CAUSES", "root causes";
        /// One organisation changing its own practice first.
        SingleOrganisation = "SINGLE_ORGANISATION", "a single organisation";
    }
}

labelled_codes! {
    /// A perspective: whose view something is.
    Perspective {
        /// The people who do the work in the place.
        Practitioner = "PRACTITIONER", "practitioners";
        /// The organisations that fund the work.
        Funder = "FUNDER", "funders";
        /// Charities that work across the whole country.
        NationalCharity = "NATIONAL_CHARITY", "national charities";
        /// The people who live in the place.
        Community = "COMMUNITY", "the community";
    }
}

//! Kinds of organisations.

labelled_codes! {
    /// A kind of organisation.
    OrganisationKind {
        /// Gives money to the work of others.
        Funder = "FUNDER", "funder";
        /// Delivers services or support.
        DeliveryOrganisation = "DELIVERY_ORGANISATION", "delivery organisation";
        /// A charity that works across the whole country.
        NationalCharity = "NATIONAL_CHARITY", "national charity";
        /// A group of people who live in the place.
        CommunityGroup = "COMMUNITY_GROUP", "community group";
        /// A council, a health body or another public authority.
        PublicBody = "PUBLIC_BODY", "public body";
    }
}

//! Kinds of places.

labelled_codes! {
    /// A kind of place.
    PlaceKind {
        /// Part of a town or city that its people know by name.
        Neighbourhood = "NEIGHBOURHOOD", "neighbourhood";
        /// An electoral ward or division.
        Ward = "WARD", "ward";
        /// A town or city that is not itself a local authority.
        Town = "TOWN", "town";
        /// A district, borough, unitary authority or council area.
        LocalAuthority = "LOCAL_AUTHORITY", "local authority";
        /// Several local authorities that make some decisions together. Independent of the regions.
        CombinedAuthority = "COMBINED_AUTHORITY", "combined authority";
        /// A county with districts.
        County = "COUNTY", "county";
        /// One of the nine regions of England.
        Region = "REGION", "region";
        /// England, Scotland, Wales or Northern Ireland.
        Nation = "NATION", "nation";
        /// The United Kingdom, or several of its nations together.
        Country = "COUNTRY", "country";
    }
}

//! Kinds of places.

labelled_codes! {
    /// What sort of place it is.
    PlaceKind {
        /// Part of a town or city that its people know by name.
        Neighbourhood = "NEIGHBOURHOOD", "neighbourhood";
        /// An electoral ward or division.
        Ward = "WARD", "ward";
        /// A town or a city that is not a local authority of its own.
        Town = "TOWN", "town";
        /// A district, borough, unitary authority or council area.
        LocalAuthority = "LOCAL_AUTHORITY", "local authority";
        /// Several local authorities that decide some things together; it stands beside the region, not under it.
        CombinedAuthority = "COMBINED_AUTHORITY", "combined authority";
        /// A county with districts under it.
        County = "COUNTY", "county";
        /// One of the nine regions of England.
        Region = "REGION", "region";
        /// England, Scotland, Wales or Northern Ireland.
        Nation = "NATION", "nation";
        /// The United Kingdom, or several of its nations taken together.
        Country = "COUNTRY", "country";
    }
}

// Fetched again by its global id, which every Node has.

import { graphql } from "relay-runtime";

export const place = graphql`
  fragment PlaceName_place on Place @refetchable(queryName: "PlaceNameRefetchQuery") {
    name
    code
  }
`;

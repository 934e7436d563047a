// A list that shows more at its end: a fragment with a connection, as usePaginationFragment takes it.

import { graphql } from "relay-runtime";

export const list = graphql`
  fragment InitiativeList_query on Query
  @refetchable(queryName: "InitiativeListPaginationQuery")
  @argumentDefinitions(
    first: { type: "Int", defaultValue: 20 }
    after: { type: "String" }
    filter: { type: "InitiativeFilter" }
  ) {
    initiatives(first: $first, after: $after, filter: $filter, orderBy: { field: TITLE })
      @connection(key: "InitiativeList_initiatives", filters: ["filter"]) {
      edges {
        node {
          id
          title
          place {
            ...PlaceName_place
          }
        }
      }
    }
  }
`;

export const page = graphql`
  query InitiativeListQuery($filter: InitiativeFilter) {
    ...InitiativeList_query @arguments(filter: $filter)
  }
`;

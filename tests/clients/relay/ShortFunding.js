// One pattern by region; and the same as it changes, told over a subscription.

import { graphql } from "relay-runtime";

export const query = graphql`
  query ShortFundingQuery($when: InitiativeFilter!, $then: InitiativeFilter!) {
    pattern(when: $when, then: $then, by: REGION) {
      summary { text }
      ...ShortFunding_pattern
    }
  }
`;

export const subscription = graphql`
  subscription ShortFundingSubscription($when: InitiativeFilter!, $then: InitiativeFilter!) {
    patternChanged(when: $when, then: $then, by: REGION) {
      ...ShortFunding_pattern
    }
  }
`;

export const pattern = graphql`
  fragment ShortFunding_pattern on Pattern {
    table {
      both
      whenOnly
      unknown
    }
    groups(first: 20) @connection(key: "ShortFunding_groups") {
      edges {
        node {
          label
          rateWhen {
            value
            lower
            upper
          }
        }
      }
    }
  }
`;

// A draft that is kept, and put on top of the list that shows it.

import { graphql } from "relay-runtime";

export const save = graphql`
  mutation SubmissionFormMutation($input: SaveSubmissionInput!, $connections: [ID!]!) {
    saveSubmission(input: $input) {
      submission @prependNode(connections: $connections, edgeTypeName: "SubmissionEdge") {
        id
        state
        version
      }
      problems {
        code
        path
        message
      }
    }
  }
`;

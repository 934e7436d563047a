// Records that a partner sends in, over the API: where a journey begins with them, and is not about sending.

import { randomUUID } from "node:crypto";
import { ask, tokens } from "../demonstration.mjs";

// Marks what one run writes, as a demonstration keeps what earlier runs wrote.
export const RUN = randomUUID().slice(0, 8);

// The condition that each of these records matches, as an address of the explorer has it.
export const SHORT_FUNDING = { fundingTerms: { some: { durationMonths: { lte: 18 } } } };

export const buildRecord = (title) => ({
  externalRef: title,
  title,
  summary: "Neighbours cook together, and the council learns what keeps people from good food.",
  place: { name: "Hartlepool" },
  startedOn: "2021-04-01",
  ongoing: true,
  visibility: "OPEN",
  challengesFaced: [{ challenge: "DEFINING_AMBITIONS", step: "SKIPPED", reasons: ["SHORT_FUNDING"] }],
  fundingTerms: [
    {
      funder: { identifier: "GB-CHC-9999902", name: "A funder of the browser's journeys", kind: "FUNDER" },
      durationMonths: 12,
      currency: "GBP",
      amountMinor: 1_500_000,
    },
  ],
  source: { kind: "SELF_REPORT", title: "Yearly return 2021" },
  sharing: { basis: "The partnership's board agreed on 3 May.", licence: "CC-BY-4.0" },
});

export async function saveDraft(record) {
  const { saveSubmission } = await ask(
    tokens.partner,
    `mutation ($input: SaveSubmissionInput!) {
      saveSubmission(input: $input) { submission { id problems { path message } } problems { message } }
    }`,
    { input: { record } },
  );
  const { submission, problems } = saveSubmission;
  if (!submission) throw new Error(`the draft is not saved: ${JSON.stringify(problems)}`);
  return submission;
}

export async function sendRecord(record) {
  const { id, problems: found } = await saveDraft(record);
  const { submitForReview } = await ask(
    tokens.partner,
    "mutation ($id: ID!) { submitForReview(input: {id: $id}) { submission { state } problems { path message } } }",
    { id },
  );
  if (submitForReview.submission?.state !== "SUBMITTED") {
    throw new Error(`the record is not sent: ${JSON.stringify([found, submitForReview])}`);
  }
  return id;
}

export async function publishRecord(record) {
  const id = await sendRecord(record);
  const { publishSubmission } = await ask(
    tokens.steward,
    "mutation ($id: ID!) { publishSubmission(input: {id: $id}) { submission { state } problems { message } } }",
    { id },
  );
  if (publishSubmission.submission?.state !== "PUBLISHED") {
    throw new Error(`the record is not published: ${JSON.stringify(publishSubmission)}`);
  }
}

export async function readSubmission(id) {
  const { submission } = await ask(tokens.steward, "query ($id: ID!) { submission(id: $id) { state record } }", { id });
  return submission;
}

// The partner's own submissions, latest first.
export async function listSubmissions() {
  const { submissions } = await ask(tokens.partner, "{ submissions(first: 100) { nodes { id state record } } }");
  return submissions.nodes;
}

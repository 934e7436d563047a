// urql: a query, a page forward and back, a mutation with a problem, a subscription.

import assert from "node:assert/strict";
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { createClient } from "graphql-ws";
import { WebSocket } from "ws";
import { discard, forwardAndBack, http, operations, saveElsewhere, tokens, until, ws } from "./demonstration.mjs";

const authorization = `Bearer ${tokens.partner}`;
const socket = createClient({ url: ws, webSocketImpl: WebSocket, connectionParams: { authorization } });
const client = new Client({
  url: http,
  fetchOptions: { headers: { authorization } },
  // urql asks by GET what is short enough for an address, and by POST what is longer.
  preferGetMethod: "within-url-limit",
  exchanges: [
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: (operation) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ ...operation, query: operation.query ?? "" }, sink) }),
      }),
    }),
  ],
});
const answered = async (answer) => {
  const { data, error } = await answer;
  assert.equal(error, undefined);
  return data;
};

const { pattern } = await answered(client.query(operations("ShortFunding"), {}).toPromise());
assert.match(pattern.summary.text, /skipped/);

await forwardAndBack(async (variables) => {
  const { initiatives } = await answered(client.query(operations("Initiatives"), variables).toPromise());
  return initiatives;
});

const save = "mutation ($input: SaveSubmissionInput!) { saveSubmission(input: $input) { submission { id } } }";
const send = "mutation ($input: SubmitForReviewInput!) { submitForReview(input: $input) { problems { code path } } }";
const mutate = (mutation, input) => answered(client.mutation(mutation, { input }).toPromise());
const { id } = (await mutate(save, { record: { title: "Saved with urql" } })).saveSubmission.submission;
const [wrong] = (await mutate(send, { id })).submitForReview.problems;
assert.equal(wrong.code, "REQUIRED");
await discard(id);

const told = [];
const { unsubscribe } = client
  .subscription("subscription { submissionChanged { id state } }", {})
  .subscribe(({ data, error }) => told.push(error ?? data.submissionChanged));
const drafts = [];
await until(
  () => told.some((it) => drafts.includes(it.id)),
  async () => drafts.push(await saveElsewhere("Seen by urql")),
);
unsubscribe();
await Promise.all(drafts.map(discard));
await socket.dispose();

console.log(
  `urql: ${pattern.table.population} initiatives counted; a page forward and back;`,
  `sending told ${wrong.code} at ${wrong.path.join(".")}; the subscription told of a ${told[0].state}`,
);

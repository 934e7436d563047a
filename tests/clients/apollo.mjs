// Apollo Client: a query, a page forward and back, a mutation with a problem, a subscription.

import assert from "node:assert/strict";
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { getMainDefinition, relayStylePagination } from "@apollo/client/utilities";
import { createClient } from "graphql-ws";
import { filter, firstValueFrom } from "rxjs";
import { WebSocket } from "ws";
import { discard, forwardAndBack, http, operations, saveElsewhere, tokens, until, ws } from "./demonstration.mjs";

const authorization = `Bearer ${tokens.partner}`;
const socket = createClient({ url: ws, webSocketImpl: WebSocket, connectionParams: { authorization } });
const isSubscription = ({ query }) => getMainDefinition(query).operation === "subscription";
const client = new ApolloClient({
  link: ApolloLink.split(
    isSubscription,
    new GraphQLWsLink(socket),
    new HttpLink({ uri: http, headers: { authorization } }),
  ),
  cache: new InMemoryCache({
    typePolicies: { Query: { fields: { initiatives: relayStylePagination(["filter", "orderBy"]) } } },
  }),
});

// Operations of one file are picked by their name.
const document = (file, name) => {
  const { kind, definitions } = gql(operations(file));
  const kept = (it) => it.kind === "FragmentDefinition" || !name || it.name.value === name;
  return { kind, definitions: definitions.filter(kept) };
};

const { data } = await client.query({ query: document("ShortFunding") });
assert.match(data.pattern.summary.text, /skipped/);

const initiatives = document("Initiatives");
const titles = await forwardAndBack(async (variables) => {
  const answer = await client.query({ query: initiatives, variables, fetchPolicy: "no-cache" });
  return answer.data.initiatives;
});

// As a page does that shows more at its end: the cache joins the pages into one list.
const list = client.watchQuery({ query: initiatives, variables: { first: 5 } });
const shown = list.subscribe(() => {});
const { data: page } = await firstValueFrom(list.pipe(filter(({ loading }) => !loading)));
await list.fetchMore({ variables: { after: page.initiatives.pageInfo.endCursor } });
const joined = client.readQuery({ query: initiatives, variables: { first: 5 } }).initiatives;
assert.equal(joined.edges.length, 10);
assert.deepEqual(joined.edges.slice(0, 5).map(({ node }) => node.title), titles);
shown.unsubscribe();

const mutate = (name, input) =>
  client.mutate({ mutation: document("Submissions", name), variables: { input } });
const saved = await mutate("SaveSubmission", { record: { title: "Saved with Apollo Client" } });
const { id } = saved.data.saveSubmission.submission;
const sent = await mutate("SubmitForReview", { id });
const [wrong] = sent.data.submitForReview.problems;
assert.equal(wrong.code, "REQUIRED");
await mutate("DiscardSubmission", { id });

const told = [];
const subscription = client
  .subscribe({ query: document("Submissions", "SubmissionChanged") })
  .subscribe(({ data: event, error }) => told.push(error ?? event.submissionChanged));
const drafts = [];
await until(
  () => told.some((it) => drafts.includes(it.id)),
  async () => drafts.push(await saveElsewhere("Seen by Apollo Client")),
);
subscription.unsubscribe();
await Promise.all(drafts.map(discard));
await socket.dispose();

console.log(
  `Apollo Client: ${data.pattern.table.population} initiatives counted; a page forward and back, 10 edges joined;`,
  `sending told ${wrong.code} at ${wrong.path.join(".")}; the subscription told of a ${told[0].state}`,
);

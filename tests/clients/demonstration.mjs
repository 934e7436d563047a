// Where the demonstration is and what each role's token is, from the environment (settings.sh), and
// what the scripts for the several clients have in common.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

function setting(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set: eval "$(tests/clients/settings.sh said.txt)", with what wayin demo said`);
    process.exit(2);
  }
  return value;
}

export const http = `${setting("WAYIN")}/graphql`;
export const ws = `${http.replace(/^http/, "ws")}/ws`;
export const tokens = {
  funder: setting("FUNDER"),
  partner: setting("PARTNER"),
  dashboard: setting("DASHBOARD"),
  steward: setting("STEWARD"),
};

// The text of operations/NAME.graphql.
export const operations = (name) =>
  readFileSync(new URL(`operations/${name}.graphql`, import.meta.url), "utf8");

// An answer by nothing but fetch: what somebody else does while a client under test looks on.
export async function ask(token, query, variables) {
  const response = await fetch(http, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, `${response.status} ${JSON.stringify(errors)}`);
  return data;
}

// A draft that another client of the same partner saves, so that a subscription has something to tell.
export async function saveElsewhere(title) {
  const { saveSubmission } = await ask(
    tokens.partner,
    "mutation ($record: JSON!) { saveSubmission(input: {record: $record}) { submission { id } } }",
    { record: { title } },
  );
  return saveSubmission.submission.id;
}

export const discard = (id) =>
  ask(tokens.partner, "mutation ($id: ID!) { discardSubmission(input: {id: $id}) { problems { code } } }", { id });

// Waits until `told` holds; asks `meanwhile` again and again, as nobody can know from outside
// when a subscription has begun.
export async function until(told, meanwhile, seconds = 10) {
  for (let turn = 0; turn < seconds * 5; turn += 1) {
    if (turn % 10 === 0) await meanwhile();
    await new Promise((resolve) => setTimeout(resolve, 200));
    if (told()) return;
  }
  assert.fail(`nothing was told within ${seconds} s`);
}

// One goes a page forward and a page back, and sees the first page again.
export async function forwardAndBack(page) {
  const first = await page({ first: 5 });
  assert.equal(first.edges.length, 5);
  assert.equal(first.pageInfo.hasNextPage, true);
  const second = await page({ first: 5, after: first.pageInfo.endCursor });
  assert.equal(second.edges.length, 5);
  assert.equal(second.pageInfo.hasPreviousPage, true);
  const titles = ({ edges }) => edges.map(({ node }) => node.title);
  assert.equal(new Set([...titles(first), ...titles(second)]).size, 10, "the pages overlap");
  const back = await page({ last: 5, before: second.pageInfo.startCursor });
  assert.deepEqual(back.edges, first.edges);
  return titles(back);
}

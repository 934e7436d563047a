// Every page, with axe-core: follows the links of the pages, as each role, to one page of each kind.

import { checkAccessibility } from "./axe.mjs";

const START = {
  visitor: ["/", "/explore", "/words", "/crises", "/sign-in", "/nowhere"],
  funder: ["/portfolio", "/", "/explore"],
  partner: ["/send", "/", "/explore"],
  steward: ["/review", "/send", "/"],
  dashboard: ["/", "/explore", "/portfolio"],
};
const MOST_PAGES = 40;
const ROLES = Object.keys(START);
// Not pages, or not pages of ours.
const SKIPPED = /^\/(graphiql|graphql|export|assets|schema|template)\b|\.(svg|png|csv|xlsx|pdf|jsonl)$/;

// What pages of one kind have in common: the path without its names and ids, and the names of the parameters.
function kindOf(address) {
  const { pathname, searchParams } = new URL(address);
  const parts = pathname.split("/").map((part, at, all) => {
    const isName = ["claims", "crises", "words"].includes(all[at - 1]) || /\d/.test(part) || part.length > 24;
    return isName ? "*" : part;
  });
  return [parts.join("/"), ...new Set([...searchParams.keys()].sort())].join(" ");
}

export default async function go(journey) {
  const seen = new Set();
  for (const role of ROLES) {
    const person = role === "visitor" ? await journey.visitor() : await journey.member(role);
    // Some of the pages say that there is no such page, or that somebody else can open it.
    person.expect(/status of (403|404)/);
    await lookAround(person, role, seen);
    await person.context.close();
  }
}

async function lookAround(person, role, seen) {
  const waiting = START[role].map((path) => new URL(path, "http://unknown").pathname);
  const started = new Set(START[role]);
  let looked = 0;
  while (waiting.length && looked < MOST_PAGES) {
    const address = waiting.shift();
    const response = await person.step(`opens ${address}`, () => openPage(person, address));
    if (!response) continue;
    looked += 1;
    await checkAccessibility(person, `${address} for the ${role}`);
    for (const link of await listLinks(person.page)) {
      const kind = kindOf(link);
      const { pathname, search } = new URL(link);
      if (seen.has(kind) || started.has(pathname + search) || SKIPPED.test(pathname)) continue;
      seen.add(kind);
      waiting.push(pathname + search);
    }
  }
  person.check(waiting.length === 0, `the ${role} saw ${looked} kinds of pages, and none is left`);
}

// Nothing if it is a file.
async function openPage(person, address) {
  try {
    return await person.open(address);
  } catch (error) {
    if (/Download is starting|ERR_ABORTED/.test(error.message)) return undefined;
    if (!/ERR_HTTP_RESPONSE_CODE_FAILURE/.test(error.message)) throw error;
    person.check(false, `${address} is answered with a page, and not with an error of the browser`);
    // The browser's own page may still be on its way to this one.
    person.page = await person.context.newPage();
    return undefined;
  }
}

const listLinks = (page) =>
  page
    .locator("main a[href]:not([download])")
    .evaluateAll((links) => links.map((link) => link.href.split("#")[0]).filter((href) => href.startsWith(location.origin)));

// Reading without a session: the claims, a claim, the words, the crises and the explorer, with scripts and without.

import { NARROW, tidy, waitForPoints } from "./harness.mjs";
import { checkAccessibility } from "./axe.mjs";
import { findShortFundingClaim } from "./steps.mjs";

// What it costs about to read all pages once.
const POINTS = 2_500;

export default async function go(journey) {
  const reader = await journey.visitor();
  await waitForPoints(POINTS);
  const { read, claim } = await readAll(reader);
  const withoutScripts = await journey.visitor({ javaScriptEnabled: false }, "visitor without scripts");
  await waitForPoints(POINTS);
  const { read: plain } = await readAll(withoutScripts);
  for (const [name, text] of Object.entries(read)) {
    journey.check(plain[name] === text, `${name} reads the same without scripts`);
    if (plain[name] !== text) console.log(`     with:    ${text.slice(0, 400)}\n     without: ${plain[name]?.slice(0, 400)}`);
  }
  await askWithoutScripts(withoutScripts);
  await seeTablesByKeyboard(reader, claim);
  await readOnAPhone(journey, claim);
}

// What a person reads: the main part of each page, without buttons and fields, which scripts may add.
const readMain = async (page) => {
  const text = await page.getByRole("main").evaluate((main) => {
    const copy = main.cloneNode(true);
    for (const part of copy.querySelectorAll("button, input, select, [role=status], svg, style")) part.remove();
    return copy.textContent;
  });
  return tidy(text);
};

async function readAll(person) {
  const { page } = person;
  const read = {};
  let claim;
  await person.step("reads the claims", async () => {
    await person.openWell("/");
    person.check((await page.getByRole("article").count()) >= 2, "there are claims");
    for (const landmark of ["banner", "main", "contentinfo"]) {
      person.check((await page.getByRole(landmark).count()) === 1, `the page has one ${landmark}`);
    }
    person.check((await page.getByRole("heading", { level: 1 }).count()) === 1, "the page has one main heading");
    person.check((await page.locator("html").getAttribute("lang"))?.startsWith("en"), "the page names its language");
    person.check(/\d+ in 100/.test(await page.getByRole("main").innerText()), "the claims have shares out of 100");
    read["the list of claims"] = await readMain(page);
  });
  await person.step("opens a claim", async () => {
    await findShortFundingClaim(page).getByRole("link", { name: /See the evidence/ }).click();
    await page.getByRole("heading", { name: "Cite this" }).waitFor();
    claim = page.url();
    person.check((await page.getByRole("img").count()) >= 1, "the claim has pictures with descriptions");
    read["a claim"] = await readMain(page);
  });
  await person.step("reads the words", async () => {
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Words" }).click();
    await page.getByRole("heading", { level: 1, name: "Words" }).waitFor();
    read["the glossary"] = await readMain(page);
    await page.getByRole("searchbox").fill("funding");
    await page.getByRole("main").getByRole("button", { name: "Search" }).click();
    await page.waitForURL(/search=funding/);
  });
  await person.step("reads the crises", async () => {
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Crises" }).click();
    await page.getByRole("heading", { level: 1, name: "Crises" }).waitFor();
    read["the crises"] = await readMain(page);
  });
  await person.step("asks a claim's question", async () => {
    await person.openWell(claim);
    await page.getByRole("link", { name: "Ask it your way" }).click();
    await page.waitForURL(/\/explore\?/);
    await page.getByText(/in 100/).first().waitFor();
    read["the answer"] = await readMain(page);
  });
  return { read, claim };
}

// The builder is a form: a condition is added and changed with a new page for each step.
async function askWithoutScripts(person) {
  await person.step("changes the question without scripts", async (page) => {
    const months = page.getByRole("group", { name: /^When an initiative/ }).getByLabel("Months").first();
    await months.fill("24");
    await page.getByRole("button", { name: /Show the answer/ }).click();
    await page.waitForURL((url) => decodeURIComponent(url.search).includes("24"));
    await page.getByText(/in 100/).first().waitFor();
  });
}

async function seeTablesByKeyboard(person, claim) {
  await person.step("opens a picture's table with the keyboard", async (page) => {
    await person.openWell(claim);
    await person.tabTo(page.getByText("Show as a table").first());
    await page.keyboard.press("Enter");
    await page.getByRole("table").first().waitFor();
  });
  await person.step("skips to the content with the keyboard", async (page) => {
    await person.openWell("/words");
    await page.keyboard.press("Tab");
    const skip = page.getByRole("link", { name: "Skip to main content" });
    person.check(await skip.evaluate((it) => it === document.activeElement), "the first stop is the link to the content");
    await page.keyboard.press("Enter");
    person.check(await page.evaluate(() => document.activeElement?.id === "main"), "the link leads to the content");
  });
}

async function readOnAPhone(journey, claim) {
  const person = await journey.visitor({ viewport: NARROW }, "visitor with a phone");
  await person.step("opens a claim", () => person.openWell(claim));
  await checkAccessibility(person, "a claim, opened on a phone");
}

// Steps that several journeys take.

import { readNumber, tidy, until } from "./harness.mjs";
import { SHORT_FUNDING } from "./records.mjs";

// The claim whose question has a number of months.
export const findShortFundingClaim = (page) => page.getByRole("article").filter({ hasText: "18 months or less" }).first();

// How many initiatives that the person can read match a condition, as the explorer says. Others are counted with
// disclosure control, so one more or less is not seen.
export const countMatching = (person, when = SHORT_FUNDING) =>
  person.step("counts the matching initiatives on the explorer", async (page) => {
    await person.openWell(`/explore?${new URLSearchParams({ when: JSON.stringify(when), scope: "VISIBLE" })}`);
    return readNumber(tidy(await page.getByText(/\d initiatives? match/).first().innerText()));
  });

// Counts again until `expected` match, as a change takes a moment to be counted.
export async function waitForMatching(person, expected, seconds = 10) {
  let counted;
  try {
    await until(async () => (counted = await countMatching(person)) === expected, "", seconds);
  } catch {
    // The check says what was counted.
  }
  person.check(counted === expected, `${counted} initiatives match, and ${expected} should`);
}

// The text of the summary of problems, which links to the fields.
export const readProblems = async (page) => {
  const summary = page.getByRole("alert").first();
  await summary.waitFor();
  return tidy(await summary.innerText());
};

export async function openInQueue(steward, title) {
  await steward.step(`finds “${title}” in the queue`, async (page) => {
    await steward.openWell("/review");
    // The queue has pages.
    const link = page.getByRole("table", { name: /wait/ }).getByRole("link", { name: title, exact: true });
    const next = page.getByRole("navigation", { name: /records to review/ }).getByRole("link", { name: /Next/ });
    while (!(await link.isVisible()) && (await next.isVisible())) await next.click();
    await link.click();
    await steward.heading(title).waitFor();
  });
}

export async function publish(steward, title) {
  await openInQueue(steward, title);
  await steward.step(`publishes “${title}”`, async (page) => {
    await page.getByRole("button", { name: "Publish this record" }).click();
    await page.getByRole("status").filter({ hasText: "is published" }).waitFor();
  });
}

// Opens the page of the member whom the list calls `name`.
export const openMember = (steward, name) =>
  steward.step(`opens the member ${name}`, async (page) => {
    await steward.openWell("/review/members");
    await page.getByRole("table", { name: /member/i }).getByRole("link", { name, exact: true }).click();
    await page.getByRole("heading", { name: "Help the member sign in" }).waitFor();
  });

export async function makeSignInLink(steward, name) {
  await openMember(steward, name);
  return steward.step("makes a link to sign in", async (page) => {
    await page.getByRole("button", { name: "Create a sign-in link" }).click();
    return readMadeLink(page);
  });
}

// The path of a link that a page shows once. What it shows can be sent to somebody.
export async function readMadeLink(page) {
  await page.getByRole("heading", { name: "You see this only once" }).waitFor();
  const shown = await page.getByRole("main").getByRole("textbox").inputValue();
  const [path] = /\/(sign-in|invitation)\/wayin_[\w-]+/.exec(shown) ?? [];
  if (!path || !URL.canParse(shown)) throw new Error(`no whole link is shown: ${shown}`);
  return path;
}

// A record of the partner, begun with its title and saved as one types.
export const beginRecord = (partner, title) =>
  partner.step("begins a record", async (page) => {
    await partner.openWell("/send");
    await page.getByRole("main").getByRole("link", { name: "Add a record" }).click();
    await field(page, "Title").fill(title);
    await waitUntilSaved(page);
  });

// Goes to a step of the form of a record.
export const openStep = (partner, name) =>
  partner.step(`opens the step “${name}”`, async (page) => {
    await page.getByRole("navigation", { name: /Steps/ }).getByRole("link", { name, exact: true }).click();
    // The last step has no form, and so no steps.
    const current = page.getByRole("navigation", { name: /Steps/ }).locator("[aria-current=step]", { hasText: name });
    await current.or(page.getByRole("heading", { name: "Send it" })).first().waitFor();
  });

// A control of the form of a record: by its label, within the item of a list if it belongs to one.
export const within = (page, item) => (item ? page.getByRole("region", { name: item, exact: true }) : page.getByRole("main"));
export const field = (page, label, item) => within(page, item).getByLabel(label, { exact: true });
export const choice = (page, question, answer, item) =>
  within(page, item).getByRole("group", { name: question, exact: true }).getByLabel(answer, { exact: true });

// The saved answers of the form have a moment at which they were saved.
export const waitUntilSaved = (page) => page.getByText(/^Saved at/).waitFor();

// A partner's way from the empty form to a published record. The first step is done by keyboard alone.

import { answersWith, tidy } from "./harness.mjs";
import { checkAccessibility } from "./axe.mjs";
import { RUN } from "./records.mjs";
import { choice, countMatching, field, openStep, publish, readProblems, waitForMatching, waitUntilSaved, within } from "./steps.mjs";

const TITLE = `Community kitchen ${RUN}`;

export default async function go(journey) {
  const partner = await journey.member("partner");
  partner.expect(answersWith(422));
  // Some browsers hide from pages where their reader comes from.
  await partner.context.addInitScript(() => Object.defineProperty(Document.prototype, "referrer", { get: () => "" }));
  const before = await countMatching(partner);
  await begin(partner);
  await describeByKeyboard(partner);
  await checkSteps(partner);
  await sendTooEarly(partner);
  await describeFunding(partner);
  await describeChallenges(partner);
  await agreeToSharing(partner);
  await send(partner);
  const steward = await journey.member("steward");
  await publish(steward, TITLE);
  await waitForMatching(partner, before + 1);
  await findPublished(partner);
}

async function begin(partner) {
  await partner.step("begins a record", async (page) => {
    await partner.openWell("/send");
    await page.getByRole("main").getByRole("link", { name: "Add a record" }).click();
    await field(page, "Title").waitFor();
  });
  await checkAccessibility(partner, "the empty form");
}

async function saveAndContinue(partner) {
  await partner.step("saves and continues", async (page) => {
    const address = page.url();
    await page.getByRole("button", { name: "Save and continue" }).click();
    await page.waitForURL((url) => url.href !== address);
  });
  await checkNothingKept(partner);
}

// What the service has saved is not kept in the browser any more.
async function checkNothingKept(partner) {
  const kept = await partner.page.evaluate(() => Object.keys(localStorage).filter((name) => name.startsWith("wayin:draft:")));
  partner.check(kept.length === 0, `the browser keeps no answers: ${kept.join(" ")}`);
}

async function describeByKeyboard(partner) {
  const { page } = partner;
  const { keyboard } = page;
  await partner.step("types the title", async () => {
    await partner.tabTo(field(page, "Title"));
    await keyboard.type(TITLE);
  });
  await partner.step("sees that it is saved", () => waitUntilSaved(page));
  await partner.step("sees that the other steps can be opened", () =>
    page.getByRole("navigation", { name: /Steps/ }).getByRole("link", { name: "Funding", exact: true }).waitFor(),
  );
  await partner.step("types the reference and the summary", async () => {
    await partner.tabTo(field(page, "Your reference"));
    await keyboard.type(TITLE);
    await partner.tabTo(field(page, "Summary"));
    await keyboard.type("Neighbours cook together.");
  });
  await partner.step("searches the place", async () => {
    await partner.tabTo(page.getByRole("searchbox", { name: "Search places by name" }));
    await keyboard.type("Hartlepool");
    await partner.tabTo(page.getByRole("button", { name: "Search", exact: true }));
    await keyboard.press("Enter");
    await page.getByRole("radio", { name: /Hartlepool/ }).first().waitFor();
  });
  await partner.step("chooses the place", async () => {
    const places = page.getByRole("group", { name: "Place", exact: true }).getByRole("radio");
    const place = page.getByRole("radio", { name: /Hartlepool/ }).first();
    // Tab reaches one of them, and the arrows go on from there.
    await partner.tabTo(places, 200);
    await keyboard.press("Space");
    for (let turn = 0; turn < 20 && !(await place.isChecked()); turn += 1) await keyboard.press("ArrowDown");
    partner.check(await place.isChecked(), "the arrows choose the place");
  });
  await partner.step("says that the work goes on", async () => {
    const goesOn = page.getByRole("group", { name: "Is the work still going on?" });
    await partner.tabTo(goesOn.getByRole("radio", { checked: true }));
    const yes = goesOn.getByRole("radio", { name: "Yes" });
    for (let turn = 0; turn < 4 && !(await yes.isChecked()); turn += 1) await keyboard.press("ArrowDown");
    partner.check(await yes.isChecked(), "the arrows choose the answer");
  });
  await partner.step("saves and continues with the keyboard", async () => {
    const address = page.url();
    await partner.tabTo(page.getByRole("button", { name: "Save and continue" }));
    await keyboard.press("Enter");
    await page.waitForURL((url) => url.href !== address);
  });
  await checkNothingKept(partner);
}

async function checkSteps(partner) {
  const steps = partner.page.getByRole("navigation", { name: /Steps/ }).getByRole("listitem");
  const [about, , , , , sharing] = (await steps.allInnerTexts()).map(tidy);
  partner.check(/^About \(complete\)/.test(about), `the first step is complete: ${about}`);
  partner.check(/^Sharing \(not complete\)/.test(sharing), `another step is not: ${sharing}`);
}

// What is wrong is listed at the top, and each of it leads to its field.
async function sendTooEarly(partner) {
  await openStep(partner, "Check and send");
  await partner.step("sends the record before it is complete", async (page) => {
    await page.getByRole("button", { name: "Send for review" }).click();
    const problems = await readProblems(page);
    partner.check(/licence/i.test(problems), `the problems are listed: ${problems}`);
  });
  await checkAccessibility(partner, "the record with its problems");
  await partner.step("follows a problem to its field", async (page) => {
    const problem = page.getByRole("alert").getByRole("link", { name: /licence/i }).first();
    await problem.click();
    await page.waitForURL(/\/sharing/);
    const target = await page.evaluate(() => decodeURIComponent(location.hash.slice(1)));
    const control = page.locator(`[id="${target}"]`);
    partner.check(target.length > 0 && (await control.count()) === 1, `the problem leads to the field ${target}`);
    const described = (await control.getAttribute("aria-describedby")) ?? "";
    const notes = await page.locator(described.split(" ").map((id) => `[id="${id}"]`).join(",")).allInnerTexts();
    partner.check(/Error:/.test(notes.join(" ")), `the field says what is wrong: ${notes.join(" ").replace(/\s+/g, " ")}`);
  });
}

async function describeFunding(partner) {
  await openStep(partner, "Funding");
  const { page } = partner;
  await partner.step("describes the funding", async () => {
    await field(page, "Funder", "Funding 1").fill("A funder of the browser's journeys");
    await field(page, "Funder identifier", "Funding 1").fill("GB-CHC-9999902");
    const currency = await field(page, "Currency", "Funding 1").inputValue();
    partner.check(currency === "GBP", `the currency is filled in: ${currency}`);
    await field(page, "Amount", "Funding 1").fill("a lot");
    await field(page, "Length in months", "Funding 1").fill("12");
  });
  await partner.step("sees the problem beside its field while typing", async () => {
    await page.getByText(/is not an amount/).first().waitFor();
    await field(page, "Amount", "Funding 1").fill("£15,000.50");
    await page.getByText(/is not an amount/).first().waitFor({ state: "hidden" });
  });
  await partner.step("says why there is no answer", async () => {
    const reason = field(page, "No answer, because (May the funding be renewed?)", "Funding 1");
    await within(page, "Funding 1").getByText("More about this funding").click();
    partner.check(!(await reason.isVisible()), "the reasons are hidden at first");
    await within(page, "Funding 1").locator("summary", { hasText: "(May the funding be renewed?)" }).click();
    await reason.selectOption("NOT_ASKED");
  });
  await saveAndContinue(partner);
}

async function describeChallenges(partner) {
  await openStep(partner, "Challenges");
  const { page } = partner;
  await partner.step("describes a challenge", async () => {
    await choice(page, "Was this step taken, rushed or skipped?", "Skipped", "Defining their ambitions").check();
    await choice(page, "Reasons", "Short funding", "Defining their ambitions").check();
  });
  await checkAccessibility(partner, "the step about challenges");
  await saveAndContinue(partner);
}

async function agreeToSharing(partner) {
  await openStep(partner, "Sharing");
  const { page } = partner;
  await partner.step("says who may read the record, and why", async () => {
    await choice(page, "Who may read it", "Open").check();
    await field(page, "Why it may be shared").fill("The partnership's board agreed on 3 May.");
    await field(page, "Sharing licence").fill("CC-BY-4.0");
    await choice(page, "Where your answers come from", "Self-report").check();
    await field(page, "Source title").fill("Yearly return 2021");
  });
  await saveAndContinue(partner);
}

async function send(partner) {
  await checkAccessibility(partner, "the complete record");
  await partner.step("sends the record", async (page) => {
    await page.getByRole("button", { name: "Send for review" }).click();
    await page.waitForURL(/\/send\?done=submitted/);
    const row = page.getByRole("row").filter({ hasText: TITLE }).first();
    const state = tidy(await row.innerText());
    partner.check(/Waiting for a steward/.test(state), `the record is sent: ${state}`);
  });
}

async function findPublished(partner) {
  await partner.step("finds the published record", async (page) => {
    await partner.openWell("/send");
    const state = tidy(await page.getByRole("row").filter({ hasText: TITLE }).first().innerText());
    partner.check(/Published/.test(state), `the list says that the record is published: ${state}`);
  });
}

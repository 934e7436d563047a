// A steward reads a record, asks for changes, reads the difference and publishes.

import { answersWith } from "./harness.mjs";
import { checkAccessibility } from "./axe.mjs";
import { RUN, buildRecord, publishRecord, readSubmission, sendRecord } from "./records.mjs";
import { field, openInQueue, openStep, publish, readProblems } from "./steps.mjs";

const TITLE = `Allotments ${RUN}`;
const PUBLISHED = `Choir ${RUN}`;
const NOTE = `Please say more about the place (${RUN}).`;
const SUMMARY = "Two allotments in the north of the town, which the residents run.";
const CORRECTED = "A choir that sings in four places.";

export default async function go(journey) {
  const id = await sendRecord(buildRecord(TITLE));
  const steward = await journey.member("steward");
  steward.expect(answersWith(422));
  await askForChanges(steward);
  const partner = await journey.member("partner");
  await answerSteward(partner);
  await publish(steward, TITLE);
  const { state, record } = await readSubmission(id);
  journey.check(state === "PUBLISHED" && record.summary === SUMMARY, `the changed record is published: ${state}`);

  await publishRecord(buildRecord(PUBLISHED));
  await sendRecord({ ...buildRecord(PUBLISHED), summary: CORRECTED });
  await readDifference(steward);
}

async function askForChanges(steward) {
  const { page } = steward;
  await steward.step("opens the review", () => steward.openWell("/review"));
  const waiting = await steward.readCount("Review");
  steward.check(waiting > 0, `the navigation says that ${waiting} wait`);
  await checkAccessibility(steward, "the queue");
  await openInQueue(steward, TITLE);
  await checkAccessibility(steward, "a record in review");
  const ask = page.getByRole("button", { name: "Ask for changes" });
  const note = page.getByLabel("What should the partner change?");
  await steward.step("asks for changes without saying which", async () => {
    await ask.click();
    const problems = await readProblems(page);
    steward.check(/Say what the partner should change/.test(problems), `the note is needed: ${problems}`);
    steward.check((await note.getAttribute("aria-invalid")) === "true", "the field is marked as wrong");
  });
  await steward.step("asks for changes", async () => {
    await note.fill(NOTE);
    await ask.click();
    await page.getByRole("status").filter({ hasText: "It comes back when they send it again" }).waitFor();
  });
  steward.check((await steward.readCount("Review")) === waiting - 1, "one record less waits for the steward");
}

async function answerSteward(partner) {
  const { page } = partner;
  await partner.step("opens the inbox", () => partner.openWell("/send"));
  const waiting = await partner.readCount("Send in");
  partner.check(waiting > 0, `the navigation says that ${waiting} records are to be changed`);
  await partner.step("reads what the steward asked for", async () => {
    await page.getByText(NOTE).first().waitFor();
    await page.getByRole("link", { name: TITLE }).first().click();
    await page.getByText(NOTE).first().waitFor();
  });
  await partner.step("changes the record", async () => {
    const change = page.getByRole("link", { name: /^Change Summary/ });
    if (!(await field(page, "Summary").isVisible())) await change.click();
    await field(page, "Summary").fill(SUMMARY);
    await page.getByRole("button", { name: "Save and continue" }).click();
    await page.waitForURL(/\/funding/);
  });
  await openStep(partner, "Check and send");
  await partner.step("sends the record again", async () => {
    await page.getByRole("button", { name: "Send for review" }).click();
    await page.waitForURL(/\/send\?done=submitted/);
  });
  partner.check((await partner.readCount("Send in")) === waiting - 1, "the navigation counts one less");
}

async function readDifference(steward) {
  await openInQueue(steward, PUBLISHED);
  await steward.step("reads the difference", async (page) => {
    const changes = page.getByRole("region", { name: "What changes", exact: true });
    const [before] = await changes.locator("del").allInnerTexts();
    const [after] = await changes.locator("ins").allInnerTexts();
    steward.check(before?.includes("Neighbours cook together"), `the earlier text is shown: ${before}`);
    steward.check(after?.includes(CORRECTED), `the later text is shown: ${after}`);
    steward.check((await changes.locator("dt").count()) === 1, "only what changes is shown as changed");
  });
  await checkAccessibility(steward, "a difference");
  await publish(steward, PUBLISHED);
}

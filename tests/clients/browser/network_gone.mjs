// A network that goes while somebody types, and comes back.

import { OFFLINE, until } from "./harness.mjs";
import { RUN, listSubmissions } from "./records.mjs";
import { beginRecord, field, waitUntilSaved } from "./steps.mjs";

const TITLE = `Repair café ${RUN}`;
const SUMMARY = `Typed without a network (${RUN}).`;

export default async function go(journey) {
  const partner = await journey.member("partner");
  partner.expect(OFFLINE);
  const { page, context } = partner;
  const findSummary = async () => (await listSubmissions()).find(({ record }) => record.title === TITLE)?.record.summary;
  await beginRecord(partner, TITLE);
  await partner.step("loses the network", () => context.setOffline(true));
  await partner.step("types on, and is told", async () => {
    await field(page, "Summary").pressSequentially(SUMMARY);
    await page.getByText(/The network is gone/).waitFor();
  });
  partner.check((await findSummary()) === undefined, "nothing is saved without a network");
  await partner.step("gets the network back", () => context.setOffline(false));
  await partner.step("sees that it is saved", async () => {
    await until(async () => (await findSummary()) === SUMMARY, "what was typed is saved in the service", 60);
    await waitUntilSaved(page);
  });
  partner.check((await field(page, "Summary").inputValue()) === SUMMARY, "what was typed stays in the form");

  await partner.step("loses the network and closes the page", async () => {
    await context.setOffline(true);
    await field(page, "Summary").fill(`${SUMMARY} Closed.`);
    await page.getByText(/The network is gone/).waitFor();
    partner.page = await context.newPage();
    await page.close({ runBeforeUnload: false });
  });
  await partner.step("opens it again with the network", async (again) => {
    await context.setOffline(false);
    await partner.openWell("/send");
    await again.getByRole("link", { name: TITLE }).first().click();
    await field(again, "Summary").waitFor();
    await until(async () => (await field(again, "Summary").inputValue()) === `${SUMMARY} Closed.`, "what was typed is there again");
    await until(async () => (await findSummary()) === `${SUMMARY} Closed.`, "what was typed is saved in the service", 60);
  });

  await partner.step("sends the form as soon as it is typed", async (again) => {
    await field(again, "Summary").fill(SUMMARY);
    await again.getByRole("button", { name: "Save and continue" }).click();
    await again.waitForURL(/\/funding/);
    const kept = await again.evaluate(() => JSON.stringify({ ...localStorage }));
    partner.check(!kept.includes(SUMMARY), `nothing is kept of what is saved: ${kept}`);
    partner.check((await findSummary()) === SUMMARY, "the form and its own saving do not get in each other's way");
  });
}

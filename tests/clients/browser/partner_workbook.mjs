// A workbook with five mistakes: dropped in, read, corrected in the workbook that comes back, sent again, and
// published in bulk by the steward.

import { answersWith, isZip, tidy } from "./harness.mjs";
import { checkAccessibility } from "./axe.mjs";
import { RUN } from "./records.mjs";
import { countMatching, readProblems, waitForMatching } from "./steps.mjs";
import { MISTAKES, RECORDS, buildWorkbook, correctWorkbook, findMistakes } from "./workbook.mjs";

const XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const FIRST = `return ${RUN}.xlsx`;
const SECOND = `corrected ${RUN}.xlsx`;

export default async function go(journey) {
  const partner = await journey.member("partner", { acceptDownloads: true });
  partner.expect(answersWith(422));
  const before = await countMatching(partner);
  await partner.step("gets the template", async (page) => {
    await partner.openWell("/send");
    await page.getByRole("main").getByRole("link", { name: "Send a workbook" }).click();
    const template = await partner.download(page.getByRole("link", { name: "Get the template workbook" }));
    partner.check(isZip(template.bytes), `the template is a workbook: ${template.name}`);
  });
  await sendPoster(partner);
  await upload(partner, FIRST, buildWorkbook(), { isDropped: true });
  await readOutcomes(partner);
  const corrections = await partner.step("downloads the corrections", async (page) => {
    const file = await partner.download(page.getByRole("link", { name: "Download the corrections workbook" }));
    partner.check(isZip(file.bytes), `the corrections are a workbook: ${file.name}`);
    const found = findMistakes(file.bytes);
    partner.check(found.length === MISTAKES.length, `the corrections have ${found.length} mistakes`);
    return file.bytes;
  });
  await upload(partner, SECOND, correctWorkbook(corrections), { isDropped: false });
  await partner.step("sees that nothing is wrong any more", async (page) => {
    const text = tidy(await page.getByRole("main").innerText());
    partner.check(!MISTAKES.some(({ wrong }) => text.includes(wrong)), "no mistake is left");
  });

  const steward = await journey.member("steward");
  await publishImport(steward, FIRST, 1);
  await publishImport(steward, SECOND, MISTAKES.length);
  await waitForMatching(partner, before + RECORDS);
}

async function sendPoster(partner) {
  await partner.step("sends a file of another kind by mistake", async (page) => {
    await partner.openWell("/send/workbooks");
    const input = page.getByLabel("Drop a file here, or choose one");
    await input.setInputFiles({ name: "poster.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.7") });
    await page.getByRole("button", { name: "Send the file" }).click();
    const problems = await readProblems(page);
    partner.check(/“poster.pdf” is not a workbook.*\.xlsx or \.ods/.test(problems), `the kinds of files are named: ${problems}`);
  });
}

async function upload(partner, name, bytes, { isDropped }) {
  const { page } = partner;
  await partner.step(`${isDropped ? "drops" : "chooses"} ${name}`, async () => {
    await partner.openWell("/send/workbooks");
    const input = page.getByLabel("Drop a file here, or choose one");
    if (isDropped) {
      // It is sent at once.
      await drop(page, input, name, bytes);
    } else {
      await input.setInputFiles({ name, mimeType: XLSX, buffer: bytes });
      await page.getByRole("button", { name: "Send the file" }).click();
    }
    await page.waitForURL(/\/send\/workbooks\/./);
  });
  await partner.step(`waits until ${name} is read`, () =>
    page.getByText("The whole file was read").first().waitFor({ timeout: 60_000 }),
  );
  await checkAccessibility(partner, `the result of ${name}`);
}

// As a browser does when somebody lets go of a file above the place for it.
async function drop(page, input, name, bytes) {
  const file = await page.evaluateHandle(
    ({ name, text, type }) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], name, { type }));
      return transfer;
    },
    { name, text: bytes.toString("base64"), type: XLSX },
  );
  const place = input.locator("xpath=ancestor::*[@data-drop][1]");
  for (const type of ["dragenter", "dragover", "drop"]) await place.dispatchEvent(type, { dataTransfer: file });
}

async function readOutcomes(partner) {
  await partner.step("reads what became of each row", async (page) => {
    const text = tidy(await page.getByRole("main").innerText());
    partner.check(text.includes(FIRST), "the page names the file");
    for (const { sheet, column } of MISTAKES) {
      const row = page.getByRole("row").filter({ hasText: sheet }).filter({ hasText: column });
      partner.check((await row.count()) >= 1, `a row names the mistake in ${sheet}, ${column}`);
    }
  });
}

async function publishImport(steward, name, count) {
  await steward.step(`opens the import of ${name}`, async (page) => {
    await steward.openWell("/review");
    await page.getByRole("table", { name: /Files/ }).getByRole("link", { name }).click();
    await steward.heading(name).waitFor();
  });
  await checkAccessibility(steward, `the import of ${name}`);
  await steward.step(`publishes ${count} of its records`, async (page) => {
    const chosen = page.getByRole("group", { name: "Records to publish" }).getByRole("checkbox");
    steward.check((await chosen.count()) === count, `${await chosen.count()} records are ready`);
    await page.getByRole("button", { name: "Publish the chosen records" }).click();
    await steward.heading("What was published").waitFor();
    const published = page.getByRole("row").filter({ hasText: "Published" });
    steward.check((await published.count()) === count, `${await published.count()} records are published`);
  });
}

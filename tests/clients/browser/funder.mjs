// A funder's way from a claim to the board paper, downloaded and printed.

import { WIDE, isZip, tidy, until, waitForPoints } from "./harness.mjs";
import { checkAccessibility } from "./axe.mjs";
import { RUN } from "./records.mjs";
import { findShortFundingClaim } from "./steps.mjs";

const XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

export default async function go(journey) {
  // This session ends with the journey, so it is not the one that others use.
  const funder = await journey.memberWithOwnSession("funder", { acceptDownloads: true });
  await readClaim(funder);
  await changeQuestion(funder);
  await saveQuestion(funder);
  await readPortfolio(funder);
  await downloadBoardPaper(funder);
  await printBoardPaper(funder);
  await funder.step("signs out", async (page) => {
    await page.emulateMedia({ media: "screen" });
    await funder.openWell("/portfolio");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("link", { name: "Sign in" }).waitFor();
  });
  await funder.step("cannot open the portfolio any more", async (page) => {
    await funder.openWell("/portfolio");
    await page.waitForURL(/\/sign-in\?next=/);
  });
}

async function readClaim(funder) {
  await funder.step("opens the claims", () => funder.openWell("/"));
  await funder.step("opens a claim", async (page) => {
    const claim = findShortFundingClaim(page);
    const statement = tidy(await claim.getByRole("heading").first().innerText());
    await claim.getByRole("link", { name: /See the evidence/ }).click();
    await page.getByRole("heading", { name: "Cite this" }).waitFor();
    funder.check((await funder.readHeading()) === statement, `the claim's page is about it: ${statement}`);
  });
  await funder.step("downloads the claim's answer", async (page) => {
    const file = await funder.download(page.getByRole("link", { name: "XLSX" }).first());
    checkWorkbook(funder, file, "the claim's answer");
  });
  await funder.step("asks it their way", async (page) => {
    await page.getByRole("main").getByRole("link", { name: "Ask it your way" }).click();
    await page.waitForURL(/\/explore\?/);
  });
}

function checkWorkbook(funder, { name, type, bytes }, what) {
  funder.check(name.endsWith(".xlsx"), `${what} is a file called ${name}`);
  funder.check(type?.startsWith(XLSX), `${what} has the type of a workbook: ${type}`);
  funder.check(isZip(bytes), `${what} is a workbook of ${bytes.length} bytes`);
}

const readHeadline = async (page) => tidy(await page.getByRole("main").getByText(/in 100/).first().innerText());

async function changeQuestion(funder) {
  const { page } = funder;
  const before = await funder.step("reads the answer", () => readHeadline(page));
  const months = page.getByRole("group", { name: /^When an initiative/ }).getByLabel("Months").first();
  await funder.step("changes the number of months", async () => {
    const readCount = async () => tidy(await page.getByText(/initiatives? match/).first().innerText());
    const counted = await readCount();
    await months.fill("6");
    // The count follows without a new page.
    await until(async () => (await readCount()) !== counted, "another number of initiatives matches");
    funder.check(true, `the count follows: ${await readCount()}`);
    await page.getByText("The conditions have changed").waitFor();
  });
  await funder.step("asks for the answer", async () => {
    await page.getByRole("button", { name: /Show the answer/ }).click();
    await page.waitForURL((url) => /"lte":6\b/.test(url.searchParams.get("when") ?? ""));
  });
  const after = await funder.step("reads the other answer", () => readHeadline(page));
  funder.check(after !== before, `the answer is another: ${after}`);
  await checkAccessibility(funder, "the answer");
  await funder.step("downloads the answer", async () => {
    const file = await funder.download(page.getByRole("link", { name: "Workbook (XLSX)" }));
    checkWorkbook(funder, file, "the answer");
  });
  await funder.step("shows the query", async () => {
    const address = page.url();
    // GraphiQL reads the schema as a visitor does.
    await waitForPoints(1_000);
    await page.getByRole("link", { name: "Show the query" }).click();
    await page.locator(".graphiql-query-editor .CodeMirror").waitFor();
    const query = await page
      .locator(".graphiql-query-editor .CodeMirror")
      .evaluate((element) => element.CodeMirror.getValue());
    funder.check(query.includes("pattern("), "GraphiQL has the query of the page");
    await funder.openWell(address);
  });
}

async function saveQuestion(funder) {
  const { page } = funder;
  const title = `Question ${RUN}`;
  await funder.step("saves the question", async () => {
    const address = new URL(page.url()).search;
    const open = page.getByRole("main").getByText(/Save this question/).first();
    if (!funder.check(await open.isVisible(), "a member can save the question")) return;
    const name = page.getByRole("main").getByLabel(/name|call/i).last();
    if (!(await name.isVisible())) await open.click();
    await name.fill(title);
    await page.getByRole("button", { name: /Save/ }).last().click();
    const link = page.getByRole("link", { name: title });
    await link.first().waitFor();
    await link.first().click();
    await page.waitForURL((url) => url.searchParams.get("when") === new URLSearchParams(address).get("when"));
  });
}

async function readPortfolio(funder) {
  await funder.step("opens the portfolio", async (page) => {
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Portfolio" }).click();
    await funder.heading("Your portfolio against the rest").waitFor();
    funder.check((await page.getByRole("article").count()) >= 2, "the portfolio has answers");
    await page.getByRole("heading", { name: "Your grants" }).waitFor();
    const current = page.getByRole("navigation", { name: "Main" }).locator("[aria-current=page]");
    funder.check((await current.innerText()).startsWith("Portfolio"), "the navigation says where the funder is");
  });
  await funder.step("counts only what they can read", async (page) => {
    const other = page.getByRole("link", { name: /^Count (only|all)/ });
    const label = await other.innerText();
    await other.click();
    await page.waitForURL(/scope=/);
    funder.check((await other.innerText()) !== label, "the portfolio can be counted in two ways");
  });
  await funder.step("downloads a comparison", async (page) => {
    const file = await funder.download(page.getByRole("article").first().getByRole("link", { name: /XLSX/ }));
    checkWorkbook(funder, file, "the comparison");
  });
}

const countPages = (pdf) => pdf.toString("latin1").match(/\/Type\s*\/Page\b(?!s)/g)?.length;

async function downloadBoardPaper(funder) {
  await funder.step("makes a board paper", async (page) => {
    await page.getByRole("link", { name: "Make a board paper" }).click();
    await page.waitForURL(/\/portfolio\/board-paper/);
    await page.getByRole("button", { name: "Print" }).waitFor();
  });
  await funder.step("downloads the board paper", async (page) => {
    const { name, type, bytes } = await funder.download(page.getByRole("link", { name: "Download as PDF" }));
    funder.check(/^board-paper-[\d-]+\.pdf$/.test(name), `the board paper is a file called ${name}`);
    funder.check(type === "application/pdf", `the board paper has the type of a PDF: ${type}`);
    funder.check(bytes.toString("latin1", 0, 5) === "%PDF-", `the board paper is a PDF of ${bytes.length} bytes`);
    funder.check(countPages(bytes) === 1, `the downloaded board paper has ${countPages(bytes)} page`);
  });
}

async function printBoardPaper(funder) {
  await funder.step("prints the board paper", async (page) => {
    await page.emulateMedia({ media: "print" });
    funder.check(!(await page.getByRole("banner").isVisible()), "the header of the page is not printed");
    const pdf = await page.pdf({ format: "A4", preferCSSPageSize: true, printBackground: false });
    funder.check(countPages(pdf) === 1, `the printed board paper has ${countPages(pdf)} page`);
    await page.setViewportSize(WIDE);
  });
}

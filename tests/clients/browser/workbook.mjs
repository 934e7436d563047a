// A workbook as a partner fills it in, with one mistake in each of five records, and the corrections of it.
// The sheets are those of the template, with text cells alone.

import { strFromU8, strToU8, unzipSync, zipSync } from "fflate";
import { RUN } from "./records.mjs";

// What is typed by mistake, where, and what is right. Each text is found nowhere else in the workbook.
export const MISTAKES = [
  { sheet: "Initiatives", column: "Place", wrong: "Hartlepul", right: "Hartlepool" },
  { sheet: "Initiatives", column: "Started on", wrong: "when we met", right: "2021-04-01" },
  { sheet: "Challenges", column: "What became of the step", wrong: "Left out a bit", right: "Skipped" },
  { sheet: "Challenges", column: "What happened", wrong: "Ask jo@example.org", right: "There was no time." },
  { sheet: "Funding terms", column: "Length in months", wrong: "about a year", right: "12" },
];
const SOUND = "sound";
export const RECORDS = MISTAKES.length + 1;

const titleOf = (name) => `Workbook ${RUN} ${name}`;

const fillIn = (name) => ({
  Initiatives: {
    "Your reference": titleOf(name),
    Title: titleOf(name),
    Place: "Hartlepool",
    "Started on": "2021-04-01",
    "Goes on": "Yes",
    "Who may read it": "Open",
    "Source kind": "Self-report",
    "Source title": "Yearly return 2021",
    "Why it may be shared": "The board agreed on 3 May",
    "Sharing licence": "CC-BY-4.0",
  },
  Challenges: {
    "Your reference": titleOf(name),
    Challenge: "Defining ambitions",
    "What became of the step": "Skipped",
    Reasons: "Short funding",
    "What happened": "Nobody asked.",
  },
  "Funding terms": {
    "Your reference": titleOf(name),
    Funder: "A funder of the browser's journeys",
    "Funder identifier": "GB-CHC-9999902",
    Currency: "GBP",
    Amount: "15000.50",
    "Length in months": "12",
  },
});

export function buildWorkbook() {
  const records = [SOUND, ...MISTAKES.map((_, at) => `mistake ${at + 1}`)].map((name, at) => {
    const record = fillIn(name);
    const mistake = MISTAKES[at - 1];
    if (mistake) record[mistake.sheet][mistake.column] = mistake.wrong;
    return record;
  });
  const names = Object.keys(records[0]);
  const sheets = names.map((name) => [
    Object.keys(records[0][name]),
    ...records.map((record) => Object.values(record[name])),
  ]);
  return Buffer.from(writeWorkbook(names, sheets));
}

// The corrections workbook with each mistake corrected, wherever it is written.
export function correctWorkbook(bytes) {
  const files = Object.entries(unzipSync(bytes)).map(([path, content]) => {
    if (!path.endsWith(".xml")) return [path, content];
    const text = MISTAKES.reduce((text, { wrong, right }) => text.replaceAll(wrong, right), strFromU8(content));
    return [path, strToU8(text)];
  });
  return Buffer.from(zipSync(Object.fromEntries(files)));
}

// The mistakes that a workbook has.
export function findMistakes(bytes) {
  const texts = Object.entries(unzipSync(bytes)).filter(([path]) => path.endsWith(".xml"));
  const all = texts.map(([, content]) => strFromU8(content)).join("\n");
  return MISTAKES.filter(({ wrong }) => all.includes(wrong));
}

const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE = "http://schemas.openxmlformats.org/package/2006";
const TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml";

const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const nameCell = (column, row) => `${String.fromCharCode(65 + column)}${row + 1}`;

function writeSheet(rows) {
  const cell = (text, column, row) => `<c r="${nameCell(column, row)}" t="inlineStr"><is><t>${escape(text)}</t></is></c>`;
  const lines = rows.map((cells, row) => `<row r="${row + 1}">${cells.map((text, at) => cell(text, at, row)).join("")}</row>`);
  return `${HEAD}<worksheet xmlns="${MAIN}"><sheetData>${lines.join("")}</sheetData></worksheet>`;
}

function writeWorkbook(names, sheets) {
  const each = (write) => names.map((name, at) => write(at + 1, name)).join("");
  const files = {
    "[Content_Types].xml": `${HEAD}<Types xmlns="${PACKAGE}/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Override PartName="/xl/workbook.xml" ContentType="${TYPES}.sheet.main+xml"/>
${each((number) => `<Override PartName="/xl/worksheets/sheet${number}.xml" ContentType="${TYPES}.worksheet+xml"/>`)}</Types>`,
    "_rels/.rels": `${HEAD}<Relationships xmlns="${PACKAGE}/relationships">
<Relationship Id="rId1" Type="${OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    "xl/workbook.xml": `${HEAD}<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets>
${each((number, name) => `<sheet name="${name}" sheetId="${number}" r:id="rId${number}"/>`)}</sheets></workbook>`,
    "xl/_rels/workbook.xml.rels": `${HEAD}<Relationships xmlns="${PACKAGE}/relationships">
${each((number) => `<Relationship Id="rId${number}" Type="${OFFICE}/worksheet" Target="worksheets/sheet${number}.xml"/>`)}</Relationships>`,
  };
  sheets.forEach((rows, at) => {
    files[`xl/worksheets/sheet${at + 1}.xml`] = writeSheet(rows);
  });
  return zipSync(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, strToU8(text)])));
}

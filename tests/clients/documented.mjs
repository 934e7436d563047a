// Takes the programs and commands out of docs/clients.md, so that they can be run: each block that begins
// with the name of its file, as that file, and those that begin with curl, one after the other, as requests.sh.
//
//   node documented.mjs FOLDER

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [folder] = process.argv.slice(2);
const text = readFileSync(new URL("../../docs/clients.md", import.meta.url), "utf8");
const blocks = [...text.matchAll(/^```\w+\n(.*?)^```$/gms)].map(([, block]) => block);
const requests = blocks.filter((block) => block.startsWith("curl "));
const files = blocks.flatMap((block) => {
  const [, name] = /^(?:\/\/|#) (\w+\.\w+)\n/.exec(block) ?? [];
  return name ? [[name, block]] : [];
});

mkdirSync(folder, { recursive: true });
for (const [name, block] of [["requests.sh", requests.join("echo\n")], ...files]) {
  writeFileSync(join(folder, name), block);
}
console.log(`docs/clients.md: ${requests.length} requests, and ${files.map(([name]) => name).join(", ")}`);

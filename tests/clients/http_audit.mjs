// The audit of GraphQL over HTTP that the package graphql-http brings: every point of it has to pass,
// those that a server only should or may meet too.
//
//   npm ci && node http_audit.mjs http://127.0.0.1:8000/graphql

import { serverAudits } from "graphql-http";

const url = process.argv[2];
if (!url) {
  console.error("say which address to audit: node http_audit.mjs http://127.0.0.1:8000/graphql");
  process.exit(2);
}

let passed = 0;
const failed = [];
for (const audit of serverAudits({ url })) {
  const result = await audit.fn();
  if (result.status === "ok") {
    passed += 1;
  } else {
    failed.push(`${result.status} ${result.id} ${result.name}: ${result.reason}`);
  }
}
failed.forEach((line) => console.error(line));
console.log(`GraphQL over HTTP: ${passed} of ${passed + failed.length} points pass`);
process.exit(failed.length === 0 ? 0 : 1);

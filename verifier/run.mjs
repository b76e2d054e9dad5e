// Verifies many bundles in one process, with the very script that stands in verify.html.
//
//   node verifier/run.mjs < requests > answers
//
// A request is a line {"file": PATH, "trusted": [FINGERPRINT, ...]} or {"base64": BYTES, ...}; an answer is a line of JSON
// with the members of `watchline verify --json`. {"ed25519": [KEY, SIGNATURE, MESSAGE]} in hex asks for that one check.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { runInThisContext } from "node:vm";

const PAGE = new URL("../src/watchline/verifier/verify.html", import.meta.url);
const SIGNATURES_REMEMBERED = 65536;

const [, script] = /<script>([^]*?)<\/script>/.exec(readFileSync(PAGE, "utf8"));
runInThisContext(script, { filename: "verify.html" });
const { rememberSignatures, report, verifyEd25519 } = globalThis.watchlineVerifier;
rememberSignatures(SIGNATURES_REMEMBERED);

function answer({ file, base64, trusted, ed25519 }) {
  if (ed25519 !== undefined) return String(verifyEd25519(...ed25519.map((each) => new Uint8Array(Buffer.from(each, "hex")))));
  const data = file === undefined ? Buffer.from(base64, "base64") : readFileSync(file);
  return report(new Uint8Array(data), trusted ?? []);
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  process.stdout.write(`${answer(JSON.parse(line))}\n`);
}

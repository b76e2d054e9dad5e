// The three pairing files of form 1 (rule 5), which evidence shows as they are.

import { same, utf8 } from "./bytes.js";
import { decode } from "./cbor.js";
import { sha256 } from "./crypto.js";
import { readCertificate, readIdentity, verifyIdentity } from "./keys.js";
import { ALL_BYTES_MAX, byRule5, checkNames, IDENTITY_BYTES_MAX } from "./pairing_checks.js";
import { readRoster, ROSTER_BYTES_MAX } from "./persons.js";
import { Refusal } from "./refusal.js";
import * as shapes from "./shapes.js";
import { readTerms } from "./terms.js";

export const MAGIC = utf8("watchline pairing 1\n");
const ROUTES_MAX = 16;
const ROUTE_KIND = /^[a-z][a-z0-9-]{0,15}$/;
const ROUTE_ADDRESS = /^[!-~]{1,256}$/;

/** @param {Uint8Array[]} files @returns {import("./pairing_checks.js").Read} */
export function readFiles(files) {
  const hashes = files.map((file) => sha256(file));
  const one = readFile(files[0], 1, 7);
  shapes.octetsTo(one.values[6], "terms", 32768);
  const a = readOffer(one);
  const terms = readTerms(one.values[6]);
  const two = readFile(files[1], 2, 8);
  if (same(one.identity.id, two.identity.id)) throw new Refusal("pairing-own", 5);
  checkNames(two.values[6], hashes[0]);
  const three = readFile(files[2], 3, 5);
  if (!same(one.identity.id, three.identity.id)) throw new Refusal("pairing-party", 5);
  checkNames(three.values[2], hashes[0]);
  checkNames(three.values[3], hashes[1]);
  return { label: "watchline/1 line", hashes, offers: { a, b: readOffer(two) }, terms };
}

function readFile(file, step, length) {
  return byRule5(() => {
    if (file.length > ALL_BYTES_MAX || !same(file.subarray(0, MAGIC.length), MAGIC)) throw new Refusal("pairing-file", 5);
    const [body, ed, ml] = shapes.array(decode(file.subarray(MAGIC.length)), "pairing file", 3);
    shapes.octets(ed, "ed", 64);
    shapes.octets(ml, "ml", 4627);
    const values = shapes.array(decode(shapes.octetsTo(body, "body", ALL_BYTES_MAX)), "body");
    if (shapes.integer(values[0] ?? null, "step", 1, 3) !== step) throw new Refusal("pairing-step", 5, { step });
    shapes.array(values, "body", length);
    const identity = readIdentity(shapes.octetsTo(values[1], "identity", IDENTITY_BYTES_MAX));
    verifyIdentity(identity, "watchline/1 pairing", body, ed, ml, 5);
    return { identity, values };
  });
}

/** @returns {import("./pairing_checks.js").Offer} */
function readOffer({ identity, values }) {
  const [, , kem, certificate, roster, routes] = values;
  const read = readCertificate(shapes.octetsTo(certificate, "certificate", 16384), identity);
  if (read.line !== null) throw new Refusal("certificate-line", 5);
  shapes.octets(kem, "X-Wing key", 1216);
  for (const route of shapes.array(routes, "routes", null, ROUTES_MAX)) {
    const [kind, address] = shapes.array(route, "route", 2);
    shapes.text(kind, "route kind");
    shapes.text(address, "route address");
    if (!ROUTE_KIND.test(kind) || !ROUTE_ADDRESS.test(address)) throw new Refusal("shape", 5, { name: "route" });
  }
  return { identity, certificate: read, roster: readRoster(shapes.octetsTo(roster, "roster", ROSTER_BYTES_MAX)) };
}

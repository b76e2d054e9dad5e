// The three pairing files (rule 5): who the two desks are, and LINE.

import { compare, hex, join, same, utf8 } from "./bytes.js";
import { decode } from "./cbor.js";
import { sha256 } from "./crypto.js";
import { readCertificate, readIdentity, verifyIdentity } from "./keys.js";
import { readRoster, ROSTER_BYTES_MAX } from "./persons.js";
import { Refusal } from "./refusal.js";
import * as shapes from "./shapes.js";
import { readTerms } from "./terms.js";

const MAGIC = utf8("watchline pairing 1\n");
const FILE_BYTES_MAX = 65536;
const IDENTITY_BYTES_MAX = 4096;
const ROUTES_MAX = 16;
const ROUTE_KIND = /^[a-z][a-z0-9-]{0,15}$/;
const ROUTE_ADDRESS = /^[!-~]{1,256}$/;

/** @typedef {{identity: import("./keys.js").Identity, certificate: import("./keys.js").Certificate, roster: import("./persons.js").Roster}} Offer */

/** @param {Uint8Array[]} files @returns {{line: Uint8Array, offers: {a: Offer, b: Offer}, terms: import("./terms.js").Terms}} */
export function readPairing(files) {
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
  const b = readOffer(two);
  const ids = [a.identity.id, b.identity.id].sort(compare);
  return { line: sha256(join(utf8("watchline/1 line"), ...ids, ...hashes)), offers: { a, b }, terms };
}

/** Sixty decimal digits of LINE in twelve groups of five. @param {Uint8Array} line */
export function digitsOf(line) {
  const number = BigInt(`0x${hex(sha256(join(utf8("watchline/1 digits"), line)))}`) % 10n ** 60n;
  return number.toString().padStart(60, "0").match(/.{5}/g).join(" ");
}

/** Every refusal of a file, but not of what stands in its offer, is by rule 5. */
function readFile(file, step, length) {
  try {
    return readSigned(file, step, length);
  } catch (error) {
    if (error instanceof Refusal) error.rule = 5;
    throw error;
  }
}

function readSigned(file, step, length) {
  if (file.length > FILE_BYTES_MAX || !same(file.subarray(0, MAGIC.length), MAGIC)) throw new Refusal("pairing-file", 5);
  const [body, ed, ml] = shapes.array(decode(file.subarray(MAGIC.length)), "pairing file", 3);
  shapes.octets(ed, "ed", 64);
  shapes.octets(ml, "ml", 4627);
  const values = shapes.array(decode(shapes.octetsTo(body, "body", FILE_BYTES_MAX)), "body");
  if (shapes.integer(values[0] ?? null, "step", 1, 3) !== step) throw new Refusal("pairing-step", 5, { step });
  shapes.array(values, "body", length);
  const identity = readIdentity(shapes.octetsTo(values[1], "identity", IDENTITY_BYTES_MAX));
  verifyIdentity(identity, "watchline/1 pairing", body, ed, ml, 5);
  return { identity, values };
}

/** @returns {Offer} */
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

function checkNames(digest, hash) {
  if (!(digest instanceof Uint8Array) || !same(digest, hash)) throw new Refusal("pairing-answers", 5);
}

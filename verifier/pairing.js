// What evidence shows of a pairing (rules 5 and 41): who the two desks are, and LINE.

import { compare, hex, join, same, utf8 } from "./bytes.js";
import { decode } from "./cbor.js";
import { sha256 } from "./crypto.js";
import { readIdentity, readUnsignedCertificate, verifyIdentity } from "./keys.js";
import { ALL_BYTES_MAX, byRule5, checkNames, IDENTITY_BYTES_MAX } from "./pairing_checks.js";
import { MAGIC as MAGIC_1, readFiles } from "./pairing_form1.js";
import { readRoster, ROSTER_BYTES_MAX } from "./persons.js";
import { Refusal } from "./refusal.js";
import * as shapes from "./shapes.js";
import { readTerms } from "./terms.js";

const LENGTHS = { 1: 6, 2: 6, 3: 5 };

/** @typedef {import("./pairing_checks.js").Offer} Offer */

/** @param {Uint8Array[]} parts @returns {{line: Uint8Array, offers: {a: Offer, b: Offer}, terms: import("./terms.js").Terms}} */
export function readPairing(parts) {
  const isForm1 = same(parts[0].subarray(0, MAGIC_1.length), MAGIC_1);
  const { label, hashes, offers, terms } = isForm1 ? readFiles(parts) : readParts(parts);
  const ids = [offers.a.identity.id, offers.b.identity.id].sort(compare);
  return { line: sha256(join(utf8(label), ...ids, ...hashes)), offers, terms };
}

/** Sixty decimal digits of LINE in twelve groups of five. @param {Uint8Array} line */
export function digitsOf(line) {
  const number = BigInt(`0x${hex(sha256(join(utf8("watchline/1 digits"), line)))}`) % 10n ** 60n;
  return number.toString().padStart(60, "0").match(/.{5}/g).join(" ");
}

/** Parts of form 2: body 1 alone, bodies 2 and 3 signed. All signatures and names come before anything else that is in them. */
function readParts(parts) {
  const one = byRule5(() => readBody(bounded(parts[0]), 1));
  const a = byRule5(() => identityOf(one));
  const two = byRule5(() => readSigned(parts[1], 2));
  const b = byRule5(() => identityOf(two));
  two.verify(b);
  if (same(a.id, b.id)) throw new Refusal("pairing-own", 5);
  checkNames(two.values[5], one.hash);
  const three = byRule5(() => readSigned(parts[2], 3));
  if (!(three.values[1] instanceof Uint8Array) || !same(three.values[1], a.id)) throw new Refusal("pairing-party", 5);
  three.verify(a);
  checkNames(three.values[3], one.hash);
  checkNames(three.values[4], two.hash);
  const ours = readOffer(a, one.values);
  const terms = readTerms(shapes.octetsTo(one.values[5], "terms", 32768));
  const offers = { a: ours, b: readOffer(b, two.values) };
  return { label: "watchline/2 line", hashes: [one.hash, two.hash, three.hash], offers, terms };
}

function bounded(part) {
  if (part.length > ALL_BYTES_MAX) throw new Refusal("pairing-file", 5);
  return part;
}

function readSigned(part, step) {
  const [body, ed, ml] = shapes.array(decode(bounded(part)), "signed body", 3);
  shapes.octetsTo(body, "body", ALL_BYTES_MAX);
  shapes.octets(ed, "ed", 64);
  shapes.octets(ml, "ml", 4627);
  const verify = (identity) => verifyIdentity(identity, "watchline/2 pairing", body, ed, ml, 5);
  return { ...readBody(body, step), verify };
}

/** The values of a body, and by what the bodies after it name it. */
function readBody(body, step) {
  const values = shapes.array(decode(body), "body");
  if (shapes.integer(values[0] ?? null, "step", 1, 3) !== step) throw new Refusal("pairing-step", 5, { step });
  shapes.array(values, "body", LENGTHS[step]);
  shapes.octets(values[step === 3 ? 2 : 4], "SHA-256 of the undisclosed part", 32);
  return { values, hash: sha256(body) };
}

function identityOf({ values }) {
  return readIdentity(shapes.octetsTo(values[1], "identity", IDENTITY_BYTES_MAX));
}

/** @returns {Offer} */
function readOffer(identity, [, , certificate, roster]) {
  const read = readUnsignedCertificate(shapes.octetsTo(certificate, "certificate", 16384), identity);
  if (read.line !== null) throw new Refusal("certificate-line", 5);
  return { identity, certificate: read, roster: readRoster(shapes.octetsTo(roster, "roster", ROSTER_BYTES_MAX)) };
}

// People (rule 3): rosters, and the assertions by which officers stand for something.

import { base64url, hex, join, numberBytes, utf8 } from "./bytes.js";
import { decode, encode } from "./cbor.js";
import { isP256Point, sha256, verifyEd25519, verifyEs256 } from "./crypto.js";
import { Refusal } from "./refusal.js";
import * as shapes from "./shapes.js";

export const ROSTER_BYTES_MAX = 61440;
const ROSTER_MAX = 256;
const NUMBER_MAX = 65535;
const ASSERTIONS_MAX = 16;
const APPENDED_BYTES_MAX = 1024;
const WARNING_SECONDS = 30 * 24 * 3600;
const ED25519 = 0, ES256 = 1, PASSKEY_ED25519 = 2;
const USER_PRESENT = 0x01, USER_VERIFIED = 0x04, ATTESTED = 0x40, EXTENSIONS = 0x80;
const ROLES = ["duty", "releaser", "admin", "auditor"];
const ORIGIN = /^https?:\/\/[!#-\[\]-~]{1,240}$/;
const RP_ID = /^[a-z0-9.-]{1,253}$/;
const MAY = {
  release: ["duty", "releaser"],
  answer: ["duty", "releaser"],
  cancel: ["duty", "releaser"],
  acknowledge: ["duty", "releaser"],
  decline: ["duty", "releaser"],
  roster: ["admin"],
  terms: ["releaser", "admin"],
  incarnation: ["duty", "releaser", "admin"],
};

/**
 * @typedef {{number: number, kind: number, key: Uint8Array, role: string, name: string | null, notBefore: number,
 *   notAfter: number, rpId: string | null, origin: string | null}} Officer
 * @typedef {{version: number, officers: Map<number, Officer>, encoded: Uint8Array}} Roster
 * @typedef {{officer: Officer, remark: "early" | "soon" | "expired" | null}} Signer
 */

/** @param {Uint8Array} encoded @returns {Roster} */
export function readRoster(encoded) {
  if (encoded.length > ROSTER_BYTES_MAX) throw new Refusal("roster", 3);
  const [version, listed] = shapes.array(decode(encoded), "roster", 2);
  shapes.integer(version, "roster version", 1);
  const officers = shapes.array(listed, "officers", null, ROSTER_MAX).map(readOfficer);
  if (officers.some((officer, at) => at > 0 && officer.number <= officers[at - 1].number)) throw new Refusal("roster", 3);
  if (new Set(officers.map((officer) => hex(officer.key))).size !== officers.length) throw new Refusal("roster", 3);
  return { version, officers: new Map(officers.map((officer) => [officer.number, officer])), encoded };
}

function readOfficer(value) {
  const [number, kind, key, role, name, notBefore, notAfter, rpId, origin] = shapes.array(value, "officer", 9);
  shapes.text(role, "role", 0, 16);
  shapes.optional(name, (given) => shapes.text(given, "officer name", 0, 128));
  shapes.optional(rpId, (given) => shapes.text(given, "rpId", 0, 253));
  shapes.optional(origin, (given) => shapes.text(given, "origin", 0, 248));
  shapes.integer(number, "officer number", 1, NUMBER_MAX);
  shapes.integer(kind, "officer kind", 0, PASSKEY_ED25519);
  shapes.octets(key, "officer key", kind === ES256 ? 33 : 32);
  shapes.integer(notBefore, "not before");
  shapes.integer(notAfter, "not after", notBefore);
  if (!ROLES.includes(role)) throw new Refusal("roster", 3);
  shapes.optional(name, (given) => shapes.readableName(given, "officer name", 3));
  if (kind === ES256 && !isP256Point(key)) throw new Refusal("roster", 3);
  const isPasskey = typeof rpId === "string" && RP_ID.test(rpId) && typeof origin === "string" && ORIGIN.test(origin);
  const isPlain = rpId === null && origin === null;
  if (kind === ED25519 ? !isPlain : !isPasskey) throw new Refusal("roster", 3);
  return { number, kind, key, role, name, notBefore, notAfter, rpId, origin };
}

/** Refuses a roster that is not the next version, or gives a known number to another key. */
export function checkFollows(current, proposed) {
  if (proposed.version !== current.version + 1) throw new Refusal("roster", 3);
  for (const [number, officer] of proposed.officers) {
    const before = current.officers.get(number);
    if (before && (before.kind !== officer.kind || hex(before.key) !== hex(officer.key))) throw new Refusal("roster", 3);
  }
}

/**
 * The officers who asserted `what` for a purpose; refuses too few, one twice, another role, and any that does not hold.
 * @param {any[]} assertions as they stand in the body
 * @param {{purpose: string, line: Uint8Array, from: Uint8Array, nonce: Uint8Array | null, what: Uint8Array}} signed
 * @param {number} now for remarks on the dates of keys
 * @returns {Signer[]}
 */
export function verifyPeople(assertions, roster, signed, needed, now) {
  const read = assertions.map(readAssertion);
  const isOnce = new Set(read.map((assertion) => assertion.number)).size === read.length;
  if (read.length > ASSERTIONS_MAX || !isOnce || read.length < needed) throw new Refusal("people", 3);
  const { purpose, line, from, nonce, what } = signed;
  const challenge = sha256(encode(["watchline/1 person", purpose, line, from, nonce, what]));
  return read.map((assertion) => {
    const officer = roster.officers.get(assertion.number);
    if (officer?.kind !== assertion.kind || !isBy(officer, assertion, challenge)) throw new Refusal("people", 3);
    if (!MAY[purpose].includes(officer.role)) throw new Refusal("people", 3);
    return { officer, remark: remarkOn(officer, now) };
  });
}

function readAssertion(value) {
  const [number, kind, proof] = shapes.array(value, "assertion", 3);
  shapes.integer(number, "officer number", 1, NUMBER_MAX);
  if (shapes.integer(kind, "officer kind", 0, PASSKEY_ED25519) === ED25519) {
    return { number, kind, signature: shapes.octets(proof, "signature", 64), passkey: null };
  }
  const hasAppended = Array.isArray(proof) && proof.length === 4;
  const [flags, counter, signature, appended = null] = shapes.array(proof, "passkey proof", hasAppended ? 4 : 3);
  shapes.integer(flags, "flags", 0, 0xff);
  shapes.integer(counter, "counter", 0, 0xffffffff);
  if (hasAppended) {
    shapes.octetsTo(appended, "appended members", APPENDED_BYTES_MAX);
    if (appended[0] !== 0x2c || appended.at(-1) !== 0x7d) throw new Refusal("people", 3);
  }
  return { number, kind, signature: shapes.octets(signature, "signature", 64), passkey: { flags, counter, appended } };
}

function isBy(officer, { signature, passkey }, challenge) {
  if (passkey === null) return verifyEd25519(officer.key, signature, challenge);
  const { flags, counter, appended } = passkey;
  if (!(flags & USER_PRESENT) || !(flags & USER_VERIFIED) || flags & (ATTESTED | EXTENSIONS)) return false;
  const members = `{"type":"webauthn.get","challenge":"${base64url(challenge)}","origin":"${officer.origin}","crossOrigin":false`;
  const clientData = join(utf8(members), appended ?? utf8("}"));
  const message = join(sha256(utf8(officer.rpId)), Uint8Array.of(flags), numberBytes(counter, 4), sha256(clientData));
  return officer.kind === ES256 ? verifyEs256(officer.key, signature, message) : verifyEd25519(officer.key, signature, message);
}

function remarkOn({ notBefore, notAfter }, now) {
  if (now < notBefore) return "early";
  if (now > notAfter) return "expired";
  return now > notAfter - WARNING_SECONDS ? "soon" : null;
}

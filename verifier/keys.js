// Identities (rule 1) and certificates (rule 2).

import { hex, join, same, utf8 } from "./bytes.js";
import { decode, encode } from "./cbor.js";
import { sha256, verifyEd25519, verifyMlDsa87 } from "./crypto.js";
import { Refusal } from "./refusal.js";
import * as shapes from "./shapes.js";

const CERTIFICATE_BYTES_MAX = 16384;
const SPKI_PREFIX = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00); // RFC 8410, section 4

/** @typedef {{desk: string, ed: Uint8Array, ml: Uint8Array, id: Uint8Array, fingerprint: string}} Identity */

/** @param {Uint8Array} data dCBOR[desk, ed, ml] @returns {Identity} */
export function readIdentity(data) {
  const [desk, ed, ml] = shapes.array(decode(data), "identity", 3);
  shapes.readableName(desk, "desk name", 1);
  shapes.octets(ed, "identity Ed25519 key", 32);
  shapes.octets(ml, "identity ML-DSA-87 key", 2592);
  const id = sha256(data);
  return { desk, ed, ml, id, fingerprint: fingerprintOf(id) };
}

/** The first 160 bits of an id as ten groups of four hex digits. @param {Uint8Array} id */
export function fingerprintOf(id) {
  return hex(id.subarray(0, 20)).match(/.{4}/g).join(" ");
}

/** Refuses what this identity did not sign, with both algorithms, for this purpose. @param {Identity} identity */
export function verifyIdentity(identity, purpose, message, ed, ml, rule) {
  const signed = join(utf8(purpose), Uint8Array.of(0), message);
  if (!verifyEd25519(identity.ed, ed, signed)) throw new Refusal("ed25519", rule);
  if (!verifyMlDsa87(identity.ml, ml, signed)) throw new Refusal("ml-dsa", rule);
}

/**
 * @typedef {{encoded: Uint8Array | null, body: Uint8Array, line: Uint8Array | null, serial: number, inc: number, keys: DeskKeys,
 *   notBefore: number, notAfter: number, revoked: [number, number] | null}} Certificate
 * @typedef {{ed: Uint8Array, ml: Uint8Array, log: Uint8Array, custody: Uint8Array, kem: Uint8Array, tls: Uint8Array}} DeskKeys
 */

/** Read and verify a certificate of the desk `identity`. @param {Uint8Array} encoded @returns {Certificate} */
export function readCertificate(encoded, identity) {
  if (encoded.length > CERTIFICATE_BYTES_MAX) throw new Refusal("shape", 2, { name: "certificate" });
  const [body, ed, ml] = shapes.array(decode(encoded), "signed certificate", 3);
  shapes.octetsTo(body, "certificate", CERTIFICATE_BYTES_MAX);
  shapes.octets(ed, "ed", 64);
  shapes.octetsTo(ml, "ml", CERTIFICATE_BYTES_MAX);
  const certificate = readUnsignedCertificate(body, identity);
  verifyIdentity(identity, "watchline/1 certificate", body, ed, ml, 2);
  return { ...certificate, encoded };
}

/** Read a certificate of the desk `identity` that its identity signed within something else. @returns {Certificate} */
export function readUnsignedCertificate(body, identity) {
  const values = shapes.array(decode(body), "certificate", 13);
  const [desk, line, serial, inc, , , , , , , notBefore, notAfter, revoked] = values;
  const certificate = { encoded: null, body, line, serial, inc, keys: readKeys(values.slice(4, 10)), notBefore, notAfter, revoked };
  shapes.optional(revoked, (value) => shapes.array(value, "revoked", 2).forEach((part) => shapes.integer(part, "revoked")));
  shapes.octets(desk, "id", 32);
  shapes.optional(line, (value) => shapes.octets(value, "LINE", 32));
  shapes.integer(serial, "serial", 1);
  shapes.integer(inc, "inc", 1);
  shapes.integer(notBefore, "not before");
  if (shapes.integer(notAfter, "not after") <= notBefore) throw new Refusal("certificate-dates", 2);
  if (revoked !== null) shapes.integer(revoked[0], "revoked inc", 1, inc);
  if (!same(desk, identity.id)) throw new Refusal("certificate-party", 2);
  return certificate;
}

/** @returns {DeskKeys} */
function readKeys([ed, ml, log, custody, kem, tls]) {
  shapes.octets(ed, "statement Ed25519", 32);
  shapes.octets(ml, "statement ML-DSA-44", 1312);
  shapes.octets(log, "log key", 32);
  shapes.octets(custody, "custody key", 32);
  shapes.octets(kem, "KEM key", 1216);
  shapes.octets(tls, "TLS fingerprint", 32);
  const purposes = new Set([...[ed, log, custody].map((key) => hex(sha256(join(SPKI_PREFIX, key)))), hex(tls)]);
  if (purposes.size !== 4) throw new Refusal("key-twice", 2);
  return { ed, ml, log, custody, kem, tls };
}

/** Refuses a certificate that is not a later one than `before` on this line. */
export function checkLater(before, later, line) {
  if (later.line !== null && !same(later.line, line)) throw new Refusal("certificate-line", 2);
  if (same(later.body, before.body)) throw new Refusal("certificate-not-later", 2);
  if (later.serial === before.serial) throw new Refusal("certificate-serial", 2, { serial: later.serial });
  const isLater = later.inc > before.inc || (later.inc === before.inc && later.serial > before.serial);
  if (!isLater) throw new Refusal("certificate-not-later", 2);
  const [old, new_] = [before.keys, later.keys].map((keys) => Object.values(keys).map(hex));
  if (later.inc === before.inc && old.join() !== new_.join()) throw new Refusal("certificate-other-keys", 2);
  if (later.inc > before.inc && new_.some((key) => old.includes(key))) throw new Refusal("certificate-old-key", 2);
}

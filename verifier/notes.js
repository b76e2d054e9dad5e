// Signed notes, checkpoints and verifier keys of C2SP (rules 9 and 23), each in its one form.

import { base64, compare, fromBase64, fromUtf8, hex, join, number, numberBytes, utf8 } from "./bytes.js";
import { encode } from "./cbor.js";
import { sha256, verifyEd25519 } from "./crypto.js";
import { Refusal } from "./refusal.js";
import { INTEGER_MAX } from "./shapes.js";

const NOTE_BYTES_MAX = 65536;
const SIGNATURES_MAX = 16;
const ED25519 = 1, COSIGNATURE = 4;
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;
const BAD_NAME = /[+\p{White_Space}]/u;

/** @typedef {{name: string, id: Uint8Array, algorithm: number, key: Uint8Array}} VerifierKey */

/** The keys with which heads of a log are signed (rules 9 and 23). @returns {{log: VerifierKey, custody: VerifierKey}} */
export function logKeys(direction, log, custody) {
  const said = ["origin", direction.line, direction.from, direction.inc, direction.peerInc];
  const origin = `watchline/1/${hex(sha256(encode(said))).slice(0, 32)}`;
  return { log: verifierKey(origin, ED25519, log), custody: verifierKey(`${origin}/custody`, COSIGNATURE, custody) };
}

function verifierKey(name, algorithm, key) {
  const id = sha256(join(utf8(`${name}\n`), Uint8Array.of(algorithm), key)).subarray(0, 4);
  return { name, id, algorithm, key };
}

/** The key as people publish it. @param {VerifierKey} verifier @returns {Uint8Array} with a newline */
export function keyText({ name, id, algorithm, key }) {
  return utf8(`${name}+${hex(id)}+${base64(join(Uint8Array.of(algorithm), key))}\n`);
}

/** The key of a witness as the terms write it; null for one of a kind that is not verified. @returns {VerifierKey | null} */
export function readWitnessKey(text) {
  const [name, id, ...rest] = text.split("+");
  const bytes = fromBase64(rest.join("+"));
  if (name === "" || bytes?.length !== 33 || bytes[0] !== COSIGNATURE) return null;
  const key = verifierKey(name, COSIGNATURE, bytes.subarray(1));
  return hex(key.id) === id ? key : null;
}

/** Names a key or a signature line such that two of one name and id have the same. */
export function signerOf({ name, id }) {
  return `${hex(id)} ${name}`;
}

/** The three lines that are signed. @returns {Uint8Array} */
export function checkpointText(origin, size, root) {
  return utf8(`${origin}\n${size}\n${base64(root)}\n`);
}

/** @returns {Uint8Array} what a custody key signs: its time and the whole checkpoint */
export function cosigned(time, text) {
  return join(utf8(`cosignature/v1\ntime ${time}\n`), text);
}

/** @returns {{text: Uint8Array, signatures: {name: string, id: Uint8Array, blob: Uint8Array}[]}} nothing is verified yet */
export function readNote(data) {
  const whole = data.length > NOTE_BYTES_MAX ? null : fromUtf8(data);
  if (whole === null || CONTROL.test(whole) || !whole.endsWith("\n")) throw refuse();
  const parting = whole.lastIndexOf("\n\n", whole.length - 3);
  const lines = whole.slice(parting + 2, -1).split("\n");
  if (parting < 0 || lines.length > SIGNATURES_MAX) throw refuse();
  return { text: utf8(whole.slice(0, parting + 1)), signatures: lines.map(readSignature) };
}

function readSignature(line) {
  const [dash, name, ...rest] = line.split(" ");
  const bytes = rest.length === 1 ? fromBase64(rest[0]) : null;
  if (dash !== "\u2014" || !name || BAD_NAME.test(name) || bytes === null || bytes.length <= 4) throw refuse();
  return { name, id: bytes.subarray(0, 4), blob: bytes.subarray(4) };
}

/** @param {Uint8Array} text of a note @returns {{origin: string, size: number, root: Uint8Array}} */
export function readCheckpoint(text) {
  const lines = fromUtf8(text).split("\n");
  if (lines.length !== 4 || lines[3] !== "" || lines[0] === "") throw refuse();
  const root = fromBase64(lines[2]);
  if (!/^(0|[1-9][0-9]{0,15})$/.test(lines[1]) || Number(lines[1]) > INTEGER_MAX || root?.length !== 32) throw refuse();
  return { origin: lines[0], size: Number(lines[1]), root };
}

/** Refuses a signature of a note that is not by this key; a cosignature begins with its time in eight bytes. */
export function checkSignature(key, text, blob) {
  const isCosignature = key.algorithm === COSIGNATURE;
  if (blob.length !== (isCosignature ? 72 : 64)) throw refuse();
  const time = number(blob.subarray(0, 8));
  if (isCosignature && time > INTEGER_MAX) throw refuse();
  const holds = isCosignature ? verifyEd25519(key.key, blob.subarray(8), cosigned(time, text)) : verifyEd25519(key.key, blob, text);
  if (!holds) throw new Refusal("ed25519", 4);
}

/** The note of a tree head: the author's signature, the receipt (null for none), witnesses by name and id. @returns {Uint8Array} */
export function headNote({ size, root, signature, receipt, cosignatures }, keys) {
  const lines = [];
  if (signature !== null) lines.push([keys.log, signature]);
  if (receipt !== null) lines.push([keys.custody, join(numberBytes(receipt.time, 8), receipt.signature)]);
  const byName = ([one], [other]) => (one.name > other.name) - (one.name < other.name) || compare(one.id, other.id);
  lines.push(...[...cosignatures].sort(byName));
  const signed = lines.map(([key, blob]) => `\u2014 ${key.name} ${base64(join(key.id, blob))}\n`);
  return join(checkpointText(keys.log.name, size, root), utf8(`\n${signed.join("")}`));
}

function refuse() {
  return new Refusal("note", 9);
}

// Statuses (rules 4 and 25) as evidence shows them: in full, with both signatures.

import { join, utf8 } from "./bytes.js";
import { decode } from "./cbor.js";
import { verifyEd25519, verifyMlDsa44 } from "./crypto.js";
import { isSameDirection } from "./entries.js";
import { Refusal } from "./refusal.js";
import * as shapes from "./shapes.js";

const PREFIX = utf8("watchline/1 statement\0");
const STATUS = 3;
const STATEMENT_BYTES_MAX = 65536;
const OPEN_LISTED_MAX = 64;

/**
 * What evidence needs of it. open: [i, kind of clock, seconds, allowed] each. watch: people, armed consoles, seconds without both.
 * @typedef {{time: number, size: number, root: Uint8Array, heldSize: number, heldRoot: Uint8Array, open: number[][],
 *   leftOut: number, watch: number[]}} Status
 */

/**
 * @param {Uint8Array} part dCBOR[signed payload, ed, ml]
 * @param {import("./entries.js").Direction} direction that of its place
 * @param {() => import("./keys.js").DeskKeys} keysOf the author's keys
 * @returns {Status}
 */
export function readStatus(part, direction, keysOf) {
  const [payload, ed, ml] = shapes.array(decode(part), "status", 3);
  shapes.octetsTo(payload, "payload", STATEMENT_BYTES_MAX);
  shapes.octetsTo(ed, "ed", 64);
  shapes.octetsTo(ml, "ml", 4096);
  return verifyStatus({ payload, ed, ml }, direction, keysOf);
}

/** What a status says that was signed; ml: null where the Ed25519 half is alone. @returns {Status} */
export function verifyStatus({ payload, ed, ml }, direction, keysOf) {
  const [type, line, from, to, inc, peerInc, ...values] = shapes.array(decode(payload), "statement");
  checkPlace([line, from, to, inc, peerInc], direction);
  const keys = keysOf();
  shapes.integer(type, "TYPE", 1, 4);
  if (ml === null && type !== STATUS) throw new Refusal("ml-dsa", 4);
  const signed = join(PREFIX, payload);
  if (!verifyEd25519(keys.ed, ed, signed)) throw new Refusal("ed25519", 4);
  if (ml !== null && !verifyMlDsa44(keys.ml, ml, signed)) throw new Refusal("ml-dsa", 4);
  if (type !== STATUS) throw new Refusal("not-status", 25);
  return readValues(values);
}

function checkPlace([line, from, to, inc, peerInc], direction) {
  const found = { line, from, to, inc, peerInc };
  const isWhole = [line, from, to].every((part) => part instanceof Uint8Array);
  if (!isWhole || !isSameDirection(found, direction)) throw new Refusal("status-place", 4);
}

function readValues(values) {
  const [time, size, root, heldSize, heldRoot, , , , , open, leftOut, , watch, nonce, echo] = shapes.array(values, "status", 15);
  for (const at of [0, 1, 3, 5, 6, 7, 8, 10, 11]) shapes.integer(values[at], "status count");
  for (const part of shapes.array(watch, "watch", 3)) shapes.integer(part, "watch");
  shapes.octets(root, "root", 32);
  shapes.octets(heldRoot, "held root", 32);
  for (const item of shapes.array(open, "open", null, OPEN_LISTED_MAX)) {
    const [index, kind, seconds, allowed] = shapes.array(item, "open item", 4);
    shapes.integer(kind, "kind of clock", 0, 1);
    for (const count of [index, seconds, allowed]) shapes.integer(count, "open item");
  }
  shapes.octets(nonce, "nonce", 16);
  shapes.optional(echo, (value) => shapes.octets(value, "echo", 16));
  return { time, size, root, heldSize, heldRoot, open, leftOut, watch };
}

// Leaves and bodies (rules 7, 8, 30, 38), and the contents that evidence puts in words (rules 24, 38).

import { hex, same } from "./bytes.js";
import { decode } from "./cbor.js";
import { hmac256 } from "./crypto.js";
import { Refusal } from "./refusal.js";
import * as shapes from "./shapes.js";

// Types of entries (rule 38).
export const CONTINUES = 0;
export const NOTICE = 1;
export const ACKNOWLEDGE = 2;
export const DECLINE = 3;
export const CANCEL = 4;
export const TERMS = 5;
export const ROSTER = 6;
export const SILENCE = 9;
export const CONFIRM = 10;
export const NUMBERED = [NOTICE, DECLINE, CANCEL];
export const HOLDING_REPLY = "holding-reply"; // promises an answer, and so is none
export const ESCALATION_REPORT = "escalation-report"; // says that there is none yet
export const TEST = "test"; // asks and answers without people
export const PRECEDENCES = ["ROUTINE", "PRIORITY", "IMMEDIATE", "FLASH"];
const TYPE_NAMES = [
  "continues", "notice", "acknowledge", "decline", "cancel", "terms", "roster", "file", "complete", "silence", "confirm",
];

// A type whose content is put in words has its reader here and is read in `LogReader.judge`; its members and its words are in
// words.js, and its row in the table of release.js where people stand behind it. Others are shown as they are.

const LEAF_BYTES_MAX = 512;
export const BODY_BYTES_MAX = 65536;

/**
 * @typedef {{line: Uint8Array, from: Uint8Array, to: Uint8Array, inc: number, peerInc: number}} Direction
 * @typedef {{direction: Direction, index: number, type: number, time: number, commitment: Uint8Array, peerSize: number,
 *   re: number | null}} Leaf
 * @typedef {[number, number, number]} Place inc, peer_inc, i, as the author of the entry names them
 * @typedef {{inc: number, peerInc: number, index: number, number: number | null, reference: Place | null}} Mark rule 30
 * @typedef {{content: Uint8Array, nonce: Uint8Array | null, assertions: any[], mark: Mark | null}} Body
 */

/** @param {number} type @returns {string} */
export function typeName(type) {
  return TYPE_NAMES[type] ?? `type ${type}`;
}

/** @param {Uint8Array} data @returns {Leaf} */
export function readLeaf(data) {
  if (data.length > LEAF_BYTES_MAX) throw new Refusal("shape", 39, { name: "leaf" });
  const parts = shapes.array(decode(data), "leaf", 13);
  shapes.integer(parts[0], "leaf version", 1, 1);
  const direction = {
    line: shapes.octets(parts[1], "LINE", 32),
    from: shapes.octets(parts[2], "from", 32),
    to: shapes.octets(parts[3], "to", 32),
    inc: shapes.integer(parts[4], "inc"),
    peerInc: shapes.integer(parts[5], "peer_inc"),
  };
  const leaf = {
    direction,
    index: shapes.integer(parts[6], "i"),
    type: shapes.integer(parts[7], "type"),
    time: shapes.integer(parts[8], "t_claim"),
    commitment: shapes.octets(parts[9], "commitment", 32),
    peerSize: shapes.integer(parts[10], "peer_size"),
    re: parts[12],
  };
  shapes.octets(parts[11], "peer_root", 32);
  shapes.optional(leaf.re, (value) => shapes.integer(value, "re"));
  return leaf;
}

/** @param {Direction} one @param {Direction} other @returns {boolean} */
export function isSameDirection(one, other) {
  const isBetween = same(one.line, other.line) && same(one.from, other.from) && same(one.to, other.to);
  return isBetween && one.inc === other.inc && one.peerInc === other.peerInc;
}

/** Refuses a body that the leaf does not commit to. @param {Leaf} leaf */
export function checkCommitment(leaf, blinding, body) {
  if (!same(hmac256(blinding, body), leaf.commitment)) throw new Refusal("commitment", 8);
}

/** @param {Uint8Array} data @returns {Body} */
export function readBody(data) {
  if (data.length > BODY_BYTES_MAX) throw new Refusal("shape", 39, { name: "body" });
  const parts = shapes.array(decode(data), "body", null, 4);
  if (parts.length < 3) throw new Refusal("shape", 39, { name: "body" });
  const [content, nonce, assertions, mark] = parts;
  return {
    content: shapes.octetsTo(content, "content", BODY_BYTES_MAX),
    nonce: shapes.optional(nonce, (value) => shapes.octets(value, "nonce", 16)),
    assertions: shapes.array(assertions, "assertions", null, 16),
    mark: parts.length === 4 ? readMark(mark) : null,
  };
}

function readMark(value) {
  const [inc, peerInc, index, number, reference] = shapes.array(value, "mark", 5);
  readPlace([inc, peerInc, index]);
  shapes.optional(number, (given) => shapes.integer(given, "number", 1));
  return { inc, peerInc, index, number, reference: shapes.optional(reference, readPlace) };
}

function readPlace(value) {
  const [inc, peerInc, index] = shapes.array(value, "place", 3);
  return [shapes.integer(inc, "inc", 1), shapes.integer(peerInc, "peer_inc", 1), shapes.integer(index, "i")];
}

/** The content of a notice; null for what is none. */
export function readNotice(content) {
  return readable(() => {
    const [form, version, precedence, exercise, language, fields] = shapes.array(decode(content), "notice", 6);
    for (const number of shapes.map(fields, "fields").keys()) shapes.integer(number, "field number");
    return {
      form: shapes.text(form, "form", 1, 64),
      version: shapes.integer(version, "version", 1),
      precedence: shapes.integer(precedence, "precedence", 0, 3),
      exercise: shapes.boolean(exercise, "exercise"),
      language: shapes.text(language, "language", 2, 35),
      fields,
    };
  });
}

/** The content of an acknowledgement or a decline; null for what is none. */
export function readResponse(content) {
  return readable(() => {
    const [type, inc, peerInc, index, commitment, language, reason] = shapes.array(decode(content), "response", 7);
    return {
      type: shapes.integer(type, "type", ACKNOWLEDGE, DECLINE),
      inc: shapes.integer(inc, "inc"),
      peerInc: shapes.integer(peerInc, "peer_inc"),
      index: shapes.integer(index, "i"),
      commitment: shapes.octets(commitment, "commitment", 32),
      language: shapes.text(language, "language", 2, 35),
      reason: shapes.optional(reason, (value) => shapes.text(value, "reason", 0, 4096)),
    };
  });
}

/** The last number of the pair before, from the content of entry 0; null where it does not say. */
export function readLastNumber(content) {
  return readable(() => shapes.integer(shapes.array(decode(content), "continues", 6)[5], "last number"));
}

/**
 * What entry 0 says of the pair before (rule 28); null for what says nothing. oldPair: the author's incarnation and its peer's.
 * @returns {{oldPair: [number, number] | null, ownSize: number, peerSize: number} | null}
 */
export function readContinues(content) {
  return readable(() => {
    const [oldPair, ownSize, ownRoot, peerSize, peerRoot, lastNumber] = shapes.array(decode(content), "continues", 6);
    shapes.optional(oldPair, (pair) => shapes.array(pair, "old pair", 2).forEach((inc) => shapes.integer(inc, "inc", 1)));
    for (const count of [ownSize, peerSize, lastNumber]) shapes.integer(count, "size or number");
    for (const root of [ownRoot, peerRoot]) shapes.optional(root, (value) => shapes.octets(value, "root", 32));
    const isFirst = oldPair === null;
    const isWhole = (ownRoot === null) === isFirst && (peerRoot === null) === isFirst;
    if (!isWhole || (isFirst && (ownSize > 0 || peerSize > 0 || lastNumber > 0))) throw new Refusal("continues", 28);
    return { oldPair, ownSize, peerSize };
  });
}

/** Whether a response of an entry of this type is about the entry with this leaf (rule 24). */
export function isAbout(response, type, leaf) {
  const { inc, peerInc } = leaf.direction;
  const isPlace = response.inc === inc && response.peerInc === peerInc && response.index === leaf.index;
  return response.type === type && isPlace && hex(response.commitment) === hex(leaf.commitment);
}

/** What `read` gives; null where it refuses. */
export function readable(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}

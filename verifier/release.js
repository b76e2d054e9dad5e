// Who stands behind an entry (rules 3, 8, 24, 30): whether the people that the terms ask for signed it.

import { decode, encode } from "./cbor.js";
import { sha256 } from "./crypto.js";
import { ACKNOWLEDGE, CANCEL, CONFIRM, DECLINE, NOTICE, readable, ROSTER, TERMS } from "./entries.js";
import { verifyIdentity } from "./keys.js";
import { checkFollows, readRoster, ROSTER_BYTES_MAX, verifyPeople } from "./persons.js";
import { Refusal } from "./refusal.js";
import * as shapes from "./shapes.js";

const PURPOSES = {
  [NOTICE]: "release",
  [CANCEL]: "cancel",
  [ACKNOWLEDGE]: "acknowledge",
  [DECLINE]: "decline",
  [ROSTER]: "roster",
  [TERMS]: "terms",
  [CONFIRM]: "incarnation",
};

/** @typedef {{released: boolean | null, signers: import("./persons.js").Signer[], roster: import("./persons.js").Roster}} Release */

/**
 * Judge one entry. released: null for types that nobody has to stand behind. roster: the one in force after it.
 * @param {{leaf: import("./entries.js").Leaf, body: import("./entries.js").Body, notice: any}} entry
 * @param {import("./entries.js").Body | null} target the body of the entry at `re`, if that was issued again
 * @param {{roster: any, identity: any, terms: any}} author the roster in force before it
 * @param {number} now
 * @returns {Release}
 */
export function judge(entry, target, author, now) {
  const { roster } = author;
  if (!(entry.leaf.type in PURPOSES)) return { released: null, signers: [], roster };
  const judged = readable(() =>
    entry.leaf.type === ROSTER ? judgeRoster(entry, author, now) : { signers: judgePeople(entry, target, author, now), roster },
  );
  return judged === null ? { released: false, signers: [], roster } : { released: true, ...judged };
}

function judgeRoster({ leaf, body }, { roster, identity }, now) {
  const [encoded, ed, ml] = shapes.array(decode(body.content), "roster change", 3);
  const proposed = readRoster(shapes.octetsTo(encoded, "roster", ROSTER_BYTES_MAX));
  checkFollows(roster, proposed);
  const { line, from } = leaf.direction;
  if (ed === null && ml === null) {
    const signed = { purpose: "roster", line, from, nonce: body.nonce, what: sha256(encoded) };
    return { signers: verifyPeople(body.assertions, roster, signed, 2, now), roster: proposed };
  }
  shapes.octets(ed, "ed", 64);
  shapes.octets(ml, "ml", 4627);
  verifyIdentity(identity, "watchline/1 roster", encode([line, encoded]), ed, ml, 4);
  return { signers: [], roster: proposed };
}

function judgePeople({ leaf, body, notice }, target, { roster, terms }, now) {
  const needed = peopleNeeded(leaf.type, notice, terms);
  const meant = referenceOf(leaf, body, target);
  if (needed === 0 && body.assertions.length === 0) return [];
  if (body.nonce === null) throw new Refusal("people", 8);
  const { line, from } = leaf.direction;
  const signed = { ...asserted(leaf.type, body, meant), line, from, nonce: body.nonce };
  return verifyPeople(body.assertions, roster, signed, needed, now);
}

function peopleNeeded(type, notice, terms) {
  if (type !== NOTICE) return type === TERMS || type === CONFIRM ? 2 : 1;
  if (notice === null) throw new Refusal("people", 8);
  return terms.unreleasedForms.includes(notice.form) ? 0 : terms.releasePeople[notice.precedence];
}

/** Where the entry that an answer or a cancel refers to stood first (rule 3); null for what refers to none. */
function referenceOf(leaf, body, target) {
  let place = null;
  if (leaf.re !== null && (leaf.type === NOTICE || leaf.type === CANCEL)) {
    const { inc, peerInc } = leaf.direction;
    place = leaf.type === CANCEL ? [inc, peerInc, leaf.re] : [peerInc, inc, leaf.re];
    if (target !== null) place = [target.mark.inc, target.mark.peerInc, target.mark.index];
  }
  if (body.mark === null) return place;
  if (place !== null && place.join() !== body.mark.reference?.join()) throw new Refusal("people", 30);
  return body.mark.reference;
}

/** @returns {{purpose: string, what: Uint8Array}} the row of the table of rule 3 */
function asserted(type, body, meant) {
  const isAnswer = type === NOTICE && meant !== null;
  if (!isAnswer && type !== CANCEL) return { purpose: PURPOSES[type], what: sha256(body.content) };
  if (meant === null) throw new Refusal("people", 8);
  return { purpose: isAnswer ? "answer" : "cancel", what: sha256(encode([...meant, body.content])) };
}

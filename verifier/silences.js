// Silence certificates (rule 33): read, and judged from what is shown with them.

import { same } from "./bytes.js";
import { decode } from "./cbor.js";
import * as entries from "./entries.js";
import { Refusal } from "./refusal.js";
import * as shapes from "./shapes.js";
import { ANSWER, LogAtHand } from "./silence_logs.js";
import { verifyStatus } from "./statuses.js";
import { secondsAllowed, secondsKnown } from "./terms.js";

const KINDS = ["unanswered", "unmanned", "contradicted", "dark", "terminal_down", "line_down"];
export const CLAIMED = ["dark", "terminal_down", "line_down"];
const REACHED = ["connected", "sent", "relayed"];
const REFUSED = ["refused", "tls"];
const DIRECT = "direct "; // how a route begins on which the peer's own host answers; what refuses on another one is a relay
const CUT_OFF = "unreachable";
const ATTEMPTS_MAX = 16;
const STATEMENT_BYTES_MAX = 65536;
const OPEN_LISTED_MAX = 64;

/**
 * The content of a certificate. clock: 0 acknowledge, 1 answer. attempts: [route, time, outcome], the oldest first.
 * @typedef {{kind: string, clock: number, inc: number, peerInc: number, index: number, commitment: Uint8Array,
 *   signed: {payload: Uint8Array, ed: Uint8Array, ml: Uint8Array | null} | null, attempts: [string, number, string][],
 *   claim: {seconds: number, received: number | null} | null}} Silence
 * @typedef {{part: string, name: any, leaf: any, silence: Silence, status: import("./statuses.js").Status | null}} Shown
 * @typedef {{kind: string, seconds: number | null, allowed: number | null, saidAllowed: number | null,
 *   saidBy: "peer" | "author", provisional: boolean}} Judgement
 */

/** Read the certificate in a body; its status is that of the other desk of this log. @returns {Shown} */
export function readShown(part, name, leaf, body, desks) {
  const silence = readSilence(entries.readBody(body).content);
  if (silence.signed === null) return { part, name, leaf, silence, status: null };
  const keys = desks.keysOf(name.recipient, name.peerInc);
  const { line, from, to, inc, peerInc } = leaf.direction;
  const direction = { line, from: to, to: from, inc: peerInc, peerInc: inc };
  return { part, name, leaf, silence, status: verifyStatus(silence.signed, direction, () => keys) };
}

/** @returns {Silence} */
function readSilence(content) {
  const parts = shapes.array(decode(content), "silence", 9);
  const [kind, clock, inc, peerInc, index, commitment, signed, attempts, claim] = parts;
  if (!KINDS.includes(shapes.text(kind, "kind of silence", 0, 32))) throw new Refusal("silence-kind", 33);
  shapes.integer(clock, "kind of clock", 0, ANSWER);
  shapes.integer(inc, "inc", 1);
  shapes.integer(peerInc, "peer_inc", 1);
  shapes.integer(index, "i");
  shapes.octets(commitment, "commitment", 32);
  const read = {
    kind, clock, inc, peerInc, index, commitment,
    signed: shapes.optional(signed, readSigned),
    attempts: shapes.array(attempts, "attempts", null, ATTEMPTS_MAX).map(readAttempt),
    claim: shapes.optional(claim, readClaim),
  };
  const isClaimed = CLAIMED.includes(kind);
  if ((read.claim !== null) !== isClaimed || (!isClaimed && read.signed === null)) throw new Refusal("silence-form", 33);
  return read;
}

function readSigned(value) {
  const [payload, ed, ml] = shapes.array(value, "status", 3);
  shapes.octetsTo(payload, "payload", STATEMENT_BYTES_MAX);
  shapes.octetsTo(ed, "ed", 64);
  shapes.optional(ml, (given) => shapes.octetsTo(given, "ml", 4096));
  return { payload, ed, ml };
}

function readAttempt(value) {
  const [route, time, outcome] = shapes.array(value, "attempt", 3);
  return [shapes.text(route, "route", 0, 300), shapes.integer(time, "time"), shapes.text(outcome, "outcome", 0, 32)];
}

function readClaim(value) {
  const [seconds, received] = shapes.array(value, "claim", 2);
  shapes.integer(seconds, "seconds");
  return { seconds, received: shapes.optional(received, (time) => shapes.integer(time, "receipt's time")) };
}

/** What a certificate's status says of a log: of its own always, of the other where that has to be seen. */
export function restedOn({ name, silence, status }, log) {
  if (status === null) return [];
  if (name.text === log.text) return [{ size: status.heldSize, root: status.heldRoot }];
  return silence.kind === "contradicted" && name.reverse === log.text ? [{ size: status.size, root: status.root }] : [];
}

/**
 * Judge every certificate; one whose claim does not follow is a fault of the part that holds it.
 * @param {Shown[]} silences @param {any[]} judged every entry
 * @returns {{shown: Shown, judgement: Judgement, notice: any}[]}
 */
export function judgeSilences(silences, judged, faults) {
  if (silences.length === 0) return [];
  const byLog = new Map();
  for (const { name } of judged) byLog.set(name.text, []);
  for (const entry of judged) byLog.get(entry.name.text).push(entry);
  const logs = new Map([...byLog].map(([text, shown]) => [text, new LogAtHand(shown)]));
  return silences.flatMap((shown) => {
    const [own, theirs] = [shown.name.text, shown.name.reverse].map((text) => logs.get(text) ?? new LogAtHand([]));
    const notice = own.entries.get(shown.silence.index);
    const judgement = faults.of(shown.part, () => new Judge(shown, notice, own, theirs).judge());
    return judgement === null ? [] : [{ shown, judgement, notice }];
  });
}

class Judge {
  constructor(shown, notice, own, theirs) {
    Object.assign(this, { shown, silence: shown.silence, status: shown.status, notice, own, theirs });
  }

  /** @returns {Judgement} what follows; refuses a certificate that says anything else */
  judge() {
    const { silence, notice } = this;
    const { inc, peerInc } = this.shown.name;
    const isBefore = silence.inc === inc && silence.peerInc === peerInc && silence.index < this.shown.leaf.index;
    const isShown = notice?.leaf.type === entries.NOTICE && same(notice.leaf.commitment, silence.commitment);
    if (!isBefore || !isShown) throw refuse("notice");
    this.allowed = notice.notice === null ? null : secondsAllowed(notice.terms, notice.notice, silence.clock);
    if (notice.notice !== null && this.allowed === null) throw refuse("no-clock");
    let missing = refuse("unproven"), proven = null;
    try {
      proven = this.prove();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      missing = error;
    }
    if (proven !== null && proven.kind !== silence.kind) throw refuse("other-kind", { kind: proven.kind });
    if (proven === null && !CLAIMED.includes(silence.kind)) throw missing;
    return proven ?? this.judgeClaim();
  }

  /** What the peer's status proves of this clock. */
  prove() {
    const { silence, status, allowed, notice } = this;
    if (status === null || status.heldSize <= silence.index) throw refuse("unproven");
    const item = this.listed();
    if (item === undefined) return this.proveOmission();
    const [, , seconds, saidAllowed] = item;
    const due = this.allowedAt(status.size);
    if (due !== null && saidAllowed !== due && notice.released) {
      if (silence.clock === ANSWER && saidAllowed <= allowed) this.checkAllShown(); // it may be of a promise that is not shown
      return this.proven("contradicted", seconds, saidAllowed);
    }
    const isOfTerms = due === null ? secondsKnown(notice.terms, silence.clock).has(saidAllowed) : saidAllowed === due;
    if (!isOfTerms || seconds < saidAllowed) throw refuse("unproven");
    this.refuseClosed(this.theirs, status.size, true);
    this.refuseClosed(this.own, status.heldSize, true);
    const [people, , alone] = status.watch; // people at a console that cannot sound are there
    const isUnmanned = people === 0 && alone >= seconds;
    return { ...this.proven(isUnmanned ? "unmanned" : "unanswered", seconds, null), allowed: saidAllowed };
  }

  /** The status leaves out a clock that both logs, shown far enough, show to be open. */
  proveOmission() {
    const { status } = this;
    if (status.leftOut > 0 && status.open.length >= OPEN_LISTED_MAX) throw refuse("unproven");
    if (this.allowed === null || !this.notice.released) throw refuse("unproven");
    this.checkAllShown();
    return this.proven("contradicted", null, null);
  }

  /** Refuses where an entry that may have ended or restarted the clock is not shown, or where one ended it. */
  checkAllShown() {
    const { silence: { index }, status, own, theirs } = this;
    const start = theirs.lastWithout(index, status.size);
    for (const [log, first, end] of [[own, index + 1, status.heldSize], [theirs, start, status.size]]) {
      this.refuseClosed(log, end, false);
      if (!log.hasAll(first, end)) throw refuse("unproven");
    }
  }

  /** The seconds of the clock once the peer's log has this size: those of the terms, until a holding reply restarts it. */
  allowedAt(size) {
    const { silence: { clock }, allowed, theirs } = this;
    if (allowed === null || clock !== ANSWER) return allowed;
    const { promise } = theirs.ends(this.notice);
    return promise !== null && promise.index < size ? Math.min(allowed, promise.seconds) : allowed;
  }

  proven(kind, seconds, saidAllowed) {
    const provisional = this.silence.signed.ml === null;
    return { kind, seconds, allowed: this.allowedAt(this.status.size), saidAllowed, saidBy: "peer", provisional };
  }

  listed() {
    return this.status.open.find(([index, clock]) => index === this.silence.index && clock === this.silence.clock);
  }

  /** Refuses where an entry below `size` closes the clock. surely: one whose content is not at hand does not count. */
  refuseClosed(log, size, surely) {
    const { surely: closed, perhaps } = log.ends(this.notice);
    const index = (surely ? closed : perhaps)[this.silence.clock];
    if (index < size) throw refuse("closed", { index }); // undefined is below nothing
  }

  /** What the author may claim where no status proves anything. */
  judgeClaim() {
    const { silence: { kind, claim, index, attempts }, status, notice } = this;
    const isStated = status !== null && status.heldSize > index;
    if (isStated && this.listed() === undefined && status.leftOut === 0) throw refuse("claim");
    const known = Math.max(this.shown.leaf.peerSize, status?.size ?? 0);
    this.refuseClosed(this.theirs, known, true);
    this.refuseClosed(this.own, this.shown.leaf.index, true);
    if (claim.received !== null && (notice.received === null || notice.received > claim.received)) throw refuse("claim");
    const allowed = this.allowedAt(known);
    if (allowed !== null && claim.seconds < allowed) throw refuse("claim");
    const follows = claimedKind(attempts, claim.received, isStated);
    if (kind !== follows) throw refuse("other-kind", { kind: follows });
    return { kind, seconds: claim.seconds, allowed, saidAllowed: null, saidBy: "author", provisional: false };
  }
}

/** Which silence an author may claim, by the newest attempt on each route and by what the peer gave since the notice. */
function claimedKind(attempts, received, isStated) {
  const newest = [...new Map(attempts.map(([route, , outcome]) => [route, outcome]))];
  if (newest.every(([, outcome]) => outcome === CUT_OFF)) return "line_down";
  if (received !== null && !isStated) return "dark";
  const isDown = ([route, outcome]) => REACHED.includes(outcome) || (REFUSED.includes(outcome) && route.startsWith(DIRECT));
  return newest.some(isDown) ? "terminal_down" : "line_down";
}

function refuse(what, facts = {}) {
  return new Refusal(`silence-${what}`, 33, facts);
}

// What the shown entries of a log do to the clocks of the notices that certificates are about (rules 7, 33). Each log is read
// once, however many certificates there are.

import * as entries from "./entries.js";

const ACKNOWLEDGE = 0;
export const ANSWER = 1;
const PROMISED_FIELD = 2; // of a holding reply: until when an answer is promised

/**
 * How each clock of a notice ended first: by the index of the entry. perhaps: also where the content that would tell is not shown.
 * @typedef {{surely: (number | undefined)[], perhaps: (number | undefined)[], promise: {index: number, seconds: number} | null}} Ends
 */

export class LogAtHand {
  /** @param {any[]} shown its entries, judged, in order of their indexes */
  constructor(shown) {
    this.entries = new Map();
    this.referring = new Map(); // by the index that they refer to
    this.indexes = [];
    this.most = []; // of the other log that any leaf up to there says to have stored
    this.endsOf = new Map();
    for (const entry of shown) {
      const { index, re, peerSize } = entry.leaf;
      this.entries.set(index, entry);
      this.indexes.push(index);
      this.most.push(Math.max(peerSize, this.most.at(-1) ?? 0));
      if (!this.referring.has(re)) this.referring.set(re, []);
      this.referring.get(re).push(entry);
    }
  }

  /** What it does to the clocks of a notice of either log. @returns {Ends} */
  ends(notice) {
    const key = `${notice.name.text} ${notice.leaf.index}`;
    if (!this.endsOf.has(key)) this.endsOf.set(key, endsBy(this.referring.get(notice.leaf.index) ?? [], notice));
    return this.endsOf.get(key);
  }

  /** The last leaf below `size` before all whose author had stored entry `index` of the other log; 0 for none. */
  lastWithout(index, size) {
    const count = Math.min(firstWhere(this.most, (most) => most > index), firstWhere(this.indexes, (at) => at >= size));
    return count === 0 ? 0 : this.indexes[count - 1];
  }

  /** Whether every leaf from one to before the other is shown. */
  hasAll(first, end) {
    return first >= end || firstWhere(this.indexes, (at) => at >= end) - firstWhere(this.indexes, (at) => at >= first) === end - first;
  }
}

/** @returns {Ends} */
function endsBy(referring, notice) {
  const ends = { surely: [], perhaps: [], promise: null };
  for (const entry of referring) {
    const closed = closes(entry, notice), { index } = entry.leaf;
    for (const clock of closed ?? [ACKNOWLEDGE, ANSWER]) ends.perhaps[clock] ??= index;
    for (const clock of closed ?? []) ends.surely[clock] ??= index;
    const seconds = closed?.length ? promisedSeconds(entry) : null;
    if (seconds !== null) ends.promise ??= { index, seconds };
  }
  return ends;
}

/** Which clocks of a notice an entry closes that refers to its index (rule 7); null where what is shown does not tell it. */
function closes({ name, leaf, body, notice, response, released }, meant) {
  const isOwn = name.text === meant.name.text;
  if (isOwn !== (leaf.type === entries.CANCEL)) return [];
  if (leaf.re >= (isOwn ? leaf.index : leaf.peerSize)) return [];
  if (body === null) return null;
  if (!released || body.assertions.length === 0) return [];
  if (leaf.type === entries.NOTICE) {
    if (notice.form === entries.ESCALATION_REPORT) return [];
    return notice.form === entries.HOLDING_REPLY ? [ACKNOWLEDGE] : [ACKNOWLEDGE, ANSWER];
  }
  if (leaf.type === entries.CANCEL) return [ACKNOWLEDGE, ANSWER];
  if (response === null) return [];
  if (!entries.isAbout(response, leaf.type, meant.leaf)) { // it may name where the notice stood first
    return meant.body === null || meant.body.mark !== null ? null : [];
  }
  return leaf.type === entries.ACKNOWLEDGE ? [ACKNOWLEDGE] : [ACKNOWLEDGE, ANSWER];
}

/** Within how many seconds of its own time a holding reply promises an answer (rule 24); null for what promises nothing. */
function promisedSeconds({ leaf, notice }) {
  if (notice?.form !== entries.HOLDING_REPLY) return null;
  const promised = notice.fields.get(PROMISED_FIELD);
  return typeof promised === "number" && promised > leaf.time ? promised - leaf.time : null;
}

/** How many values stand before the first that is so; they are in order. */
function firstWhere(values, isSo) {
  let low = 0, high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isSo(values[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}

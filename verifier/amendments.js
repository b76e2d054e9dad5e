// Which terms hold at which place of a line (rule 6), as far as the entries that amended them are shown.

const STATUS_SECONDS_MAX = 3600;
const TEST_SECONDS_MAX = 604800;
const FLASH_SECONDS_MAX = 86400;
const FLASH = 3, ACKNOWLEDGE = 0;

/**
 * A text that two people of a desk entered, and a version that came into force for whoever sees so many entries of both logs.
 * @typedef {{index: number, peerSize: number, terms: import("./terms.js").Terms}} Entered
 * @typedef {{terms: import("./terms.js").Terms, a: number, b: number}} Amendment
 * @typedef {{a: number, b: number}} Pair the incarnations of both desks
 */

export class ShownTerms {
  /** @param {import("./desks.js").Desks} desks @param {boolean} isALower whether desk a has the lower id */
  constructor(desks, isALower, logs) {
    Object.assign(this, { first: desks.terms, isALower, histories: new Map() });
    this.logs = new Map(logs.map((log) => [log.name.text, { continues: log.continues(), entered: log.entered() }]));
    this.isAmended = [...this.logs.values()].some(({ entered }) => entered.length > 0);
    const pairs = logs.map(({ name }) => pairOf(name)).sort((one, other) => one.a - other.a || one.b - other.b);
    this.pairs = this.isAmended ? pairs.filter((pair, at) => at === 0 || !isSame(pair, pairs[at - 1])) : [];
  }

  /** The terms by which the entry with this leaf is judged. */
  at(name, leaf) {
    if (!this.isAmended) return this.first;
    const places = name.author === "a" ? [leaf.index, leaf.peerSize] : [leaf.peerSize, leaf.index];
    return termsAt(this.history(pairOf(name)), ...places);
  }

  /** The terms under which the pair of this log began, and those that came into force in it, in their order. */
  versions(name) {
    if (!this.isAmended) return [this.first];
    const { base, amendments } = this.history(pairOf(name));
    return [base, ...amendments.map(({ terms }) => terms)];
  }

  /** In force at the end of the newest pair. */
  get newest() {
    if (this.pairs.length === 0) return this.first;
    const { base, amendments } = this.history(this.pairs.at(-1));
    return amendments.at(-1)?.terms ?? base;
  }

  /** What came into force, in order of pairs and versions. @returns {{pair: Pair, amendment: Amendment}[]} */
  get amendments() {
    return this.pairs.flatMap((pair) => this.history(pair).amendments.map((amendment) => ({ pair, amendment })));
  }

  history(pair) {
    const key = `${pair.a} ${pair.b}`;
    if (!this.histories.has(key)) this.histories.set(key, this.historyOf(pair));
    return this.histories.get(key);
  }

  historyOf(pair) {
    const ends = []; // from pair to pair backwards
    for (let end = this.endBefore(pair, null), later = pair; end !== null; end = this.endBefore(end.pair, end)) {
      ends.push({ later, end });
      later = end.pair;
    }
    let history = this.amended(this.first, ends.at(-1)?.end.pair ?? pair);
    for (const { later, end } of ends.reverse()) history = this.amended(termsAt(history, end.a, end.b), later);
    return history;
  }

  said(pair) {
    return [`a-${pair.a}-${pair.b}`, `b-${pair.b}-${pair.a}`].map((name) => this.logs.get(name) ?? { continues: null, entered: [] });
  }

  /** How far both desks hold the pair before this one; held: how far they hold this one, null for the last. */
  endBefore(pair, held) {
    const [a, b] = this.said(pair).map(({ continues }) => continues);
    if (held !== null && (held.a === 0 || held.b === 0 || a === null || b === null)) return null;
    const known = [];
    if (a !== null) known.push(a.oldPair && { pair: { a: a.oldPair[0], b: a.oldPair[1] }, a: a.ownSize, b: a.peerSize });
    if (b !== null) known.push(b.oldPair && { pair: { a: b.oldPair[1], b: b.oldPair[0] }, a: b.peerSize, b: b.ownSize });
    if (known.length === 0 || known.includes(null) || !isSame(known[0].pair, known.at(-1).pair)) return null;
    const before = known[0].pair;
    if (isSame(before, pair) || before.a > pair.a || before.b > pair.b) return null;
    return { pair: before, a: Math.min(...known.map((end) => end.a)), b: Math.min(...known.map((end) => end.b)) };
  }

  /** The terms of a pair that began with `base`. @returns {{base: any, amendments: Amendment[]}} */
  amended(base, pair) {
    const [a, b] = this.said(pair).map(({ entered }) => entered);
    const [low, high] = this.isALower ? [a, b] : [b, a];
    const amendments = [];
    for (let found = next(base, low, high, 0, 0); found !== null; found = next(found.terms, low, high, found.low, found.high)) {
      const [ofA, ofB] = this.isALower ? [found.low, found.high] : [found.high, found.low];
      amendments.push({ terms: found.terms, a: ofA, b: ofB });
    }
    return { base, amendments };
  }
}

function termsAt({ base, amendments }, a, b) {
  return amendments.findLast((amendment) => amendment.a <= a && amendment.b <= b)?.terms ?? base;
}

/** The version after `before`, and from which sizes of the lower id's log and of the other it holds; null for none yet. */
function next(before, low, high, lowSize, highSize) {
  const proposed = low.filter(
    ({ index, peerSize, terms }) => index >= lowSize && peerSize >= highSize && mayFollow(before, terms),
  );
  const firstAt = new Map();
  for (const { index, terms } of proposed) if (!firstAt.has(terms.digest)) firstAt.set(terms.digest, index);
  for (const { index, peerSize, terms } of high) {
    const at = firstAt.get(terms.digest);
    if (index < highSize || peerSize < lowSize || at === undefined) continue;
    if (at === proposed[0].index || at < peerSize) return { terms, low: at + 1, high: index + 1 };
  }
  return null;
}

/** Whether a text is the next version, and keeps the bounds of what it changes. */
function mayFollow(before, text) {
  const isBounded = (old, seconds, most) => seconds === old || (seconds !== null && seconds <= most);
  return (
    text.version === before.version + 1 &&
    isBounded(before.statusSeconds, text.statusSeconds, STATUS_SECONDS_MAX) &&
    isBounded(before.testSeconds, text.testSeconds, TEST_SECONDS_MAX) &&
    isBounded(before.clocks[FLASH][ACKNOWLEDGE], text.clocks[FLASH][ACKNOWLEDGE], FLASH_SECONDS_MAX)
  );
}

/** @returns {Pair} */
function pairOf({ author, inc, peerInc }) {
  return author === "a" ? { a: inc, b: peerInc } : { a: peerInc, b: inc };
}

function isSame(one, other) {
  return one.a === other.a && one.b === other.b;
}

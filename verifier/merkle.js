// The tree of RFC 9162 over a log of which some leaves are shown (docs/evidence.md, "The tree").

import { join } from "./bytes.js";
import { sha256 } from "./crypto.js";
import { Refusal } from "./refusal.js";

const LEAF = Uint8Array.of(0), NODE = Uint8Array.of(1);

/** @param {Uint8Array} leaf @returns {Uint8Array} */
export function leafHash(leaf) {
  return sha256(join(LEAF, leaf));
}

function nodeHash(left, right) {
  return sha256(join(NODE, left, right));
}

/**
 * The root at each signed size.
 * @param {Map<number, Uint8Array>} leaves hashes of the shown leaves by index, ascending
 * @param {number[]} sizes ascending, each once
 * @param {{start: number, end: number, hash: Uint8Array}[]} hidden the lines of tree.txt
 * @returns {Map<number, Uint8Array>}
 */
export function rootsOf(leaves, sizes, hidden) {
  const shown = [...leaves.keys()];
  const kept = new Map(sizes.flatMap(perfectSubtrees).map((span) => [span.join(" "), null]));
  let next = 0;

  function line(start, end) {
    const found = hidden[next];
    if (found?.start !== start || found.end !== end || found.hash.length !== 32) throw new Refusal("tree-lacks", 7, { start, end });
    next += 1;
    return found.hash;
  }

  function hash(start, end) {
    const first = below(shown, start);
    const holdsLeaf = first < shown.length && shown[first] < end;
    let found;
    if (end - start === 1) {
      found = holdsLeaf ? leaves.get(start) : line(start, end);
    } else if (holdsLeaf || cuts(sizes, start, end)) {
      const middle = start + (end - start) / 2;
      const left = hash(start, middle);
      found = nodeHash(left, hash(middle, end));
    } else {
      found = line(start, end);
    }
    if (kept.has(`${start} ${end}`)) kept.set(`${start} ${end}`, found);
    return found;
  }

  for (const [start, end] of perfectSubtrees(sizes.at(-1) ?? 0)) hash(start, end);
  if (next < hidden.length) throw new Refusal("tree-left-over", 7);
  const root = (size) => {
    const hashes = perfectSubtrees(size).map((span) => kept.get(span.join(" ")));
    return hashes.length === 0 ? sha256(new Uint8Array(0)) : hashes.reduceRight((right, left) => nodeHash(left, right));
  };
  return new Map(sizes.map((size) => [size, root(size)]));
}

/** The subtrees of which the first `size` leaves consist, the largest first. @returns {[number, number][]} */
function perfectSubtrees(size) {
  const spans = [];
  let start = 0;
  for (let width = 2 ** 52; width >= 1; width /= 2) {
    if (size - start >= width) {
      spans.push([start, start + width]);
      start += width;
    }
  }
  return spans;
}

/** Whether a signed size ends within the span. */
function cuts(sizes, start, end) {
  const at = below(sizes, start + 1);
  return at < sizes.length && sizes[at] < end;
}

/** How many of the ascending numbers are below `limit`. */
function below(numbers, limit) {
  let low = 0, high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

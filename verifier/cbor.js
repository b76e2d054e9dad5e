// The one encoding of every signed value (rule 39): deterministic CBOR (RFC 8949, section 4.2.1), and a strict subset.
// Integers are numbers, byte strings Uint8Array, maps Map; so bytes are refused, or `encode(decode(bytes))` gives them again.

import { compare, fromUtf8, join, joinAll, number, numberBytes, utf8 } from "./bytes.js";
import { Refusal } from "./refusal.js";
import { INTEGER_MAX } from "./shapes.js";

const DEPTH_MAX = 8;
const ARRAY_MAX = 4096;
const UNSIGNED = 0, NEGATIVE = 1, BYTES = 2, TEXT = 3, ARRAY = 4, MAP = 5;

/** Read one value that fills `data` exactly. @param {Uint8Array} data */
export function decode(data) {
  const reader = new Reader(data);
  const value = reader.value(0);
  if (reader.at !== data.length) throw reader.refuse();
  return value;
}

/** Give the one encoding of a value. @returns {Uint8Array} */
export function encode(value) {
  if (typeof value === "number") return value >= 0 ? head(UNSIGNED, value) : head(NEGATIVE, -1 - value);
  if (value instanceof Uint8Array) return join(head(BYTES, value.length), value);
  if (typeof value === "string") return join(head(TEXT, utf8(value).length), utf8(value));
  if (Array.isArray(value)) return joinAll([head(ARRAY, value.length), ...value.map(encode)]);
  if (value instanceof Map) {
    const items = [...value].map(([key, item]) => [encode(key), encode(item)]);
    items.sort(([one], [other]) => compare(one, other));
    return joinAll([head(MAP, items.length), ...items.flat()]);
  }
  return Uint8Array.of(value === null ? 0xf6 : value ? 0xf5 : 0xf4);
}

function head(major, count) {
  const first = major << 5;
  if (count < 24) return Uint8Array.of(first | count);
  const width = count < 0x100 ? 1 : count < 0x10000 ? 2 : count < 0x100000000 ? 4 : 8;
  return join(Uint8Array.of(first | (24 + Math.log2(width))), numberBytes(count, width));
}

class Reader {
  constructor(data) {
    this.data = data;
    this.at = 0;
  }

  refuse() {
    return new Refusal("encoding", 39, { offset: this.at });
  }

  take(length) {
    if (length > this.data.length - this.at) throw this.refuse();
    this.at += length;
    return this.data.subarray(this.at - length, this.at);
  }

  count(info) {
    if (info < 24) return info;
    if (info > 27) throw this.refuse();
    const width = 1 << (info - 24);
    const bytes = this.take(width);
    if (width === 8 && bytes[0] * 256 + bytes[1] >= 0x20) throw this.refuse();
    const count = number(bytes);
    if (count < (width === 1 ? 24 : 2 ** (4 * width))) throw this.refuse();
    return count;
  }

  value(depth) {
    const [first] = this.take(1);
    const major = first >> 5, info = first & 31;
    if (major === UNSIGNED) return this.count(info);
    if (major === NEGATIVE) {
      const count = this.count(info);
      if (count >= INTEGER_MAX) throw this.refuse();
      return -1 - count;
    }
    if (major === BYTES) return this.take(this.count(info));
    if (major === TEXT) {
      const text = fromUtf8(this.take(this.count(info)));
      if (text === null) throw this.refuse();
      return text;
    }
    if (major === ARRAY || major === MAP) {
      if (depth >= DEPTH_MAX) throw this.refuse();
      const length = this.count(info);
      if (length > ARRAY_MAX) throw this.refuse();
      return major === ARRAY ? this.array(length, depth + 1) : this.map(length, depth + 1);
    }
    if (first === 0xf6) return null;
    if (first === 0xf4 || first === 0xf5) return first === 0xf5;
    throw this.refuse();
  }

  array(length, depth) {
    const items = [];
    for (let count = 0; count < length; count += 1) items.push(this.value(depth));
    return items;
  }

  map(length, depth) {
    const items = new Map();
    let previous = new Uint8Array(0);
    for (let count = 0; count < length; count += 1) {
      const start = this.at;
      const key = this.value(depth);
      if (typeof key !== "number" && typeof key !== "string") throw this.refuse();
      const encoded = this.data.subarray(start, this.at);
      if (compare(encoded, previous) <= 0) throw this.refuse();
      previous = encoded;
      items.set(key, this.value(depth));
    }
    return items;
  }
}

// The archive in its one form (docs/evidence.md, "The file"). Every header is built again and compared; so any bytes are
// refused, or are just the archive of the parts that are read from them.

import { compare, join, joinAll, same, utf8 } from "./bytes.js";
import { Refusal } from "./refusal.js";

const PARTS_MAX = 65534;
const FILE_BYTES_MAX = 2 ** 30;
const NAME_BYTES_MAX = 200;
const NAME = /^[a-z0-9_-][a-z0-9._-]*(\/[a-z0-9_-][a-z0-9._-]*){0,7}$/;
const LOCAL_BYTES = 30;
const [LOCAL, DIRECTORY, END] = [[3, 4], [1, 2], [5, 6]].map((mark) => Uint8Array.of(0x50, 0x4b, ...mark));

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit += 1) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

/** @param {Uint8Array} data @returns {Map<string, Uint8Array>} parts in order of their names; fact `part` of a refusal says which */
export function unpack(data) {
  if (data.length > FILE_BYTES_MAX) throw refuse("", FILE_BYTES_MAX);
  const parts = new Map();
  const entries = [];
  let previous = "";
  let at = 0;
  while (same(data.subarray(at, at + 4), LOCAL)) {
    if (parts.size === PARTS_MAX) throw refuse("", at);
    const { name, content, end } = readPart(data, at);
    if (name <= previous) throw refuse(name, at);
    parts.set(name, content);
    entries.push({ at, header: data.subarray(at, end - content.length) });
    previous = name;
    at = end;
  }
  for (const name of parts.keys()) {
    if (isBelowPart(name, parts)) throw refuse(name, 0);
  }
  if (compare(data.subarray(at), directory(entries, at)) !== 0) throw refuse("", at);
  return parts;
}

function readPart(data, at) {
  if (data.length - at < LOCAL_BYTES) throw refuse("", at);
  const view = new DataView(data.buffer, data.byteOffset + at, LOCAL_BYTES);
  const size = view.getUint32(18, true);
  const start = at + LOCAL_BYTES + view.getUint16(26, true);
  if (start > data.length) throw refuse("", at);
  const encoded = data.subarray(at + LOCAL_BYTES, start);
  const name = String.fromCharCode(...encoded.subarray(0, NAME_BYTES_MAX + 1));
  if (encoded.length > NAME_BYTES_MAX || !NAME.test(name)) throw refuse("", at);
  const end = start + size;
  if (end > data.length) throw refuse(name, at);
  const content = data.subarray(start, end);
  if (!same(data.subarray(at, start), localHeader(name, content))) throw refuse(name, at);
  return { name, content, end };
}

function localHeader(name, content) {
  const size = content.length;
  // Version 1.0, no flags, stored, midnight of 1980-01-01, no extra field.
  return join(LOCAL, two(10, 0, 0, 0, 0x21), four(crc32(content), size, size), two(name.length, 0), utf8(name));
}

function directory(entries, at) {
  const listed = entries.map((entry) =>
    join(
      DIRECTORY,
      two(10),
      entry.header.subarray(4, LOCAL_BYTES),
      two(0, 0, 0),
      four(0, entry.at),
      entry.header.subarray(LOCAL_BYTES),
    ),
  );
  const all = joinAll(listed);
  return join(all, END, two(0, 0, entries.length, entries.length), four(all.length, at), two(0));
}

function isBelowPart(name, parts) {
  const words = name.split("/");
  return words.some((_, count) => count > 0 && parts.has(words.slice(0, count).join("/")));
}

function two(...values) {
  return Uint8Array.from(values.flatMap((value) => [value & 255, value >> 8]));
}

function four(...values) {
  return Uint8Array.from(values.flatMap((value) => [0, 8, 16, 24].map((shift) => (value >>> shift) & 255)));
}

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

function refuse(part, offset) {
  return new Refusal("archive", 41, { part, offset });
}

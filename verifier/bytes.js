// Byte strings: joining, comparing, and their forms as text. Each form is read in one way only.

const ENCODER = new TextEncoder();
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** @param {...Uint8Array} parts @returns {Uint8Array} */
export function join(...parts) {
  return joinAll(parts);
}

/** @param {Uint8Array[]} parts however many @returns {Uint8Array} */
export function joinAll(parts) {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** @param {Uint8Array} one @param {Uint8Array} other @returns {boolean} */
export function same(one, other) {
  return compare(one, other) === 0;
}

/** Bytewise order; what another one begins with stands before it. @returns {number} below, at or above 0 */
export function compare(one, other) {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at += 1) {
    if (one[at] !== other[at]) return one[at] - other[at];
  }
  return one.length - other.length;
}

/** @param {string} text @returns {Uint8Array} its UTF-8 */
export function utf8(text) {
  return ENCODER.encode(text);
}

/** @param {Uint8Array} bytes @returns {string | null} null for what is not UTF-8 */
export function fromUtf8(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** @param {Uint8Array} bytes @returns {string} */
export function hex(bytes) {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** @param {Uint8Array} bytes @returns {string} RFC 4648, section 4 */
export function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const three = (bytes[at] << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const left = bytes.length - at;
    text += DIGITS[three >> 18] + DIGITS[(three >> 12) & 63];
    text += left > 1 ? DIGITS[(three >> 6) & 63] : "=";
    text += left > 2 ? DIGITS[three & 63] : "=";
  }
  return text;
}

/** @param {Uint8Array} bytes @returns {string} RFC 4648, section 5, without padding */
export function base64url(bytes) {
  return base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** @param {string} text @returns {Uint8Array | null} null for anything but the one form that `base64` writes */
export function fromBase64(text) {
  if (text.length % 4 !== 0) return null;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let at = 0;
  for (let start = 0; start < text.length; start += 4) {
    let four = 0;
    for (let place = 0; place < 4; place += 1) {
      const isPadding = start + place >= text.length - padding;
      const digit = isPadding ? 0 : DIGITS.indexOf(text[start + place]);
      if (digit < 0) return null;
      four = (four << 6) | digit;
    }
    for (let shift = 16; shift >= 0 && at < bytes.length; shift -= 8) {
      bytes[at] = (four >> shift) & 255;
      at += 1;
    }
  }
  return base64(bytes) === text ? bytes : null;
}

/** @param {Uint8Array} bytes at most 8 @returns {number} big-endian; exact below 2**53 */
export function number(bytes) {
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

/** @param {number} value @param {number} width @returns {Uint8Array} big-endian */
export function numberBytes(value, width) {
  const bytes = new Uint8Array(width);
  for (let at = width - 1; at >= 0; at -= 1) {
    bytes[at] = value % 256;
    value = Math.floor(value / 256);
  }
  return bytes;
}

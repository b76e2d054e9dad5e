// Times and chosen texts as sentences hold them.

import { asciiJson } from "./json.js";

const PLAIN = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;
const YEAR_10000 = 253402300800;

/** RFC 3339 in UTC; beyond the year 9999 as plain seconds. */
export function timeText(seconds, say) {
  if (seconds >= YEAR_10000) return say.seconds(seconds);
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

/** Text that somebody chose, such that it can pretend nothing in a sentence. */
export function plain(text) {
  return PLAIN.test(text) ? text : asciiJson(text);
}

// JSON in the one form that evidence has: ", " and ": " between values, members in the order in which they are given.

/** @param {any} value null, a boolean, an integer, text, an array, a Map with text keys or a plain object @returns {string} */
export function json(value) {
  if (Array.isArray(value)) return `[${value.map(json).join(", ")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = value instanceof Map ? [...value] : Object.entries(value);
  return `{${members.map(([member, item]) => `${JSON.stringify(member)}: ${json(item)}`).join(", ")}}`;
}

/** Text as JSON in ASCII. @param {string} text @returns {string} */
export function asciiJson(text) {
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// What is thrown where foreign bytes break a rule, and how faults are gathered.

/** A rule that is broken. code: the key of its message in texts.js; rule: its number in docs/protocol.md. */
export class Refusal extends Error {
  /** @param {string} code @param {number} rule @param {Record<string, string | number>} facts */
  constructor(code, rule, facts = {}) {
    super(code);
    this.code = code;
    this.rule = rule;
    this.facts = facts;
  }
}

/** @typedef {{part: string, rule: number, code: string, facts: Record<string, string | number>}} Fault */

/** Gathers what is wrong with the parts, so that one fault does not hide the next. */
export class Faults {
  constructor() {
    /** @type {Fault[]} */
    this.found = [];
  }

  /** Notes a refusal of `part`, and gives what `read` gives, or null where it was refused. */
  of(part, read) {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.found.push({ part, rule: error.rule, code: error.code, facts: error.facts });
      return null;
    }
  }
}

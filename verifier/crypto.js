// The algorithms, all from the vendored libraries: so every browser gives the same verdict, whatever its own WebCrypto
// offers and wherever the page was opened from. Every check says true or false; none of them throws.

import { mulAddUnsafe } from "@noble/curves/abstract/curve.js";
import { edwards } from "@noble/curves/abstract/edwards.js";
import { ecdsa, weierstrass } from "@noble/curves/abstract/weierstrass.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { ml_dsa44, ml_dsa87 } from "@noble/post-quantum/ml-dsa.js";
import { hex, join, numberBytes, utf8 } from "./bytes.js";

export { sha256 };

const NOTHING = new Uint8Array(0);
const CONTEXT = { context: utf8("watchline/1") };

// RFC 8032, section 5.1.
const P25519 = 2n ** 255n - 19n;
const SQRT_OF_MINUS_1 = 19681161376707505956807079304988542015446066515923890162744021073123829784752n;
const Ed25519 = edwards(
  {
    p: P25519,
    n: 2n ** 252n + 27742317777372353535851937790883648493n,
    h: 8n,
    a: P25519 - 1n,
    d: 37095705934669439343138083508754565189542113879843219016388785533085940283555n,
    Gx: 15112221349535400772501151409588531511454012693041857206046113283949847762202n,
    Gy: 46316835694926478169428394003475163141307993866256225615783033603165251855960n,
  },
  { uvRatio },
);

// SEC 2, section 2.4.2.
const P256 = weierstrass({
  p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
  n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  h: 1n,
  a: 0xffffffff00000001000000000000000000000000fffffffffffffffffffffffcn,
  b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  Gx: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  Gy: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
});
const es256 = ecdsa(P256, sha256);

/** The square root of u / v, as section 5.1.3 has it: a third quicker than dividing first. */
function uvRatio(u, v) {
  const { Fp } = Ed25519;
  const v3 = Fp.mul(Fp.sqr(v), v);
  const power = Fp.pow(Fp.mul(u, Fp.mul(Fp.sqr(v3), v)), (P25519 - 5n) / 8n);
  const x = Fp.mul(Fp.mul(u, v3), power);
  const square = Fp.mul(v, Fp.sqr(x));
  if (Fp.eql(square, u)) return { isValid: true, value: x };
  return { isValid: Fp.eql(square, Fp.neg(u)), value: Fp.mul(x, SQRT_OF_MINUS_1) };
}

/** HMAC-SHA-256. @returns {Uint8Array} 32 bytes */
export function hmac256(key, message) {
  return hmac(sha256, key, message);
}

/** What was checked before, by the digest of all that was checked; null: nothing is remembered. */
let remembered = null;

/** Remember up to `most` checks of signatures: for one process that reads many bundles of the same lines. */
export function rememberSignatures(most) {
  remembered = { most, known: new Map() };
}

function checked(algorithm, key, signature, message, verify) {
  const attempt = () => {
    try {
      return verify();
    } catch {
      return false;
    }
  };
  if (remembered === null) return attempt();
  const lengths = join(...[key, signature].map((part) => numberBytes(part.length, 4)));
  const digest = hex(sha256(join(utf8(algorithm), lengths, key, signature, message)));
  const known = remembered.known.get(digest);
  if (known !== undefined) return known;
  if (remembered.known.size >= remembered.most) remembered.known.clear();
  const holds = attempt();
  remembered.known.set(digest, holds);
  return holds;
}

/** RFC 8032, section 5.1.7, with what rule 1 adds: neither key nor R of small order. @returns {boolean} */
export function verifyEd25519(key, signature, message) {
  if (key.length !== 32 || signature.length !== 64) return false;
  return checked("Ed25519", key, signature, message, () => {
    const encodedR = signature.subarray(0, 32);
    const s = littleEndian(signature.subarray(32));
    if (s >= Ed25519.Fn.ORDER) return false;
    const A = Ed25519.fromBytes(key, false), R = Ed25519.fromBytes(encodedR, false);
    if (A.isSmallOrder() || R.isSmallOrder()) return false;
    const k = littleEndian(sha512(join(encodedR, key, message))) % Ed25519.Fn.ORDER;
    return mulAddUnsafe(Ed25519, [Ed25519.BASE, A.negate()], [s, k]).equals(R);
  });
}

function littleEndian(bytes) {
  return BigInt(`0x${hex(Uint8Array.from(bytes).reverse())}`);
}

/** FIPS 204, ML-DSA-44 with the context `watchline/1`. @returns {boolean} */
export function verifyMlDsa44(key, signature, message) {
  return checked("ML-DSA-44", key, signature, message, () => ml_dsa44.verify(signature, message, key, CONTEXT));
}

/** FIPS 204, ML-DSA-87 with the context `watchline/1`. @returns {boolean} */
export function verifyMlDsa87(key, signature, message) {
  return checked("ML-DSA-87", key, signature, message, () => ml_dsa87.verify(signature, message, key, CONTEXT));
}

/** ECDSA with P-256 and SHA-256, r || s; either of the two s counts, as in FIPS 186-5. @returns {boolean} */
export function verifyEs256(key, signature, message) {
  return checked("ES256", key, signature, message, () => es256.verify(signature, message, key, { lowS: false, prehash: true }));
}

/** Whether these 33 bytes are a compressed point of P-256. @returns {boolean} */
export function isP256Point(key) {
  return checked("P-256", key, NOTHING, NOTHING, () => P256.fromBytes(key) !== null);
}

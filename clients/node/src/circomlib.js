// Poseidon, EdDSA and keys by circomlibjs, on BigInt instead of its internal representation.
import { buildBabyjub, buildEddsa, buildPoseidon } from "circomlibjs";

const eddsa = await buildEddsa();
const hasher = await buildPoseidon();
const curve = await buildBabyjub();

/** circomlib's Poseidon; `capacity` is the permutation's first element: 0, 1 for leaves, 2 for holders. */
export function poseidon(inputs, capacity = 0n) {
  return hasher.F.toObject(hasher(inputs, hasher.F.e(capacity)));
}

/** The public key of a secret of 32 bytes, as [x, y]. */
export function publicKey(secret) {
  return eddsa.prv2pub(secret).map((coordinate) => eddsa.F.toObject(coordinate));
}

/** An EdDSA-Poseidon signature over a field element. */
export function sign(secret, message) {
  const { R8, S } = eddsa.signPoseidon(secret, eddsa.F.e(message));
  const [r8x, r8y] = R8.map((coordinate) => eddsa.F.toObject(coordinate));
  return { r8x, r8y, s: S };
}

/** Whether a point may be a key: on the curve, of the prime subgroup and not its identity. */
export function isKey([x, y]) {
  return curve.inSubgroup([curve.F.e(x), curve.F.e(y)]) && !(x === 0n && y === 1n);
}

/** Points that no key may be: off the curve, the identity, of order 2, and of the whole curve's order. */
export const NO_KEYS = [
  [1n, 1n],
  [0n, 1n],
  [0n, curve.F.toObject(curve.F.neg(curve.F.one))],
  curve.Generator.map((coordinate) => curve.F.toObject(coordinate)),
];

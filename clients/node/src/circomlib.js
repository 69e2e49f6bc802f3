// Poseidon and EdDSA by circomlibjs, on BigInt instead of its internal representation.
import { buildEddsa, buildPoseidon } from "circomlibjs";

const eddsa = await buildEddsa();
const hasher = await buildPoseidon();

/** circomlib's Poseidon; `capacity` is the permutation's first element, 0 but for leaves. */
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

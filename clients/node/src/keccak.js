// keccak256 as the EVM has it, and the tags that keep its uses apart.
import { keccak_256 } from "@noble/hashes/sha3";

/** keccak256 of the concatenated parts. */
export function keccak256(...parts) {
  return Buffer.from(keccak_256(Buffer.concat(parts)));
}

/** keccak256("quittance.<name>.v1"). */
export function tag(name) {
  return keccak256(Buffer.from(`quittance.${name}.v1`));
}

/** The lowest 248 bits of a hash, as a number. */
export function below248(hash) {
  return BigInt("0x" + hash.subarray(1).toString("hex"));
}

// The statement of a batch, written from verifier/README.md ("Statement elements") and nothing else: which field
// elements a proof speaks about, and the public inputs (h, z, y) that stand for them.
//
// Facts are { rollupId, batchNumber, oldRoot, newRoot, fees: [{ leaf, token, amount }], transfers: [{ from, to, amount,
// fee }] }: numbers are BigInt but for batch number, indices and tokens; a transfer's amount and fee are encodings.
import { R, toBytes } from "./bytes.js";
import { below248, keccak256, tag } from "./keccak.js";

/** The rollup's id: keccak256(tag ‖ chain id, 32 bytes ‖ contract, 20 bytes) mod 2^248. */
export function rollupId(chainId, contract) {
  return below248(keccak256(tag("rollup"), toBytes(chainId), contract));
}

/** All elements for a shape { transfers, feeSlots }; those of unused slots are 0. */
export function elements(facts, shape) {
  const { fees, transfers } = facts;
  if (transfers.length > shape.transfers || fees.length > shape.feeSlots) throw new RangeError("facts do not fit");
  // 32 bits each, from the top: fees, rotations, withdrawals, transfers, openings, priority.
  const counts = (BigInt(fees.length) << 160n) | (BigInt(transfers.length) << 64n);
  const head = [facts.rollupId, BigInt(facts.batchNumber), facts.oldRoot, facts.newRoot, counts];
  return [...head, ...feeWords(fees, shape.feeSlots), ...transferWords(transfers, shape.transfers)];
}

/** The words of the slots in use: what a JSON bundle calls `pubdata`. */
export function pubdata({ fees, transfers }) {
  return [...feeWords(fees, fees.length), ...transferWords(transfers, transfers.length)];
}

function feeWords(fees, slots) {
  return Array.from({ length: slots }, (_, slot) => {
    if (slot >= fees.length) return 0n;
    const { leaf, token, amount } = fees[slot];
    return (BigInt(leaf) << 160n) | (BigInt(token) << 128n) | amount;
  });
}

function transferWords(transfers, slots) {
  const packed = (slot) => {
    if (slot >= transfers.length) return 0n;
    const { from, to, amount, fee } = transfers[slot];
    return (BigInt(from) << 88n) | (BigInt(to) << 56n) | (amount << 16n) | fee;
  };
  return Array.from({ length: Math.ceil(slots / 2) }, (_, pair) => (packed(2 * pair) << 120n) | packed(2 * pair + 1));
}

/** z = keccak256(tag ‖ key id ‖ h ‖ keccak256(elements)) mod 2^248. */
export function challenge(keyId, h, list) {
  const digest = keccak256(...list.map((element) => toBytes(element)));
  return below248(keccak256(tag("statement"), keyId, toBytes(h), digest));
}

/** y = Σ e_i · z^i mod r. */
export function evaluate(list, z) {
  return list.reduceRight((sum, element) => (sum * z + element) % R, 0n);
}

/** The public inputs [h, z, y] of a bundle under a verifying key. */
export function publicInputs(bundle, key) {
  const list = elements(bundle.facts, key.shape);
  const z = challenge(key.id, bundle.h, list);
  return [bundle.h, z, evaluate(list, z)];
}

// What is signed: Poseidon(rollup id, w0, w1) for each kind of operation, written from circuits/STATEMENT.md.
//
// An operation is { kind, from, fee, nonce, validUntil } and, by kind, `to` and `amount` (transfer, opening), `amount` and
// `address` (withdrawal), `key` and `owner` (opening, rotation). Amounts and fees are values (BigInt), those of floats exactly
// encodable; a key is [x, y], addresses are BigInt.
import { poseidon } from "./circomlib.js";
import { AMOUNT_MANTISSA, FEE_MANTISSA, encode } from "./floats.js";

/** Kinds of signed operations, with the number in the lowest byte of w0. */
export const KINDS = { transfer: 1, opening: 2, withdrawal: 3, rotation: 4 };

/** The signed message. */
export function message(rollup, operation) {
  return poseidon([rollup, ...words(operation)]);
}

/** Who a leaf belongs to, as openings and rotations sign it. */
export function holder([x, y], owner) {
  return poseidon([x, y, owner], 2n);
}

/** [w0, w1]. */
export function words(operation) {
  const { kind, from, to, fee, nonce, validUntil, key, owner, address } = operation;
  const head = [[8, KINDS[kind]], [32, from]];
  const tail = [[16, encode(fee, FEE_MANTISSA)], [32, nonce], [33, validUntil]];
  const amount = () => encode(operation.amount, AMOUNT_MANTISSA);
  switch (kind) {
    case "transfer":
      return [pack([...head, [32, to], [40, amount()], ...tail]), 0n];
    case "opening":
      return [pack([...head, [32, to], [40, amount()], ...tail]), holder(key, owner)];
    case "withdrawal":
      return [pack([...head, [128, operation.amount], ...tail]), address];
    case "rotation":
      // The place of recipient and amount stays empty.
      return [pack([...head, [72, 0], ...tail]), holder(key, owner)];
    default:
      throw new TypeError(`no kind of operation: ${kind}`);
  }
}

/** One number from fields of so many bits, the first in the lowest ones. */
function pack(fields) {
  let [word, at] = [0n, 0n];
  for (const [bits, value] of fields) {
    const number = BigInt(value);
    if (number < 0n || number >> BigInt(bits)) throw new RangeError(`${value} does not fit ${bits} bits`);
    word |= number << at;
    at += BigInt(bits);
  }
  return word;
}

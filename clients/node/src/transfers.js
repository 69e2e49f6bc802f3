// Signed transfers: the signed word, the signature, and the forms in which they travel.
//
// A transfer is { from, to, amount, fee, nonce, validUntil }: amount and fee are values (BigInt), exactly encodable.
import { fromBytes, fromHex, toBytes, toHex } from "./bytes.js";
import { poseidon, sign } from "./circomlib.js";
import { AMOUNT_MANTISSA, FEE_MANTISSA, encode } from "./floats.js";

/** Kind of operation in the lowest byte of the signed word. */
const KIND = 1n;

/** The signed message Poseidon(rollup id, w0, 0); the fields of w0 from its lowest bit up, with their first bits. */
export function message(rollup, transfer) {
  const word =
    KIND |
    (BigInt(transfer.from) << 8n) |
    (BigInt(transfer.to) << 40n) |
    (encode(transfer.amount, AMOUNT_MANTISSA) << 72n) |
    (encode(transfer.fee, FEE_MANTISSA) << 112n) |
    (BigInt(transfer.nonce) << 128n) |
    (BigInt(transfer.validUntil) << 160n);
  return poseidon([rollup, word, 0n]);
}

/** Signs a transfer; the result has the fields of the message quittance.v1.SignedTransfer. */
export function signTransfer(rollup, transfer, secret) {
  const { r8x, r8y, s } = sign(secret, message(rollup, transfer));
  return {
    from: transfer.from,
    to: transfer.to,
    amountFloat40: encode(transfer.amount, AMOUNT_MANTISSA).toString(),
    feeFloat16: Number(encode(transfer.fee, FEE_MANTISSA)),
    nonce: transfer.nonce,
    validUntil: transfer.validUntil,
    signature: { r8x: toBytes(r8x), r8y: toBytes(r8y), s: toBytes(s) },
  };
}

/** A signed transfer as `quittance sign` prints it. */
export function toJson(signed) {
  const { r8x, r8y, s } = signed.signature;
  return {
    from: signed.from,
    to: signed.to,
    amount_float40: Number(signed.amountFloat40),
    fee_float16: signed.feeFloat16,
    nonce: signed.nonce,
    valid_until: signed.validUntil,
    signature: { r8x: toHex(r8x), r8y: toHex(r8y), s: toHex(s) },
  };
}

/** Reads what `toJson` writes. */
export function fromJson(json) {
  const { r8x, r8y, s } = json.signature;
  return {
    from: json.from,
    to: json.to,
    amountFloat40: String(json.amount_float40),
    feeFloat16: json.fee_float16,
    nonce: json.nonce,
    validUntil: json.valid_until,
    signature: { r8x: fromHex(r8x, 32), r8y: fromHex(r8y, 32), s: fromHex(s, 32) },
  };
}

/** Whether two signed transfers, of whatever origin, are the same. */
export function equal(left, right) {
  const plain = (signed) => [
    signed.from,
    signed.to,
    String(signed.amountFloat40),
    signed.feeFloat16,
    signed.nonce,
    signed.validUntil,
    ...["r8x", "r8y", "s"].map((name) => String(fromBytes(signed.signature[name]))),
  ];
  return JSON.stringify(plain(left)) === JSON.stringify(plain(right));
}

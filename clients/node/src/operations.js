// Signed operations of every kind: the signature, and the forms in which they travel.
//
// A signed operation has the form of the message quittance.v1.SignedOperation: one field, named like the kind.
import { fromBytes, fromHex, toBytes, toHex } from "./bytes.js";
import { sign } from "./circomlib.js";
import { AMOUNT_MANTISSA, FEE_MANTISSA, decode, encode } from "./floats.js";
import { message } from "./messages.js";

/** A field of the messages: its name in JSON, and how its value is written there and read. */
const bytes = (length) => ({ write: toHex, read: (text) => fromHex(text, length) });
const decimal = { write: (amount) => String(fromBytes(amount)), read: (text) => toBytes(BigInt(text), 16) };
const plain = { write: (value) => value, read: (value) => value };
const SIGNATURE = { r8x: bytes(32), r8y: bytes(32), s: bytes(32) };
const HOLDER = { keyX: ["key_x", bytes(32)], keyY: ["key_y", bytes(32)], owner: ["owner", bytes(20)] };
const FLOAT_AMOUNT = { amountFloat40: ["amount_float40", { write: Number, read: String }] };
const COMMON = {
  feeFloat16: ["fee_float16", plain],
  nonce: ["nonce", plain],
  validUntil: ["valid_until", plain],
  signature: ["signature", { write: (value) => mapped(SIGNATURE, value, "write"), read: (value) => mapped(SIGNATURE, value, "read") }],
};
const FROM = { from: ["from", plain] };
const TO = { to: ["to", plain] };
const FIELDS = {
  transfer: { ...FROM, ...TO, ...FLOAT_AMOUNT, ...COMMON },
  opening: { ...FROM, ...TO, ...FLOAT_AMOUNT, ...COMMON, ...HOLDER },
  withdrawal: { ...FROM, amount: ["amount", decimal], ...COMMON, address: ["address", bytes(20)] },
  rotation: { ...FROM, ...COMMON, ...HOLDER },
};

/** Signs an operation. */
export function signOperation(rollup, operation, secret) {
  const { r8x, r8y, s } = sign(secret, message(rollup, operation));
  return withSignature(operation, { r8x: toBytes(r8x), r8y: toBytes(r8y), s: toBytes(s) });
}

/** An operation with a signature of whatever origin. */
export function withSignature(operation, signature) {
  const { kind, from, to, fee, nonce, validUntil, key, owner, address } = operation;
  const fields = { from, feeFloat16: Number(encode(fee, FEE_MANTISSA)), nonce, validUntil, signature };
  if (to !== undefined) Object.assign(fields, { to, amountFloat40: String(encode(operation.amount, AMOUNT_MANTISSA)) });
  if (key) Object.assign(fields, { keyX: toBytes(key[0]), keyY: toBytes(key[1]), owner: toBytes(owner, 20) });
  if (address !== undefined) Object.assign(fields, { amount: toBytes(operation.amount, 16), address: toBytes(address, 20) });
  return { [kind]: fields };
}

/** The kind of a signed operation. */
export function kindOf(signed) {
  return Object.keys(FIELDS).find((kind) => signed[kind]);
}

/** What was signed, as the module `messages.js` has it. */
export function operationOf(signed) {
  const kind = kindOf(signed);
  const fields = signed[kind];
  const operation = {
    kind,
    from: fields.from,
    fee: decode(fields.feeFloat16, FEE_MANTISSA),
    nonce: fields.nonce,
    validUntil: fields.validUntil,
  };
  if (kind === "transfer" || kind === "opening") {
    Object.assign(operation, { to: fields.to, amount: decode(fields.amountFloat40, AMOUNT_MANTISSA) });
  }
  if (kind === "withdrawal") {
    Object.assign(operation, { amount: fromBytes(fields.amount), address: fromBytes(fields.address) });
  }
  if (kind === "opening" || kind === "rotation") {
    Object.assign(operation, { key: [fromBytes(fields.keyX), fromBytes(fields.keyY)], owner: fromBytes(fields.owner) });
  }
  return operation;
}

/** A signed operation as JSON, as `quittance sign` prints it. */
export function toJson(signed) {
  const kind = kindOf(signed);
  const entries = Object.entries(FIELDS[kind]).map(([field, [name, { write }]]) => [name, write(signed[kind][field])]);
  return { [kind]: Object.fromEntries(entries) };
}

/** Reads what `toJson` writes. */
export function fromJson(json) {
  const kind = kindOf(json);
  const entries = Object.entries(FIELDS[kind]).map(([field, [name, { read }]]) => [field, read(json[kind][name])]);
  return { [kind]: Object.fromEntries(entries) };
}

/** Whether two signed operations, of whatever origin, are the same. */
export function equal(left, right) {
  return JSON.stringify(toJson(left)) === JSON.stringify(toJson(right));
}

function mapped(fields, values, direction) {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field[direction](values[name])]));
}

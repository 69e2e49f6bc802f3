// Writes circuits/tests/vectors/operations.json: who leaves belong to, signed operations of every kind, and the running
// hash of a priority queue, all by circomlibjs and a JavaScript keccak256. Integers are decimal, addresses and secrets
// hexadecimal without 0x.
//
//   npm ci && node vectors/make-operations.js > ../../circuits/tests/vectors/operations.json
import { createHash } from "node:crypto";
import { R, fromBytes, toBytes } from "../src/bytes.js";
import { NO_KEYS, publicKey, sign } from "../src/circomlib.js";
import { AMOUNT_MANTISSA, FEE_MANTISSA, decode, encode } from "../src/floats.js";
import { holder, message, words } from "../src/messages.js";
import { EMPTY_QUEUE, deposit, forcedExit, queueHash } from "../src/priority.js";
import { rollupId } from "../src/statement.js";

const digest = (name) => createHash("sha256").update(`quittance operations ${name}`).digest();
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const address = (name) => fromBytes(digest(name).subarray(0, 20));
const keyOf = (name) => publicKey(digest(name));

const MOST = 2 ** 32 - 1;
const LAST_ADDRESS = (1n << 160n) - 1n;
const amount = (encoding) => decode(encoding, AMOUNT_MANTISSA);
const fee = (encoding) => decode(encoding, FEE_MANTISSA);
const ordinary = { from: 3, fee: fee(25n), nonce: 5, validUntil: 1000 };
const least = { from: 0, fee: 0n, nonce: 0, validUntil: 0 };
// As large as its encoding with the smallest exponent can be.
const most = { from: MOST, fee: fee((31n << 11n) | 2047n), nonce: MOST, validUntil: MOST };
const lastAmount = amount((31n << 35n) | ((1n << 35n) - 1n));
const someone = { key: keyOf("new key"), owner: address("new owner") };
const last = { key: [R - 1n, R - 1n], owner: LAST_ADDRESS };
const nobody = { key: [0n, 0n], owner: 0n };

const operations = [
  { kind: "transfer", ...ordinary, to: 4, amount: 15_000n },
  { kind: "transfer", ...least, to: 0, amount: 0n },
  { kind: "transfer", ...most, to: MOST, amount: lastAmount },
  { kind: "opening", ...ordinary, to: 77, amount: 15_000n, ...someone },
  { kind: "opening", ...least, to: 0, amount: 0n, ...nobody },
  { kind: "opening", ...most, to: MOST, amount: lastAmount, ...last },
  { kind: "withdrawal", ...ordinary, amount: 123_456_789_012_345_678_901n, address: address("recipient") },
  { kind: "withdrawal", ...least, amount: 0n, address: 0n },
  { kind: "withdrawal", ...most, amount: (1n << 128n) - 1n, address: LAST_ADDRESS },
  { kind: "rotation", ...ordinary, ...someone },
  { kind: "rotation", ...least, ...nobody },
  { kind: "rotation", ...most, ...last },
];

function holderVector({ key, owner }) {
  return { key_x: String(key[0]), key_y: String(key[1]), owner: hex(toBytes(owner, 20)) };
}

function operationVector(operation, index) {
  const rollup = rollupId(index, Buffer.alloc(20, index));
  const secret = digest(`secret ${index}`);
  const { r8x, r8y, s } = sign(secret, message(rollup, operation));
  const [w0, w1] = words(operation);
  const { kind, from, to, nonce, validUntil, key } = operation;
  return {
    kind,
    rollup_id: String(rollup),
    from,
    ...(to === undefined ? {} : { to, amount_float40: String(encode(operation.amount, AMOUNT_MANTISSA)) }),
    ...(kind === "withdrawal" ? { amount: String(operation.amount), address: hex(toBytes(operation.address, 20)) } : {}),
    fee_float16: Number(encode(operation.fee, FEE_MANTISSA)),
    nonce,
    valid_until: validUntil,
    ...(key ? holderVector(operation) : {}),
    w0: String(w0),
    w1: String(w1),
    message: String(message(rollup, operation)),
    secret: hex(secret),
    signature: { r8x: String(r8x), r8y: String(r8y), s: String(s) },
  };
}

const requests = [
  deposit(2 ** 31, 1, 1_000n, address("depositor"), keyOf("deposited key")),
  forcedExit(2 ** 31, address("depositor")),
  deposit(0, 0, 0n, 0n, [0n, 0n]),
  forcedExit(0, 0n),
  deposit(MOST, MOST, (1n << 128n) - 1n, LAST_ADDRESS, [R - 1n, R - 1n]),
  forcedExit(MOST, LAST_ADDRESS),
  deposit(5, 1, 7n, address("depositor"), NO_KEYS[0]),
];
let hash = EMPTY_QUEUE;
const queue = requests.map((request) => {
  const { kind, leaf, token } = request;
  hash = queueHash(hash, request);
  return { kind, leaf, token, amount: String(request.amount), ...holderVector(request), hash: hex(toBytes(hash)) };
});

const holders = [someone, nobody, last].map((one) => ({ ...holderVector(one), holder: String(holder(one.key, one.owner)) }));
const produced_by =
  "clients/node/vectors/make-operations.js with npm circomlibjs 0.1.7 and @noble/hashes 1.8.0; integers are decimal";
const validKeys = [someone.key, keyOf("deposited key")];
const keys = [...validKeys.map((key) => [key, true]), ...NO_KEYS.map((key) => [key, false])].map(([[x, y], valid]) => ({
  x: String(x),
  y: String(y),
  valid,
}));
console.log(JSON.stringify({ produced_by, holders, keys, operations: operations.map(operationVector), queue }, null, 1));
process.exit(0);

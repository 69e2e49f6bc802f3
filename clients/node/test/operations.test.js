// Messages, signatures, forms and the queue's hash: against vectors where another program made them, else against themselves.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fromBytes, toBytes } from "../src/bytes.js";
import { NO_KEYS, isKey, poseidon, publicKey, sign } from "../src/circomlib.js";
import { AMOUNT_MANTISSA, FEE_MANTISSA, decode } from "../src/floats.js";
import { holder, message, words } from "../src/messages.js";
import { equal, fromJson, kindOf, operationOf, signOperation, toJson } from "../src/operations.js";
import { DEPOSIT, EMPTY_QUEUE, deposit, forcedExit, fromMessage, queueHash, requestOf, toMessage } from "../src/priority.js";
import { rollupId } from "../src/statement.js";

const vectors = JSON.parse(readFileSync(new URL("../../../circuits/tests/vectors/operations.json", import.meta.url), "utf8"));
const unhex = (text) => Buffer.from(text, "hex");
const holderOf = ({ key_x, key_y, owner }) => ({ key: [BigInt(key_x), BigInt(key_y)], owner: fromBytes(unhex(owner)) });

const someone = { key: publicKey(Buffer.alloc(32, 9)), owner: 0xabcn };
const common = { from: 3, fee: 20n, nonce: 5, validUntil: 2 ** 32 - 1 };
const EXAMPLES = [
  { kind: "transfer", ...common, to: 4, amount: 15_000n },
  { kind: "opening", ...common, to: 4, amount: 15_000n, ...someone },
  { kind: "withdrawal", ...common, amount: (1n << 128n) - 1n, address: 0xdefn },
  { kind: "rotation", ...common, ...someone },
];

test("holders and keys", () => {
  for (const vector of vectors.holders) {
    const { key, owner } = holderOf(vector);
    assert.equal(String(holder(key, owner)), vector.holder);
    // A holder is neither an inner node of three nor a leaf.
    assert.notEqual(holder(key, owner), poseidon([...key, owner]));
    assert.notEqual(holder(key, owner), poseidon([...key, owner], 1n));
  }
  for (const { x, y, valid } of vectors.keys) assert.equal(isKey([BigInt(x), BigInt(y)]), valid);
  assert.equal(vectors.keys.filter(({ valid }) => !valid).length, NO_KEYS.length);
});

test("messages and signatures of every kind", () => {
  const kinds = new Set();
  for (const vector of vectors.operations) {
    kinds.add(vector.kind);
    const operation = {
      kind: vector.kind,
      from: vector.from,
      fee: decode(vector.fee_float16, FEE_MANTISSA),
      nonce: vector.nonce,
      validUntil: vector.valid_until,
      ...(vector.to === undefined ? {} : { to: vector.to, amount: decode(vector.amount_float40, AMOUNT_MANTISSA) }),
      ...(vector.address === undefined ? {} : { amount: BigInt(vector.amount), address: fromBytes(unhex(vector.address)) }),
      ...(vector.key_x === undefined ? {} : holderOf(vector)),
    };
    assert.deepEqual(words(operation).map(String), [vector.w0, vector.w1]);
    assert.equal(String(message(BigInt(vector.rollup_id), operation)), vector.message);
    const { r8x, r8y, s } = sign(unhex(vector.secret), BigInt(vector.message));
    assert.deepEqual({ r8x, r8y, s }, Object.fromEntries(Object.entries(vector.signature).map(([name, text]) => [name, BigInt(text)])));
  }
  assert.deepEqual([...kinds], EXAMPLES.map(({ kind }) => kind));
});

test("no field of a message runs into the next", () => {
  const [transfer, , withdrawal] = EXAMPLES;
  assert.equal(words(transfer)[0] >> 160n, 2n ** 32n - 1n);
  for (const wrong of [{ from: 2 ** 32 }, { nonce: 2 ** 32 }, { validUntil: 2 ** 33 }, { from: -1 }]) {
    assert.throws(() => words({ ...transfer, ...wrong }), RangeError);
  }
  assert.throws(() => words({ ...withdrawal, amount: 1n << 128n }), RangeError);
  assert.throws(() => words({ ...transfer, kind: "deposit" }), TypeError);
});

test("signed operations keep their value on the way through messages and JSON", () => {
  const secret = Buffer.alloc(32, 7);
  const all = EXAMPLES.map((operation) => signOperation(rollupId(0, Buffer.alloc(20)), operation, secret));
  for (const [index, signed] of all.entries()) {
    assert.equal(kindOf(signed), EXAMPLES[index].kind);
    assert.deepEqual(operationOf(signed), EXAMPLES[index]);
    const again = fromJson(JSON.parse(JSON.stringify(toJson(signed))));
    assert.deepEqual(again, signed);
    assert.ok(equal(again, signed));
    const kind = kindOf(signed);
    assert.ok(!equal({ [kind]: { ...signed[kind], nonce: 6 } }, signed));
    assert.ok(all.every((other, at) => at === index || !equal(other, signed)));
  }
});

test("the queue's running hash", () => {
  let hash = EMPTY_QUEUE;
  for (const vector of vectors.queue) {
    const { kind, leaf, token, amount } = vector;
    const entry = { kind, leaf, token, amount: BigInt(amount), ...holderOf(vector) };
    const request = requestOf(entry);
    hash = queueHash(hash, request);
    assert.equal(toBytes(hash).toString("hex"), vector.hash);
    assert.equal(vector.hash.slice(0, 2), "00");
    assert.deepEqual(fromMessage(toMessage(0, request)), request);
  }
});

test("outcomes are not hashed, the order is", () => {
  const [first, second] = [deposit(8, 1, 5n, 6n, someone.key), forcedExit(8, 6n)];
  const done = { ...second, done: true, token: 1, amount: 5n };
  assert.equal(queueHash(1n, done), queueHash(1n, second));
  assert.deepEqual(requestOf(done), second);
  assert.equal(first.kind, DEPOSIT);
  const fold = (...list) => list.reduce(queueHash, EMPTY_QUEUE);
  assert.notEqual(fold(first, second), fold(second, first));
});

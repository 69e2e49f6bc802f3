// A bundle of all sections whose proof snarkjs made: the vector of vectors/make-snarkjs.js; and what must not be read.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { groth16 } from "snarkjs";
import { fromJson } from "../src/bundle-json.js";
import { fromBinary, offsets } from "../src/bundle.js";
import { toBytes } from "../src/bytes.js";
import { SECTIONS, elements, publicInputs } from "../src/statement.js";
import { parseVerifyingKey } from "../src/verifying-key.js";

const vector = JSON.parse(readFileSync(new URL("../../../verifier/tests/vectors/snarkjs.json", import.meta.url), "utf8"));
const key = parseVerifyingKey(Buffer.from(vector.verifying_key.slice(2), "hex"));
const changed = (change) => {
  const bundle = structuredClone(vector.bundle);
  change(bundle.facts, bundle);
  return JSON.stringify(bundle);
};

// snarkjs leaves its workers behind.
after(() => globalThis.curve_bn128?.terminate());

/** The binary form of a bundle, written for this test only. */
function toBinary({ keyId, facts, h, proof }) {
  const holder = ({ owner, key: [x, y] }) => [toBytes(owner, 20), toBytes(x), toBytes(y)];
  const transfer = ({ from, to, amount, fee }) => [toBytes(from, 4), toBytes(to, 4), toBytes(amount, 5), toBytes(fee, 2)];
  const { pi_a, pi_b, pi_c } = proof;
  return Buffer.concat(
    [
      [Buffer.from("QUITBNDL"), toBytes(2, 4), keyId],
      [toBytes(facts.rollupId), toBytes(facts.batchNumber, 4), toBytes(facts.oldRoot), toBytes(facts.newRoot), toBytes(facts.queue)],
      SECTIONS.map((section) => toBytes(facts[section].length, 4)),
      facts.fees.flatMap(({ leaf, token, amount }) => [toBytes(leaf, 4), toBytes(token, 4), toBytes(amount, 16)]),
      facts.priority.flatMap((entry) => [
        Buffer.from([entry.kind, entry.done ? 1 : 0]),
        ...[toBytes(entry.leaf, 4), toBytes(entry.token, 4), toBytes(entry.amount, 16), ...holder(entry)],
      ]),
      facts.openings.flatMap((entry) => [...transfer(entry), toBytes(entry.token, 4), ...holder(entry)]),
      facts.withdrawals.flatMap(({ from, token, amount, fee, address }) => [
        ...[toBytes(from, 4), toBytes(token, 4), toBytes(amount, 16), toBytes(fee, 2), toBytes(address, 20)],
      ]),
      facts.rotations.flatMap((entry) => [toBytes(entry.from, 4), toBytes(entry.fee, 2), ...holder(entry)]),
      facts.transfers.flatMap(transfer),
      [toBytes(h)],
      [...pi_a.slice(0, 2), pi_b[0][1], pi_b[0][0], pi_b[1][1], pi_b[1][0], ...pi_c.slice(0, 2)].map((number) => toBytes(number)),
    ].flat(),
  );
}

test("a proof by snarkjs over a bundle of all sections", async () => {
  const bundle = fromJson(JSON.stringify(vector.bundle));
  for (const section of SECTIONS) assert.ok(bundle.facts[section].length > 0, section);
  const { priority, openings, transfers, withdrawals, rotations, fees } = key.shape;
  const slots = 4 * priority + 4 * openings + Math.ceil(transfers / 2) + 2 * withdrawals + 4 * rotations + fees;
  assert.equal(elements(bundle.facts, key.shape).length, 6 + slots);
  const [verificationKey, signals, proof] = ["verification_key", "public", "proof"].map((name) =>
    JSON.parse(vector.files[`${name}.json`]),
  );
  assert.deepEqual(publicInputs(bundle, key).map(String), signals);
  assert.deepEqual(bundle.proof, proof);
  assert.equal(await groth16.verify(verificationKey, signals, proof), true);
});

test("both forms say the same, and a changed one says something else", () => {
  const bundle = fromJson(JSON.stringify(vector.bundle));
  const binary = toBinary(bundle);
  assert.deepEqual(fromBinary(binary), bundle);
  const inputs = publicInputs(bundle, key);
  const { facts, ...lists } = offsets(bundle.facts);
  assert.equal(binary.subarray(facts, facts + 32).toString("hex"), toBytes(bundle.facts.rollupId).toString("hex"));
  for (const [section, offset] of Object.entries(lists)) {
    const other = Buffer.from(binary);
    // The last byte of an entry's first number: a leaf, or a sender.
    other[offset + (section === "priority" ? 5 : 3)] ^= 1;
    const read = fromBinary(other);
    assert.notDeepEqual(read.facts[section], bundle.facts[section], section);
    assert.notDeepEqual(publicInputs(read, key), inputs, section);
  }
  for (const wrong of [binary.subarray(0, -1), Buffer.concat([binary, Buffer.alloc(1)])]) {
    assert.throws(() => fromBinary(wrong), RangeError);
  }
});

test("what has no meaning is not read", () => {
  for (const [what, change] of [
    ["version 1", (_, bundle) => (bundle.version = 1)],
    ["a queue's hash of 256 bits", (facts) => (facts.queue = facts.queue.replace("0x00", "0x01"))],
    ["no section", (facts) => delete facts.openings],
    ["another section", (facts) => (facts.deposits = [])],
    ["pubdata of another recipient", (facts) => (facts.transfers[0].to = 5)],
    ["pubdata of another outcome", (facts) => (facts.priority[0].deposit.done = false)],
    ["a payment that was not made", (facts) => (facts.priority[1].forced_exit.done = false)],
    ["no outcome", (facts) => delete facts.priority[0].deposit.done],
    ["a key of 33 bytes", (facts) => (facts.rotations[0].key.x = `0x${"00".repeat(33)}`)],
    ["a coordinate that is no field element", (facts) => (facts.openings[0].key.y = `0x${"f".repeat(64)}`)],
  ]) {
    assert.throws(() => fromJson(changed(change)), what);
  }
  assert.throws(() => fromBinary(Buffer.from(`QUITBNDL${"\0".repeat(400)}`, "latin1")), SyntaxError);
});

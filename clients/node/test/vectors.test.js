// The modules against vectors that other programs made: the statement by a Python program, the tree by another script.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fromBinary } from "../src/bundle.js";
import { fromBytes, fromHex, toBytes, toHex } from "../src/bytes.js";
import { AMOUNT_MANTISSA, FEE_MANTISSA, decode, encode, parse } from "../src/floats.js";
import { tag } from "../src/keccak.js";
import { State, leafHash, rootOfPath } from "../src/state.js";
import { elements, publicInputs, rollupId } from "../src/statement.js";
import { parseVerifyingKey } from "../src/verifying-key.js";

const read = (path) => JSON.parse(readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8"));
const unhex = (text) => Buffer.from(text.slice(2), "hex");

test("statements, keys and bundles", () => {
  const { tags, rollup_ids, cases } = read("verifier/tests/vectors/statement.json");
  for (const [name, value] of Object.entries(tags)) assert.equal(toHex(tag(name)), value);
  for (const { chain_id, contract, rollup_id } of rollup_ids) {
    // The greatest chain id is above 2^53: JSON.parse rounds it up to 2^64.
    const id = BigInt(chain_id) === 1n << 64n ? (1n << 64n) - 1n : BigInt(chain_id);
    assert.equal(toHex(toBytes(rollupId(id, unhex(contract)))), rollup_id);
  }
  assert.ok(cases.length >= 7);
  for (const vector of cases) {
    const key = parseVerifyingKey(unhex(vector.verifying_key));
    assert.equal(toHex(key.id), vector.key_id, vector.name);
    const bundle = fromBinary(unhex(vector.bundle));
    assert.equal(toHex(bundle.keyId), vector.key_id);
    assert.deepEqual(
      elements(bundle.facts, key.shape).map((element) => toHex(toBytes(element))),
      vector.elements,
      vector.name,
    );
    assert.deepEqual(
      publicInputs(bundle, key).map((input) => toHex(toBytes(input))),
      [vector.h, vector.z, vector.y],
      vector.name,
    );
  }
});

test("leaves, tree and paths", () => {
  const { levels, empty_roots, accounts, root, path } = read("circuits/tests/vectors/state.json");
  const list = [];
  for (const account of accounts) {
    const value = {
      key: [BigInt(account.ax), BigInt(account.ay)],
      balance: BigInt(account.balance),
      nonce: account.nonce,
      token: account.token,
      owner: fromBytes(Buffer.from(account.owner, "hex")),
    };
    assert.equal(String(leafHash(value)), account.leaf);
    list.push([account.index, value]);
  }
  const state = new State([], levels);
  assert.deepEqual(state.empty.map(String), empty_roots);
  for (const [index, value] of list) {
    state.set(index, value);
  }
  assert.equal(String(state.root()), root);
  const leaf = BigInt(accounts.find(({ index }) => index === path.index).leaf);
  const siblings = path.siblings.map((level) => level.map(BigInt));
  assert.equal(String(rootOfPath(leaf, path.index, siblings)), root);
});

test("floats", () => {
  for (const [value, bits, encoding] of [
    [0n, AMOUNT_MANTISSA, 0n],
    [1500n, AMOUNT_MANTISSA, 1500n],
    [(1n << 35n) - 1n, AMOUNT_MANTISSA, (1n << 35n) - 1n],
    [1_234_567_890_000_000n, AMOUNT_MANTISSA, (5n << 35n) | 12_345_678_900n],
    [2047n, FEE_MANTISSA, 2047n],
    [2050n, FEE_MANTISSA, (1n << 11n) | 205n],
    [20_400n, FEE_MANTISSA, (1n << 11n) | 2040n],
  ]) {
    assert.equal(encode(value, bits), encoding);
    assert.equal(decode(encoding, bits), value);
  }
  // More digits than the mantissa holds, more powers of ten than the exponent does.
  for (const value of [2049n, 20_481n, 2048n * 10n ** 32n]) assert.throws(() => encode(value, FEE_MANTISSA), RangeError);
  assert.equal(parse("25e3", FEE_MANTISSA), (3n << 11n) | 25n);
  for (const text of ["25", "025e3", "25e32", "2048e0", "-1e0", "25e03"]) {
    assert.throws(() => parse(text, FEE_MANTISSA), SyntaxError, text);
  }
});

test("hexadecimal has one spelling", () => {
  for (const text of ["0x0", "0X00", "00", "0xAB", "0x00 "]) assert.throws(() => fromHex(text, 1), SyntaxError);
});

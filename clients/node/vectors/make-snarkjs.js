// Writes verifier/tests/vectors/snarkjs.json: a key, a proof and public inputs as snarkjs itself writes them, for a toy
// circuit with three public inputs, and the same as this project's verifying key and JSON bundle.
//
//   npm ci && node vectors/make-snarkjs.js > ../../verifier/tests/vectors/snarkjs.json
//
// The setup is random, so each run gives other numbers.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as snarkjs from "snarkjs";
import { VERSION } from "../src/bundle.js";
import { R, toBytes, toHex } from "../src/bytes.js";
import { publicKey } from "../src/circomlib.js";
import { keccak256, tag } from "../src/keccak.js";
import { EMPTY_QUEUE, deposit, forcedExit, queueHash } from "../src/priority.js";
import { SECTIONS, pubdata, publicInputs, rollupId } from "../src/statement.js";

const folder = mkdtempSync(join(tmpdir(), "make-snarkjs-"));
const file = (name) => join(folder, name);
const entropy = () => randomBytes(32).toString("hex");

const u32 = (value) => toBytes(value, 4).reverse();
const u64 = (value) => toBytes(value, 8).reverse();
const field = (value) => toBytes(value).reverse();

/** A container of iden3's binary formats: magic, version, sections with type and length. */
function container(magic, version, sections) {
  const parts = sections.map(([type, bytes]) => Buffer.concat([u32(type), u64(bytes.length), bytes]));
  return Buffer.concat([Buffer.from(magic), u32(version), u32(sections.length), ...parts]);
}

// Wires: 1, h, z, y, a = h·z, b = (a + 1)·y.
const [ONE, H, Z, Y, A, B] = [0, 1, 2, 3, 4, 5];
const constraints = [
  [[H], [Z], [A]],
  [[A, ONE], [Y], [B]],
];

function r1cs() {
  const wires = 6;
  const header = [u32(32), field(R), u32(wires), u32(0), u32(3), u32(2), u64(wires), u32(constraints.length)];
  const combination = (terms) => Buffer.concat([u32(terms.length), ...terms.map((wire) => Buffer.concat([u32(wire), field(1)]))]);
  return container("r1cs", 1, [
    [1, Buffer.concat(header)],
    [2, Buffer.concat(constraints.flat().map(combination))],
    [3, Buffer.concat(Array.from({ length: wires }, (_, wire) => u64(wire)))],
  ]);
}

function witness([h, z, y]) {
  const a = (h * z) % R;
  const values = [1n, h, z, y, a, ((a + 1n) * y) % R];
  return container("wtns", 2, [
    [1, Buffer.concat([u32(32), field(R), u32(values.length)])],
    [2, Buffer.concat(values.map(field))],
  ]);
}

/** A setup by snarkjs: powers of tau with one contribution, phase 2 with one. */
async function setup() {
  const curve = await snarkjs.curves.getCurveFromName("bn128");
  await snarkjs.powersOfTau.newAccumulator(curve, 4, file("0.ptau"));
  await snarkjs.powersOfTau.contribute(file("0.ptau"), file("1.ptau"), "vector", entropy());
  await snarkjs.powersOfTau.preparePhase2(file("1.ptau"), file("2.ptau"));
  writeFileSync(file("circuit.r1cs"), r1cs());
  await snarkjs.zKey.newZKey(file("circuit.r1cs"), file("2.ptau"), file("0.zkey"));
  await snarkjs.zKey.contribute(file("0.zkey"), file("1.zkey"), "vector", entropy());
  return snarkjs.zKey.exportVerificationKey(file("1.zkey"));
}

const words = (numbers) => Buffer.concat(numbers.map((number) => toBytes(number)));
const g1 = ([x, y]) => words([x, y]);
const g2 = ([x, y]) => words([x[1], x[0], y[1], y[0]]);

/** The same key in this project's encoding, as one of shape p2o1t2w1r1f1 that came from a ceremony. */
function verifyingKey(vk) {
  return Buffer.concat([
    tag("verifying-key"),
    words([2, 16, ...SECTIONS.map((section) => SHAPE[section])]),
    g1(vk.vk_alpha_1),
    ...[vk.vk_beta_2, vk.vk_gamma_2, vk.vk_delta_2].map(g2),
    ...vk.IC.map(g1),
  ]);
}

const SHAPE = { priority: 2, openings: 1, transfers: 2, withdrawals: 1, rotations: 1, fees: 1 };
const [owner, key] = [0xabcdn, publicKey(Buffer.alloc(32, 1))];
const facts = {
  rollupId: rollupId(0, Buffer.alloc(20)),
  batchNumber: 7,
  oldRoot: 123456789n,
  newRoot: R - 1n,
  queue: queueHash(EMPTY_QUEUE, forcedExit(1, owner)),
  fees: [{ leaf: 5, token: 1, amount: 60n }],
  priority: [
    { ...deposit(2 ** 31, 1, 1n << 100n, owner, key), done: true },
    { ...forcedExit(9, owner), done: true, token: 3, amount: 44n },
  ],
  openings: [{ from: 1, to: 77, amount: 1200n, fee: 10n, token: 1, owner, key }],
  transfers: [
    { from: 1, to: 2, amount: 1500n, fee: 10n },
    { from: 2, to: 1, amount: (3n << 35n) | 25n, fee: 20n },
  ],
  withdrawals: [{ from: 2, token: 1, amount: 1n << 90n, fee: 10n, address: owner }],
  rotations: [{ from: 1, fee: 10n, owner, key }],
};

const hex = (value) => toHex(toBytes(value));
const address = toHex(toBytes(owner, 20));
const holder = { owner: address, key: { x: hex(key[0]), y: hex(key[1]) } };

/** The facts as a JSON bundle has them. */
const document = {
  rollup_id: hex(facts.rollupId),
  batch_number: 7,
  old_root: hex(facts.oldRoot),
  new_root: hex(facts.newRoot),
  queue: hex(facts.queue),
  fees: [{ leaf: 5, token: 1, amount: "60" }],
  priority: [
    { deposit: { leaf: 2 ** 31, token: 1, amount: String(1n << 100n), ...holder, done: true } },
    { forced_exit: { leaf: 9, caller: address, done: true, token: 3, amount: "44" } },
  ],
  openings: [{ from: 1, to: 77, amount: "1200e0", fee: "10e0", token: 1, ...holder }],
  withdrawals: [{ from: 2, token: 1, amount: String(1n << 90n), fee: "10e0", address }],
  rotations: [{ from: 1, fee: "10e0", ...holder }],
  transfers: [
    { from: 1, to: 2, amount: "1500e0", fee: "10e0" },
    { from: 2, to: 1, amount: "25e3", fee: "20e0" },
  ],
};

function bundle(keyId, h, proof) {
  const point = ([x, y]) => ({ x: hex(x), y: hex(y) });
  const [x, y] = proof.pi_b;
  return {
    format: "quittance-bundle",
    version: VERSION,
    key_id: toHex(keyId),
    facts: document,
    pubdata: pubdata(facts).map(hex),
    h: hex(h),
    proof: {
      a: point(proof.pi_a),
      b: { x_c1: hex(x[1]), x_c0: hex(x[0]), y_c1: hex(y[1]), y_c0: hex(y[0]) },
      c: point(proof.pi_c),
    },
  };
}

const vk = await setup();
const encodedKey = verifyingKey(vk);
const keyId = keccak256(encodedKey);
const h = BigInt("0x" + entropy()) % R;
const inputs = publicInputs({ facts, h }, { id: keyId, shape: SHAPE });
writeFileSync(file("witness.wtns"), witness(inputs));
const { proof, publicSignals } = await snarkjs.groth16.prove(file("1.zkey"), file("witness.wtns"));
if (!(await snarkjs.groth16.verify(vk, publicSignals, proof))) throw new Error("snarkjs refuses its own proof");

// As the command snarkjs writes its files.
const text = (value) => JSON.stringify(value, null, 1);
const vector = {
  about: "made by clients/node/vectors/make-snarkjs.js: setup and proof by npm snarkjs 0.7.6, a toy circuit",
  verifying_key: toHex(encodedKey),
  bundle: bundle(keyId, h, proof),
  files: { "verification_key.json": text(vk), "public.json": text(publicSignals), "proof.json": text(proof) },
};
rmSync(folder, { recursive: true });
console.log(JSON.stringify(vector, null, 1));
process.exit(0);

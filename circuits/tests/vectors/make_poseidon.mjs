// Writes poseidon.json: digests of circomlib's constants, and hashes by circomlibjs' reference implementation.
//
//   npm i circomlibjs@0.1.7 && node make_poseidon.mjs > poseidon.json
//
// A digest is keccak-256 over the round constants of width t, then its matrix row by row, each as 32 big-endian bytes.
import { readFile } from "node:fs/promises";
import { buildPoseidonReference } from "circomlibjs";
import { ethers } from "ethers";

const file = new URL("./src/poseidon_constants.json", import.meta.resolve("circomlibjs"));
const { C, M } = JSON.parse(await readFile(file, "utf8"));
const word = (number) => BigInt(number).toString(16).padStart(64, "0");
const constants = C.map((round_constants, i) => ({
  t: i + 2,
  count: round_constants.length,
  keccak: ethers.utils.keccak256("0x" + [...round_constants, ...M[i].flat()].map(word).join("")),
}));

const poseidon = await buildPoseidonReference();
const { F } = poseidon;
const r = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
const hashes = [];
for (let n = 1; n <= 16; n++) {
  const small = Array.from({ length: n }, (_, i) => BigInt(i + 1));
  const large = small.map((i) => r - i);
  for (const [inputs, capacity] of [[small, 0n], [small, 1n], [large, r - 1n]]) {
    const state = poseidon(inputs, capacity, n + 1).map((x) => F.toObject(x).toString());
    hashes.push({ capacity: capacity.toString(), inputs: inputs.map(String), state });
  }
}
const produced_by = "make_poseidon.mjs with npm circomlibjs 0.1.7: poseidon_constants.json and buildPoseidonReference; "
  + "integers are decimal; state is the whole output of the permutation";
console.log(JSON.stringify({ produced_by, constants, hashes }, null, 1));
process.exit(0);

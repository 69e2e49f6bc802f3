// Writes state.json: leaves, roots, an authentication path and statement hashes, computed with circomlibjs' Poseidon
// and nothing of this workspace.
//
//   npm i circomlibjs@0.1.7 && node make_state.mjs > state.json
import { createHash } from "node:crypto";
import { buildEddsa, buildPoseidonReference } from "circomlibjs";

const eddsa = await buildEddsa();
const poseidon = await buildPoseidonReference();
const hash = (inputs, capacity = 0n) => poseidon.F.toObject(poseidon(inputs, capacity));
const sha = (text) => createHash("sha256").update(text).digest();
const r = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
const LEVELS = 16;

const empty = [0n];
for (let level = 1; level <= LEVELS; level++) empty.push(hash(Array(4).fill(empty[level - 1])));

const accounts = [
  [0, 0n, 0, 0],
  [1, 1n, 4294967295, 4294967295],
  [3, (1n << 128n) - 1n, 7, 1],
  [6, 123456789012345678901234567890n, 1, 2],
  [65535, 10n ** 18n, 0, 0],
  [2147483648, 5n, 2, 3],
  [4294967295, (1n << 127n) + 1n, 4294967295, 0],
].map(([index, balance, nonce, token]) => {
  const secret = sha(`quittance account ${index}`);
  const [ax, ay] = eddsa.prv2pub(secret).map((x) => eddsa.F.toObject(x));
  const owner = sha(`quittance owner ${index}`).subarray(0, 20);
  const packed = (balance << 64n) | (BigInt(nonce) << 32n) | BigInt(token);
  const leaf = hash([ax, ay, packed, BigInt("0x" + owner.toString("hex"))], 1n);
  return { index, secret, ax, ay, balance, nonce, token, owner, packed, leaf };
});

let nodes = new Map(accounts.map(({ index, leaf }) => [index, leaf]));
const PATH_INDEX = 6;
const path = [];
for (let level = 0; level < LEVELS; level++) {
  const child = (index) => nodes.get(index) ?? empty[level];
  const own = Math.floor(PATH_INDEX / 4 ** level);
  const first = own - (own % 4);
  path.push([0, 1, 2, 3].map((i) => first + i).filter((i) => i !== own).map((i) => child(i).toString()));
  const parents = new Set([...nodes.keys()].map((index) => Math.floor(index / 4)));
  nodes = new Map([...parents].map((p) => [p, hash([0, 1, 2, 3].map((i) => child(4 * p + i)))]));
}

const statement = (elements) => {
  let state = [BigInt(elements.length), ...Array(16).fill(0n)];
  for (let at = 0; at < elements.length; at += 16) {
    elements.slice(at, at + 16).forEach((e, i) => (state[1 + i] = (state[1 + i] + e) % r));
    state = poseidon(state.slice(1), state[0], 17).map((x) => poseidon.F.toObject(x));
  }
  return state[1];
};

const text = (value) => JSON.parse(JSON.stringify(value, (_, v) => (typeof v === "bigint" ? v.toString() : v)));
console.log(
  JSON.stringify(
    text({
      produced_by: "make_state.mjs with npm circomlibjs 0.1.7; field elements and balances are decimal",
      levels: LEVELS,
      empty_roots: empty,
      accounts: accounts.map((a) => ({ ...a, secret: a.secret.toString("hex"), owner: a.owner.toString("hex") })),
      root: nodes.get(0),
      path: { index: PATH_INDEX, siblings: path },
      statements: [1, 6, 15, 16, 17, 32, 133].map((m) => {
        const elements = Array.from({ length: m }, (_, i) => r - 1n - BigInt(i * i));
        return { m, hash: statement(elements) };
      }),
    }),
    null,
    1,
  ),
);
process.exit(0);

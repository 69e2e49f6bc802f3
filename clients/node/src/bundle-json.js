// Proof bundles as JSON, see verifier/README.md: the value that bundle.js reads from the binary form.
import { VERSION, checkedPriority, checkedQueue } from "./bundle.js";
import { Q, R, fieldElement, fromBytes, fromHex, toBytes, toHex } from "./bytes.js";
import { AMOUNT_MANTISSA, FEE_MANTISSA, parse } from "./floats.js";
import { DEPOSIT, FORCED_EXIT } from "./priority.js";
import { SECTIONS, pubdata } from "./statement.js";

const element = (hex, modulus = R) => fieldElement(fromHex(hex, 32), modulus);
const amount = (text) => parse(text, AMOUNT_MANTISSA);
const fee = (text) => parse(text, FEE_MANTISSA);
const address = (hex) => fromBytes(fromHex(hex, 20));
const point = ({ x, y }) => [element(x), element(y)];

/** The entries of each section. */
const ENTRIES = {
  fees: (entry) => ({ leaf: entry.leaf, token: entry.token, amount: BigInt(entry.amount) }),
  priority: readPriority,
  openings: (entry) => ({ ...readTransfer(entry), token: entry.token, ...readHolder(entry) }),
  withdrawals: (entry) => ({
    from: entry.from,
    token: entry.token,
    amount: BigInt(entry.amount),
    fee: fee(entry.fee),
    address: address(entry.address),
  }),
  rotations: (entry) => ({ from: entry.from, fee: fee(entry.fee), ...readHolder(entry) }),
  transfers: readTransfer,
};

/** Reads a JSON bundle and checks that its pubdata is what follows from its facts. */
export function fromJson(text) {
  const document = JSON.parse(text);
  if (document.format !== "quittance-bundle" || document.version !== VERSION) throw new SyntaxError("not a bundle");
  const { rollup_id, batch_number, old_root, new_root, queue, ...lists } = document.facts;
  const facts = {
    rollupId: fromBytes(fromHex(rollup_id, 32)),
    batchNumber: batch_number,
    oldRoot: element(old_root),
    newRoot: element(new_root),
    queue: checkedQueue(fromHex(queue, 32)),
  };
  if (Object.keys(lists).sort().join() !== [...SECTIONS].sort().join()) throw new SyntaxError("other sections");
  for (const [section, read] of Object.entries(ENTRIES)) facts[section] = lists[section].map(read);
  const words = pubdata(facts).map((word) => toHex(toBytes(word)));
  if (JSON.stringify(words) !== JSON.stringify(document.pubdata)) throw new RangeError("pubdata is not the facts'");
  return { keyId: fromHex(document.key_id, 32), facts, h: element(document.h), proof: readProof(document.proof) };
}

function readTransfer(entry) {
  return { from: entry.from, to: entry.to, amount: amount(entry.amount), fee: fee(entry.fee) };
}

function readHolder({ owner, key }) {
  return { owner: address(owner), key: point(key) };
}

function readPriority({ deposit, forced_exit: exit }) {
  const { leaf, token, done } = deposit ?? exit;
  if (typeof done !== "boolean") throw new SyntaxError("no flag");
  const sum = BigInt((deposit ?? exit).amount);
  const [kind, holder] = deposit
    ? [DEPOSIT, readHolder(deposit)]
    : [FORCED_EXIT, { owner: address(exit.caller), key: [0n, 0n] }];
  return checkedPriority({ kind, done, leaf, token, amount: sum, ...holder });
}

function readProof({ a, b, c }) {
  const coordinate = (hex) => String(element(hex, Q));
  return {
    pi_a: [coordinate(a.x), coordinate(a.y), "1"],
    pi_b: [[coordinate(b.x_c0), coordinate(b.x_c1)], [coordinate(b.y_c0), coordinate(b.y_c1)], ["1", "0"]],
    pi_c: [coordinate(c.x), coordinate(c.y), "1"],
    protocol: "groth16",
    curve: "bn128",
  };
}

// Proof bundles in binary form, see verifier/README.md: { keyId, facts, h, proof }, with the facts as statement.js has
// them and the proof as snarkjs writes it.
import { R, Reader, fromBytes } from "./bytes.js";
import { DEPOSIT, FORCED_EXIT } from "./priority.js";
import { SECTIONS } from "./statement.js";
import { g1, g2 } from "./verifying-key.js";

/** Version of both forms, binary and JSON. */
export const VERSION = 2;

/** How the lists follow each other in binary facts, with the bytes of an entry and its reader. */
const LISTS = {
  fees: { bytes: 24, read: (reader) => ({ leaf: reader.number(4), token: reader.number(4), amount: reader.big(16) }) },
  priority: { bytes: 110, read: readPriority },
  openings: {
    bytes: 103,
    read: (reader) => ({ ...readTransfer(reader), token: reader.number(4), ...readHolder(reader) }),
  },
  withdrawals: {
    bytes: 46,
    read: (reader) => ({
      from: reader.number(4),
      token: reader.number(4),
      amount: reader.big(16),
      fee: reader.big(2),
      address: reader.big(20),
    }),
  },
  rotations: { bytes: 90, read: (reader) => ({ from: reader.number(4), fee: reader.big(2), ...readHolder(reader) }) },
  transfers: { bytes: 15, read: readTransfer },
};

/** Where the facts begin in a bundle: after magic, version and key id. */
const FACTS = 8 + 4 + 32;
/** Bytes of the facts before their lists. */
const HEAD = 32 + 4 + 32 + 32 + 32 + 4 * SECTIONS.length;

/** Reads a binary bundle. */
export function fromBinary(bytes) {
  const reader = new Reader(bytes);
  if (reader.take(8).toString("latin1") !== "QUITBNDL") throw new SyntaxError("not a bundle");
  if (reader.number(4) !== VERSION) throw new SyntaxError("a bundle of another version");
  const keyId = reader.take(32);
  const facts = {
    rollupId: reader.big(32),
    batchNumber: reader.number(4),
    oldRoot: reader.element(R),
    newRoot: reader.element(R),
    queue: checkedQueue(reader.take(32)),
  };
  const counts = Object.fromEntries(SECTIONS.map((section) => [section, reader.number(4)]));
  for (const [section, { read }] of Object.entries(LISTS)) {
    facts[section] = Array.from({ length: counts[section] }, () => read(reader));
  }
  const h = reader.element(R);
  const proof = { pi_a: g1(reader), pi_b: g2(reader), pi_c: g1(reader), protocol: "groth16", curve: "bn128" };
  reader.finish();
  return { keyId, facts, h, proof };
}

/** Offsets in a binary bundle: where the facts begin, and each of their lists. */
export function offsets(facts) {
  let at = FACTS + HEAD;
  const lists = Object.entries(LISTS).map(([section, { bytes }]) => {
    const start = at;
    at += bytes * facts[section].length;
    return [section, start];
  });
  return { facts: FACTS, ...Object.fromEntries(lists) };
}

/** The queue's hash is below 2^248. */
export function checkedQueue(bytes) {
  if (bytes[0] !== 0) throw new RangeError("not a queue's hash");
  return fromBytes(bytes);
}

function readTransfer(reader) {
  return { from: reader.number(4), to: reader.number(4), amount: reader.big(5), fee: reader.big(2) };
}

function readHolder(reader) {
  return { owner: reader.big(20), key: [reader.element(R), reader.element(R)] };
}

function readPriority(reader) {
  const [kind, done] = [reader.number(1), reader.number(1)];
  const [leaf, token, amount] = [reader.number(4), reader.number(4), reader.big(16)];
  return checkedPriority({ kind, done: flag(done), leaf, token, amount, ...readHolder(reader) });
}

function flag(byte) {
  if (byte > 1) throw new RangeError(`${byte} is no flag`);
  return byte === 1;
}

/** A forced exit has no key, and no payment unless it is done. */
export function checkedPriority(entry) {
  const { kind, done, token, amount, key } = entry;
  if (kind !== DEPOSIT && kind !== FORCED_EXIT) throw new RangeError(`${kind} is no kind of priority operation`);
  const nothing = key[0] === 0n && key[1] === 0n && (done || (token === 0 && amount === 0n));
  if (kind === FORCED_EXIT && !nothing) throw new RangeError("a forced exit with more than one spelling");
  return entry;
}

// The statement of a batch, written from verifier/README.md ("Statement elements") and nothing else: which field
// elements a proof speaks about, and the public inputs (h, z, y) that stand for them.
//
// Facts are { rollupId, batchNumber, oldRoot, newRoot, queue } and one list for each section: numbers are BigInt but for
// batch number, leaves and tokens; the amounts of transfers and openings and all fees are encodings. For `priority` see priority.js.
import { R, toBytes } from "./bytes.js";
import { below248, keccak256, tag } from "./keccak.js";
import { queueHash } from "./priority.js";

/** The sections of a batch, in the order of execution. */
export const SECTIONS = ["priority", "openings", "transfers", "withdrawals", "rotations", "fees"];

/** The rollup's id: keccak256(tag ‖ chain id, 32 bytes ‖ contract, 20 bytes) mod 2^248. */
export function rollupId(chainId, contract) {
  return below248(keccak256(tag("rollup"), toBytes(chainId), contract));
}

/** All elements for a shape, which has the number of slots for each section; those of unused slots are 0. */
export function elements(facts, shape) {
  for (const section of SECTIONS) {
    if (facts[section].length > shape[section]) throw new RangeError(`${section} do not fit`);
  }
  const counts = SECTIONS.reduce((word, section, at) => word | (BigInt(facts[section].length) << BigInt(32 * at)), 0n);
  const head = [facts.rollupId, BigInt(facts.batchNumber), facts.oldRoot, facts.newRoot, counts, facts.queue];
  return [...head, ...words(facts, shape)];
}

/** The words of the slots in use: what a JSON bundle calls `pubdata`. */
export function pubdata(facts) {
  return words(facts, Object.fromEntries(SECTIONS.map((section) => [section, facts[section].length])));
}

/** The queue's hash after the batch. */
export function queueAfter({ queue, priority }) {
  return priority.reduce(queueHash, queue);
}

/** One number from fields of so many bits, the first in the highest ones. */
function word(...fields) {
  return fields.reduce((sum, [bits, value]) => (sum << BigInt(bits)) | BigInt(value), 0n);
}

/** The words of one slot, for the sections whose slots have their own. */
const SLOTS = {
  fees: { words: 1, of: ({ leaf, token, amount }) => [word([32, leaf], [32, token], [128, amount])] },
  priority: {
    words: 4,
    of: ({ kind, done, leaf, token, amount, owner, key }) => [
      word([8, kind], [8, done ? 1 : 0], [32, leaf], [32, token], [128, amount]),
      owner,
      ...key,
    ],
  },
  openings: {
    words: 4,
    of: ({ token, from, to, amount, fee, owner, key }) => [
      word([32, token], [32, from], [32, to], [40, amount], [16, fee]),
      owner,
      ...key,
    ],
  },
  withdrawals: {
    words: 2,
    of: ({ from, token, amount, fee, address }) => [
      word([32, from], [32, token], [128, amount]),
      word([16, fee], [160, address]),
    ],
  },
  rotations: { words: 4, of: ({ from, fee, owner, key }) => [word([32, from], [16, fee]), owner, ...key] },
};

function words(facts, slots) {
  const own = Object.entries(SLOTS).flatMap(([section, { words: count, of }]) =>
    Array.from({ length: slots[section] }, (_, slot) => {
      const entry = facts[section][slot];
      return entry ? of(entry) : Array(count).fill(0n);
    }).flat(),
  );
  return [...own, ...transferWords(facts.transfers, slots.transfers)];
}

/** Two transfers share a word. */
function transferWords(transfers, slots) {
  const packed = (slot) => {
    if (slot >= transfers.length) return 0n;
    const { from, to, amount, fee } = transfers[slot];
    return word([32, from], [32, to], [40, amount], [16, fee]);
  };
  return Array.from({ length: Math.ceil(slots / 2) }, (_, pair) => (packed(2 * pair) << 120n) | packed(2 * pair + 1));
}

/** z = keccak256(tag ‖ key id ‖ h ‖ keccak256(elements)) mod 2^248. */
export function challenge(keyId, h, list) {
  const digest = keccak256(...list.map((element) => toBytes(element)));
  return below248(keccak256(tag("statement"), keyId, toBytes(h), digest));
}

/** y = Σ e_i · z^i mod r. */
export function evaluate(list, z) {
  return list.reduceRight((sum, element) => (sum * z + element) % R, 0n);
}

/** The public inputs [h, z, y] of a bundle under a verifying key. */
export function publicInputs(bundle, key) {
  const list = elements(bundle.facts, key.shape);
  const z = challenge(key.id, bundle.h, list);
  return [bundle.h, z, evaluate(list, z)];
}

// The root chain's queue: deposits and forced exits, and the running hash that binds their order.
//
// A request is { kind, leaf, token, amount, owner, key }; a forced exit has its caller as owner, and 0 for token, amount
// and key. Published, it has `done` besides, and a forced exit the token and amount that it paid.
import { fromBytes, toBytes, toHex } from "./bytes.js";
import { below248, keccak256, tag } from "./keccak.js";

/** Kinds of requests, with their numbers. */
export const DEPOSIT = 5;
export const FORCED_EXIT = 6;

/** The queue's hash before its first request. */
export const EMPTY_QUEUE = 0n;

export function deposit(leaf, token, amount, owner, key) {
  return { kind: DEPOSIT, leaf, token, amount, owner, key };
}

export function forcedExit(leaf, caller) {
  return { kind: FORCED_EXIT, leaf, token: 0, amount: 0n, owner: caller, key: [0n, 0n] };
}

/** What was asked for, without what came of it. */
export function requestOf({ kind, leaf, token, amount, owner, key }) {
  return kind === DEPOSIT ? deposit(leaf, token, amount, owner, key) : forcedExit(leaf, owner);
}

/** The queue's running hash with one more request, as a number below 2^248. */
export function queueHash(before, published) {
  const { kind, leaf, token, amount, owner, key } = requestOf(published);
  const parts = [before, kind, leaf, token, amount, owner, ...key].map((value) => toBytes(value));
  return below248(keccak256(tag("priority"), ...parts));
}

/** A request as the message quittance.v1.PriorityOperation. */
export function toMessage(index, { kind, leaf, token, amount, owner, key }) {
  if (kind === FORCED_EXIT) return { index: String(index), forcedExit: { leaf, caller: toBytes(owner, 20) } };
  const [keyX, keyY] = key.map((coordinate) => toBytes(coordinate));
  return { index: String(index), deposit: { leaf, token, amount: toBytes(amount, 16), owner: toBytes(owner, 20), keyX, keyY } };
}

/** Reads what `toMessage` writes; the index is left to the caller. */
export function fromMessage({ deposit: paid, forcedExit: exit }) {
  if (exit) return forcedExit(exit.leaf, fromBytes(exit.caller));
  const { leaf, token, amount, owner, keyX, keyY } = paid;
  return deposit(leaf, token, fromBytes(amount), fromBytes(owner), [fromBytes(keyX), fromBytes(keyY)]);
}

/** A request as JSON, as `quittance priority` prints it, with its index. */
export function toJson(index, request) {
  const { deposit: paid, forcedExit: exit } = toMessage(index, request);
  if (exit) return { index, forced_exit: { leaf: exit.leaf, caller: toHex(exit.caller) } };
  const { leaf, token, amount, owner, keyX, keyY } = paid;
  const bytes = { amount: String(fromBytes(amount)), owner: toHex(owner), key_x: toHex(keyX), key_y: toHex(keyY) };
  return { index, deposit: { leaf, token, ...bytes } };
}

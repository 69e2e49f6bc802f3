// The accounts of a run: keys by circomlibjs, everything from a seed, so that a failing run can be repeated.
import { createHash } from "node:crypto";
import { fromBytes, toBytes, toHex } from "./bytes.js";
import { publicKey } from "./circomlib.js";

/** Tokens: accounts hold them in turns. */
const TOKENS = [1, 2];
const BALANCE = 10n ** 15n;
/** Leaves from here on are for deposits, in a tree of 16 levels. */
export const HALF = 2 ** 31;
/** Accounts that send nothing, because they are going to be emptied by forced exits. */
const EXITING = 2;

export const digest = (seed, name) => createHash("sha256").update(`${seed}: ${name}`).digest();

/** A number below `bound` for each name. */
export const pick = (seed, name, bound) => Number(fromBytes(digest(seed, name)) % BigInt(bound));

/** Who holds an account: the secret of the key, the key, and the owner of exits. */
export function makeHolder(seed, name) {
  const secret = digest(seed, `secret ${name}`);
  return { secret, key: publicKey(secret), owner: fromBytes(digest(seed, `owner ${name}`).subarray(0, 20)) };
}

/** Accounts by index: { secret, key, owner, balance, nonce, token }. */
export function makeAccounts(seed, count) {
  return Array.from({ length: count }, (_, index) => ({
    ...makeHolder(seed, index),
    balance: BALANCE,
    nonce: 0,
    token: TOKENS[index % TOKENS.length],
  }));
}

/** The last account of each token takes its fees: [{ token, leaf }]. */
export function feeLeaves(accounts) {
  return TOKENS.map((token) => ({ token, leaf: accounts.findLastIndex((account) => account.token === token) }));
}

/** The accounts that are going to be emptied: the last ones before those that take fees. */
export function exiting(accounts) {
  return Array.from({ length: EXITING }, (_, index) => accounts.length - TOKENS.length - EXITING + index);
}

/** The genesis file that `quittance genesis` reads. */
export function toCsv(accounts) {
  const rows = accounts.map(({ key: [x, y], balance, token, owner }, index) =>
    [index, toHex(Buffer.concat([toBytes(x), toBytes(y)])), balance, token, toHex(toBytes(owner, 20))].join(","),
  );
  return ["index,key,balance,token,owner", ...rows, ""].join("\n");
}

/** The part of the service's configuration that depends on the accounts. */
export function toConfig(accounts) {
  const tables = feeLeaves(accounts).map(({ token, leaf }) => `[[fees.tokens]]\ntoken = ${token}\nleaf = ${leaf}\n`);
  return tables.join("\n");
}

// What is going to be sent: accounts with keys by circomlibjs, signed transfers, and what must come out in the end.
//
// Everything follows from a seed, so that a failing run can be repeated.
import { createHash } from "node:crypto";
import { fromBytes, toHex, toBytes } from "./bytes.js";
import { publicKey } from "./circomlib.js";
import { rollupId } from "./statement.js";
import { fromJson, signTransfer, toJson } from "./transfers.js";

/** The ways to submit, in the order in which they are used. */
export const WAYS = ["batches", "transfers", "streams", "reflection"];
/** The one token. */
const TOKEN = 1;
const BALANCE = 10n ** 15n;
/** Transfers that the client without .proto files sends. */
const BY_REFLECTION = 10;

const digest = (seed, name) => createHash("sha256").update(`${seed}: ${name}`).digest();

/** A number below `bound` for each name. */
const pick = (seed, name, bound) => Number(fromBytes(digest(seed, name)) % BigInt(bound));

/** Accounts by index: { secret, key, balance, nonce, token, owner }. */
export function makeAccounts(seed, count) {
  return Array.from({ length: count }, (_, index) => {
    const secret = digest(seed, `secret ${index}`);
    const owner = fromBytes(digest(seed, `owner ${index}`).subarray(0, 20));
    return { secret, key: publicKey(secret), balance: BALANCE, nonce: 0, token: TOKEN, owner };
  });
}

/** The genesis file that `quittance genesis` reads. */
export function toCsv(accounts) {
  const rows = accounts.map(({ key: [x, y], balance, token, owner }, index) =>
    [index, toHex(Buffer.concat([toBytes(x), toBytes(y)])), balance, token, toHex(toBytes(owner, 20))].join(","),
  );
  return ["index,key,balance,token,owner", ...rows, ""].join("\n");
}

/** Signs `count` transfers among the accounts: { way, idempotencyKey, signed, transfer } each. */
export function makeTransfers(seed, accounts, count) {
  const rollup = rollupId(0, Buffer.alloc(20));
  const nonces = accounts.map(() => 0);
  const others = count - BY_REFLECTION;
  return Array.from({ length: count }, (_, index) => {
    const number = (name, bound) => pick(seed, `transfer ${index} ${name}`, bound);
    const from = number("from", accounts.length);
    const transfer = {
      from,
      to: number("to", accounts.length),
      amount: BigInt(number("mantissa", 10_000)) * 10n ** BigInt(number("exponent", 7)),
      fee: BigInt(number("fee", 2_000)) * 10n,
      nonce: nonces[from]++,
      validUntil: 2 ** 32 - 1,
    };
    const way = index >= others ? WAYS[3] : WAYS[Math.floor((3 * index) / others)];
    const idempotencyKey = digest(seed, `key ${index}`).subarray(0, 16);
    return { way, idempotencyKey, transfer, signed: signTransfer(rollup, transfer, accounts[from].secret) };
  });
}

/** Balances and nonces after all transfers, by arithmetic only. */
export function expectedAccounts(accounts, transfers, feeLeaf) {
  const expected = accounts.map(({ balance, nonce }) => ({ balance, nonce }));
  for (const { transfer } of transfers) {
    const { from, to, amount, fee } = transfer;
    expected[from].balance -= amount + fee;
    expected[from].nonce += 1;
    expected[to].balance += amount;
    expected[feeLeaf].balance += fee;
  }
  return expected;
}

/** Plans as text, for the next command. */
export function serialize({ seed, accounts, transfers }) {
  const rows = transfers.map(({ way, idempotencyKey, transfer, signed }) => ({
    way,
    key: toHex(idempotencyKey),
    amount: String(transfer.amount),
    fee: String(transfer.fee),
    signed: toJson(signed),
  }));
  return JSON.stringify({ seed, accounts: accounts.length, transfers: rows }, null, 1);
}

/** Reads what `serialize` wrote; keys of accounts are derived again. */
export function deserialize(text) {
  const { seed, accounts, transfers } = JSON.parse(text);
  return {
    seed,
    accounts: makeAccounts(seed, accounts),
    transfers: transfers.map(({ way, key, amount, fee, signed }) => ({
      way,
      idempotencyKey: Buffer.from(key.slice(2), "hex"),
      transfer: {
        from: signed.from,
        to: signed.to,
        amount: BigInt(amount),
        fee: BigInt(fee),
        nonce: signed.nonce,
        validUntil: signed.valid_until,
      },
      signed: fromJson(signed),
    })),
  };
}

// The state that the client keeps by itself: accounts, and the 4-ary tree of Poseidon hashes above them.
//
// A leaf is Poseidon(key x, key y, balance·2^64 + nonce·2^32 + token, owner) with capacity 1; an empty place of the tree
// is 0, and so is nothing else. A batch is its sections in their order, the last of which credits the fees of all before it.
import { isKey, poseidon } from "./circomlib.js";
import { AMOUNT_MANTISSA, FEE_MANTISSA, decode } from "./floats.js";
import { DEPOSIT } from "./priority.js";

/** Balances are below this. */
const LIMIT = 1n << 128n;

export class State {
  /** `accounts`: [{ key: [x, y], balance, nonce, token, owner }], by index. */
  constructor(accounts, levels) {
    this.levels = levels;
    this.accounts = new Map();
    this.empty = [0n];
    for (let level = 0; level < levels; level++) this.empty.push(poseidon(Array(4).fill(this.empty[level])));
    this.nodes = Array.from({ length: levels + 1 }, () => new Map());
    this.changed = new Set();
    accounts.forEach((account, index) => this.set(index, { ...account }));
  }

  /** Leaves from here on are for deposits, those below for openings. */
  get half() {
    return 2 ** (2 * this.levels - 1);
  }

  /** The root, after the paths of all changed accounts were hashed again. */
  root() {
    let indices = this.changed;
    for (const index of indices) this.nodes[0].set(index, leafHash(this.accounts.get(index)));
    for (let level = 0; level < this.levels; level++) {
      indices = new Set([...indices].map((index) => Math.floor(index / 4)));
      for (const index of indices) {
        const children = [0, 1, 2, 3].map((at) => this.nodes[level].get(4 * index + at) ?? this.empty[level]);
        this.nodes[level + 1].set(index, poseidon(children));
      }
    }
    this.changed = new Set();
    return this.nodes[this.levels].get(0) ?? this.empty[this.levels];
  }

  /** The sum of all balances of each token. */
  totals() {
    const totals = new Map();
    for (const { token, balance } of this.accounts.values()) totals.set(token, (totals.get(token) ?? 0n) + balance);
    return totals;
  }

  /** Applies a batch's published data. Throws where it cannot be what a valid batch publishes. */
  apply({ priority, openings, transfers, withdrawals, rotations, fees }) {
    this.due = new Map(fees.map(({ token }) => [token, 0n]));
    priority.forEach((entry) => (entry.kind === DEPOSIT ? this.deposit(entry) : this.forcedExit(entry)));
    for (const { from, to, amount, fee, token, owner, key } of openings) {
      const value = decode(amount, AMOUNT_MANTISSA);
      check(this.pay(from, value, fee).token === token, `account ${from} is not of token ${token}`);
      check(!this.accounts.has(to) && to < this.half, `leaf ${to} is not to be opened`);
      this.set(to, { ...newHolder(key, owner), balance: value, nonce: 0, token });
    }
    for (const { from, to, amount, fee } of transfers) {
      const value = decode(amount, AMOUNT_MANTISSA);
      const { token } = this.pay(from, value, fee);
      this.credit(to, token, value);
    }
    for (const { from, token, amount, fee, address } of withdrawals) {
      check(this.pay(from, amount, fee).token === token, `account ${from} is not of token ${token}`);
      check(address !== 0n, "a withdrawal to nobody");
    }
    for (const { from, fee, owner, key } of rotations) {
      this.set(from, { ...this.pay(from, 0n, fee), ...newHolder(key, owner) });
    }
    for (const { leaf, token, amount } of fees) {
      check(this.due.get(token) === amount, `fees of token ${token} are ${this.due.get(token)}, not ${amount}`);
      this.credit(leaf, token, amount);
    }
  }

  /** A deposit is done exactly if it opens a leaf that is the contract's, or credits one of its token. */
  deposit({ done, leaf, token, amount, owner, key }) {
    const account = this.accounts.get(leaf);
    const possible = account
      ? account.token === token && account.balance + amount < LIMIT
      : leaf >= this.half && owner !== 0n && isKey(key);
    check(done === possible, `the deposit to leaf ${leaf} says done = ${done}`);
    if (!done) return;
    if (account) this.credit(leaf, token, amount);
    else this.set(leaf, { key, owner, balance: amount, nonce: 0, token });
  }

  /** A forced exit is done exactly if its caller owns the leaf, and pays everything. */
  forcedExit({ done, leaf, token, amount, owner }) {
    const account = this.accounts.get(leaf);
    check(done === (account?.owner === owner), `the forced exit of leaf ${leaf} says done = ${done}`);
    if (!done) return;
    check(account.token === token && account.balance === amount, `the forced exit of leaf ${leaf} pays ${amount}`);
    this.set(leaf, { ...account, balance: 0n });
  }

  /** Takes an amount and an encoded fee from an account, and moves its nonce on. Returns the account. */
  pay(from, amount, fee) {
    const account = this.account(from);
    const cost = decode(fee, FEE_MANTISSA);
    check(this.due.has(account.token), `no slot takes fees of token ${account.token}`);
    check(account.balance >= amount + cost, `account ${from} has ${account.balance}`);
    this.due.set(account.token, this.due.get(account.token) + cost);
    return this.set(from, { ...account, balance: account.balance - amount - cost, nonce: account.nonce + 1 });
  }

  credit(to, token, amount) {
    const account = this.account(to);
    check(account.token === token, `account ${to} is not of token ${token}`);
    check(account.balance + amount < LIMIT, `account ${to} overflows`);
    this.set(to, { ...account, balance: account.balance + amount });
  }

  account(index) {
    const account = this.accounts.get(index);
    check(account, `there is no account ${index}`);
    return account;
  }

  set(index, account) {
    this.accounts.set(index, account);
    this.changed.add(index);
    return account;
  }
}

function check(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}

function newHolder(key, owner) {
  check(isKey(key) && owner !== 0n, "no key, or no owner");
  return { key, owner };
}

/** The hash of an account's leaf. */
export function leafHash({ key: [x, y], balance, nonce, token, owner }) {
  return poseidon([x, y, (balance << 64n) | (BigInt(nonce) << 32n) | BigInt(token), owner], 1n);
}

/** The root that an authentication path leads to: three siblings for each level, the leaves' level first. */
export function rootOfPath(leaf, index, levels) {
  return levels.reduce((node, siblings, level) => {
    const position = Math.floor(index / 4 ** level) % 4;
    return poseidon([...siblings.slice(0, position), node, ...siblings.slice(position)]);
  }, leaf);
}

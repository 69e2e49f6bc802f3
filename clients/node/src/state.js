// The state that the client keeps by itself: accounts, and the 4-ary tree of Poseidon hashes above them.
//
// A leaf is Poseidon(key x, key y, balance·2^64 + nonce·2^32 + token, owner) with capacity 1; an empty place of the tree
// is 0, and so is nothing else. A batch is its transfers in order, then the fees of all of them to the fee slots.
import { poseidon } from "./circomlib.js";
import { AMOUNT_MANTISSA, FEE_MANTISSA, decode } from "./floats.js";

export class State {
  /** `accounts`: [{ key: [x, y], balance, nonce, token, owner }], by index. */
  constructor(accounts, levels) {
    this.levels = levels;
    this.accounts = accounts.map((account) => ({ ...account }));
    this.empty = [0n];
    for (let level = 0; level < levels; level++) this.empty.push(poseidon(Array(4).fill(this.empty[level])));
    this.nodes = Array.from({ length: levels + 1 }, () => new Map());
    this.changed = new Set(this.accounts.keys());
  }

  /** The root, after the paths of all changed accounts were hashed again. */
  root() {
    let indices = this.changed;
    for (const index of indices) this.nodes[0].set(index, leafHash(this.accounts[index]));
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

  /** Applies a batch's published data. Throws where it cannot be what a valid batch publishes. */
  apply({ transfers, fees }) {
    const due = new Map(fees.map(({ token }) => [token, 0n]));
    for (const { from, to, amount, fee } of transfers) {
      const [sender, recipient] = [this.account(from), this.account(to)];
      const [value, cost] = [decode(amount, AMOUNT_MANTISSA), decode(fee, FEE_MANTISSA)];
      if (sender.token !== recipient.token || !due.has(sender.token)) throw new Error("tokens differ");
      if (sender.balance < value + cost) throw new Error(`account ${from} has ${sender.balance}`);
      sender.balance -= value + cost;
      sender.nonce += 1;
      recipient.balance += value;
      due.set(sender.token, due.get(sender.token) + cost);
      this.changed.add(from).add(to);
    }
    for (const { leaf, token, amount } of fees) {
      if (due.get(token) !== amount) throw new Error(`fees of token ${token} are ${due.get(token)}, not ${amount}`);
      this.account(leaf).balance += amount;
      this.changed.add(leaf);
    }
  }

  account(index) {
    const account = this.accounts[index];
    if (!account) throw new Error(`there is no account ${index}`);
    return account;
  }
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

// Chains of operations that depend on each other: an account is opened and at once pays with its new key; somebody withdraws
// and somebody changes the key, both of whom then pay on, the latter with the new key.
//
// A book knows for each leaf who holds it after everything that was planned before: { secret, token, nonce }.
import { digest, makeHolder, pick } from "./accounts.js";
import { fromBytes } from "./bytes.js";
import { signOperation } from "./operations.js";
import { rollupId } from "./statement.js";

const ROLLUP = rollupId(0, Buffer.alloc(20));
/** The last possible batch. */
const FOR_EVER = 2 ** 32 - 1;
const OPENED_WITH = 10n ** 9n;

export class Book {
  constructor(seed, accounts) {
    this.seed = seed;
    this.accounts = accounts;
    this.leaves = new Map(accounts.map(({ secret, token }, leaf) => [leaf, { secret, token, nonce: 0 }]));
  }

  /** A leaf that exists from now on. */
  open(leaf, secret, token) {
    this.leaves.set(leaf, { secret, token, nonce: 0 });
  }

  /** Signs an operation with what its sender has now. */
  sign(kind, from, fields) {
    const holder = this.leaves.get(from);
    const operation = { kind, from, ...fields, nonce: holder.nonce++, validUntil: FOR_EVER };
    return { operation, signed: signOperation(ROLLUP, operation, holder.secret) };
  }

  /** A transfer of some amount to some account of the same token. */
  transfer(name, from, least = 0) {
    const number = (what, bound) => pick(this.seed, `${name} ${what}`, bound);
    const { token } = this.leaves.get(from);
    const recipients = [...this.accounts.keys()].filter((index) => this.accounts[index].token === token);
    return this.sign("transfer", from, {
      to: recipients[number("to", recipients.length)],
      amount: BigInt(least + number("mantissa", 10_000)) * 10n ** BigInt(number("exponent", 4)),
      fee: this.fee(name),
    });
  }

  fee(name) {
    return BigInt(pick(this.seed, `${name} fee`, 2_000)) * 10n;
  }
}

/** What a scenario makes from the seed is called so. */
export const nameOf = (number, what) => `scenario ${number} ${what}`;

/** The leaf that a scenario opens: next to the others, or far from them. */
function newLeaf(number, accounts) {
  return number % 2 === 0 ? accounts.length + number : 2 ** 20 * (number + 1) + number;
}

/**
 * One scenario: { first, then }. Those of `first` may be in one batch, where sections run in their order: opening,
 * transfer, withdrawal, rotation. Those of `then` are two transfers.
 */
export function makeScenario(book, number, payer) {
  const { seed } = book;
  const name = (what) => nameOf(number, what);
  const leaf = newLeaf(number, book.accounts);
  // Payer and new account withdraw and change their keys in turns: both the one, each its own, both the other.
  const [withdrawing, rotating] = [[payer, payer], [leaf, payer], [payer, leaf], [leaf, leaf]][number % 4];

  const opened = makeHolder(seed, name("opened"));
  const opening = book.sign("opening", payer, {
    ...{ to: leaf, amount: OPENED_WITH + BigInt(number), fee: book.fee(name("opening")) },
    ...{ key: opened.key, owner: opened.owner },
  });
  book.open(leaf, opened.secret, book.leaves.get(payer).token);
  const transfer = book.transfer(name("paid at once"), leaf);
  const withdrawal = book.sign("withdrawal", withdrawing, {
    // More digits than a float has.
    amount: 123_456_789n + BigInt(pick(seed, name("withdrawn"), 1_000_000)),
    fee: book.fee(name("withdrawal")),
    address: fromBytes(digest(seed, name("address")).subarray(0, 20)),
  });
  const rotated = makeHolder(seed, name("rotated"));
  const rotation = book.sign("rotation", rotating, {
    ...{ fee: book.fee(name("rotation")), key: rotated.key, owner: rotated.owner },
  });
  book.leaves.get(rotating).secret = rotated.secret;
  const then = [withdrawing, rotating].map((from, index) => book.transfer(name(`paid after ${index}`), from));
  return { first: [opening, transfer, withdrawal, rotation], then };
}

// What the root chain's queue is going to hold: deposits and forced exits that do what they ask for, and as many that
// cannot, with what must come of each.
import { HALF, digest, exiting, makeHolder } from "./accounts.js";
import { fromBytes } from "./bytes.js";
import { NO_KEYS, isKey } from "./circomlib.js";
import { DEPOSIT, deposit, forcedExit } from "./priority.js";

const AMOUNT = 10n ** 12n;
const MOST = (1n << 128n) - 1n;
/** The last leaf of the tree. */
const LAST = 2 ** 32 - 1;
/** Leaves that one round of requests uses. */
const LEAVES = 8;
const [, IDENTITY, , WHOLE_CURVE] = NO_KEYS;

/** The leaf that the first deposit of round 0 opens. */
export const DEPOSITED = HALF;

/** Who holds the account that the deposits of one round open at this leaf. */
export function depositor(seed, leaf) {
  return makeHolder(seed, `deposit ${leaf}`);
}

/** So many requests of each kind, in the queue's order: { request, done } each. */
export function makeRequests(seed, accounts, deposits, exits) {
  const list = [];
  for (let [round, missing] = [0, [deposits, exits]]; missing[0] + missing[1] > 0; round++) {
    for (const request of oneRound(seed, accounts, round)) {
      const kind = request.kind === DEPOSIT ? 0 : 1;
      if (missing[kind] === 0) continue;
      missing[kind] -= 1;
      list.push(request);
    }
  }
  return withOutcomes(list, accounts);
}

/** Ten deposits and five forced exits. */
function oneRound(seed, accounts, round) {
  const [first, last] = [HALF + LEAVES * round, LAST - round];
  const stranger = fromBytes(digest(seed, `stranger ${round}`).subarray(0, 20));
  const [victim, leaver] = [round % accounts.length, exiting(accounts)[round % exiting(accounts).length]];
  const pay = (leaf, token, amount = AMOUNT, change = {}) => {
    const { owner, key } = { ...depositor(seed, leaf), ...change };
    return deposit(leaf, token, amount, owner, key);
  };
  const { token } = accounts[victim];
  return [
    pay(first, 1),
    pay(last, 2),
    // For a leaf that exists, nobody looks at key and owner.
    pay(victim, token, AMOUNT, { owner: 0n, key: [0n, 0n] }),
    pay(victim, token + 1),
    forcedExit(first, stranger),
    forcedExit(last, depositor(seed, last).owner),
    // An empty leaf that is not the root chain's.
    pay(HALF - 1 - round, 1),
    pay(first + 1, 1, AMOUNT, { key: WHOLE_CURVE }),
    pay(first + 2, 1, AMOUNT, { owner: 0n }),
    forcedExit(first + 3, stranger),
    forcedExit(leaver, accounts[leaver].owner),
    pay(first + 4, 2, MOST),
    // One more than a balance can be.
    pay(first + 4, 2, 1n),
    pay(first + 5, 1, AMOUNT, { key: IDENTITY }),
    forcedExit(first + 4, depositor(seed, first + 4).owner),
  ];
}

/** What must come of each request: no other operation changes what that depends on. */
function withOutcomes(requests, accounts) {
  const leaves = new Map(accounts.map(({ token, owner }, leaf) => [leaf, { token, owner, balance: 0n }]));
  return requests.map((request) => {
    const { kind, leaf, token, amount, owner, key } = request;
    const account = leaves.get(leaf);
    if (kind !== DEPOSIT) {
      const done = account?.owner === owner;
      if (done) account.balance = 0n;
      return { request, done };
    }
    const done = account
      ? account.token === token && account.balance + amount <= MOST
      : leaf >= HALF && owner !== 0n && isKey(key);
    if (done && account) account.balance += amount;
    if (done && !account) leaves.set(leaf, { token, owner, balance: amount });
    return { request, done };
  });
}

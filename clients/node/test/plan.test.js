// A whole plan, executed here batch by batch: the state that follows from published data is the one that the plan foresees,
// and data that no valid batch publishes are refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import { exiting, feeLeaves } from "../src/accounts.js";
import { expectedAccounts, flows } from "../src/expected.js";
import { AMOUNT_MANTISSA, FEE_MANTISSA, encode } from "../src/floats.js";
import { checkPublished, payments } from "../src/history.js";
import { counts, deserialize, makePlan, serialize } from "../src/plan.js";
import { DEPOSIT } from "../src/priority.js";
import { State } from "../src/state.js";
import { SECTIONS } from "../src/statement.js";

const LEVELS = 16;
const SIZES = { accounts: 12, transfers: 60, scenarios: 10 };
const plan = makePlan("test", SIZES);
const NOTHING = Object.fromEntries(SECTIONS.map((section) => [section, []]));

/** What a signed operation publishes, as the batch of its own with the fee slot of its sender's token. */
function factsOf({ operation }, state) {
  const { kind, from, to, amount, key, owner, address } = operation;
  const { token } = state.accounts.get(from);
  const fee = encode(operation.fee, FEE_MANTISSA);
  const float = () => encode(amount, AMOUNT_MANTISSA);
  const { leaf } = feeLeaves(plan.accounts).find((one) => one.token === token);
  const section = {
    transfer: () => ({ transfers: [{ from, to, amount: float(), fee }] }),
    opening: () => ({ openings: [{ from, to, amount: float(), fee, token, owner, key }] }),
    withdrawal: () => ({ withdrawals: [{ from, token, amount, fee, address }] }),
    rotation: () => ({ rotations: [{ from, fee, owner, key }] }),
  }[kind]();
  return { ...NOTHING, ...section, fees: [{ leaf, token, amount: operation.fee }] };
}

/** What a request publishes in this state. */
function outcomeOf({ request, done }, state) {
  if (request.kind === DEPOSIT || !done) return { ...request, done };
  const { token, balance } = state.accounts.get(request.leaf);
  return { ...request, done, token, amount: balance };
}

/** Executes the plan: some requests, then the entries, then the other requests. Returns state and bundles. */
function execute() {
  const state = new State(plan.accounts, LEVELS);
  const bundles = [];
  const run = (facts) => {
    state.apply(facts);
    bundles.push({ facts: { batchNumber: bundles.length + 1, ...facts } });
  };
  const half = Math.ceil(plan.requests.length / 2);
  plan.requests.forEach((entry, index) => index < half && run({ ...NOTHING, priority: [outcomeOf(entry, state)] }));
  for (const entry of plan.entries) run(factsOf(entry, state));
  plan.requests.forEach((entry, index) => index >= half && run({ ...NOTHING, priority: [outcomeOf(entry, state)] }));
  return { state, bundles };
}

test("a plan has what it says, and survives being written", () => {
  const total = counts(SIZES.transfers, SIZES.scenarios);
  for (const kind of ["transfer", "opening", "withdrawal", "rotation"]) {
    assert.equal(plan.entries.filter(({ operation }) => operation.kind === kind).length, total[`${kind}s`]);
  }
  assert.equal(plan.requests.length, total.deposits + total.exits);
  assert.deepEqual(deserialize(serialize(plan)).entries, plan.entries);
  assert.deepEqual(deserialize(serialize(plan)).requests, plan.requests);
  // Both outcomes are there, for both kinds.
  const outcomes = new Set(plan.requests.map(({ request, done }) => `${request.kind} ${done}`));
  assert.equal(outcomes.size, 4);
  for (const leaf of exiting(plan.accounts)) assert.ok(plan.entries.every(({ operation }) => operation.from !== leaf));
});

test("what is published leads to the state that the plan foresees", () => {
  const { state, bundles } = execute();
  const paid = payments(bundles);
  const expected = expectedAccounts(plan, paid);
  assert.deepEqual([...state.accounts.keys()].sort(), [...expected.keys()].sort());
  for (const [leaf, account] of expected) {
    const { key, owner, token, nonce, balance } = state.accounts.get(leaf);
    assert.deepEqual({ key, owner, token, nonce, balance }, account, `account ${leaf}`);
  }
  const flow = flows(plan, paid);
  const before = new State(plan.accounts, LEVELS).totals();
  for (const [token, total] of state.totals()) {
    assert.equal(total, (before.get(token) ?? 0n) + (flow.get(token) ?? 0n), `token ${token}`);
  }
  checkPublished(bundles, [], plan);
  assert.throws(() => checkPublished(bundles.slice(1), [], plan), "a request is missing");
  const [first, second, ...others] = bundles;
  assert.throws(() => checkPublished([second, first, ...others], [], plan), "requests are in another order");
});

test("what no valid batch publishes is refused", () => {
  const { state, bundles } = execute();
  const refused = (facts, why) => {
    const copy = new State([], LEVELS);
    copy.accounts = new Map(state.accounts);
    assert.throws(() => copy.apply({ ...NOTHING, ...facts }), why);
  };
  const last = plan.entries.at(-1);
  const { from, to } = last.operation;
  const { token } = state.accounts.get(from);
  const slot = { leaf: from, token, amount: 0n };
  const transfer = { from, to, amount: 1n, fee: 0n };
  const holder = { owner: 5n, key: plan.accounts[0].key };
  const opening = { ...transfer, to: 500_000, token, ...holder };
  const withdrawal = { from, token, amount: 1n, fee: 0n, address: 5n };
  const rotation = { from, fee: 0n, ...holder };

  refused({ transfers: [transfer] }, /no slot/);
  refused({ transfers: [transfer], fees: [{ ...slot, amount: 1n }] }, /fees of token/);
  refused({ transfers: [{ ...transfer, to: 500_000 }], fees: [slot] }, /no account/);
  refused({ transfers: [{ ...transfer, amount: (31n << 35n) | 1n }], fees: [slot] }, /has/);
  refused({ openings: [{ ...opening, to: 0 }], fees: [slot] }, /not to be opened/);
  refused({ openings: [{ ...opening, to: 2 ** 31 + 7 }], fees: [slot] }, /not to be opened/);
  refused({ openings: [{ ...opening, token: token + 1 }], fees: [slot] }, /not of token/);
  refused({ openings: [{ ...opening, owner: 0n }], fees: [slot] }, /no key/);
  refused({ openings: [{ ...opening, key: [0n, 1n] }], fees: [slot] }, /no key/);
  refused({ withdrawals: [{ ...withdrawal, address: 0n }], fees: [slot] }, /nobody/);
  refused({ withdrawals: [{ ...withdrawal, token: token + 1 }], fees: [slot] }, /not of token/);
  refused({ rotations: [{ ...rotation, key: [1n, 1n] }], fees: [slot] }, /no key/);
  // An outcome can be faked in neither direction, nor its amount.
  for (const { facts: { priority: [entry] } } of bundles.filter(({ facts }) => facts.priority.length > 0)) {
    const fresh = new State(plan.accounts, LEVELS);
    const before = bundles.slice(0, bundles.findIndex(({ facts }) => facts.priority[0] === entry));
    before.forEach(({ facts }) => fresh.apply(facts));
    assert.throws(() => fresh.apply({ ...NOTHING, priority: [{ ...entry, done: !entry.done }] }), /says done/);
  }
  const exit = bundles.map(({ facts }) => facts.priority[0]).find((entry) => entry && entry.kind !== DEPOSIT && entry.done);
  refused({ priority: [{ ...exit, amount: exit.amount + 1n }] }, /pays/);
  refused({ priority: [{ ...exit, token: exit.token + 1 }] }, /pays/);
});

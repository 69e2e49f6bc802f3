// Whether the service executed what was sent: each operation exactly once, in operations, batches and published data.
import assert from "node:assert/strict";
import { status as codes } from "@grpc/grpc-js";
import { fromBytes, toBytes } from "./bytes.js";
import { AMOUNT_MANTISSA, FEE_MANTISSA, decode } from "./floats.js";
import { equal } from "./operations.js";
import { DEPOSIT, fromMessage, requestOf } from "./priority.js";

/** Signed operations are told apart by sender and nonce, which no valid history repeats. */
const name = ({ from, nonce }) => `${from}/${nonce}`;

/** The section of each kind. */
const SECTION = { opening: "openings", transfer: "transfers", withdrawal: "withdrawals", rotation: "rotations" };

/** What an operation of the service's list holds: { kind, fields }. */
function content(operation) {
  const { kind } = operation;
  return { kind, fields: operation[kind] };
}

/** Checks the list of operations against the plan. The ids are those that the service answered with, or null. */
export function checkOperations(operations, { entries, requests }, { ids, requestIds }) {
  assert.equal(operations.length, entries.length + requests.length, "number of operations");
  const planned = new Map(entries.map(({ operation, signed }, index) => [name(operation), { signed, id: ids[index] }]));
  let next = 0;
  operations.forEach((operation, index) => {
    const { id } = operation;
    assert.equal(id, String(index + 1), "operation ids have no gaps");
    assert.equal(operation.state, "OPERATION_STATE_EXECUTED", `operation ${id}`);
    const { kind, fields } = content(operation);
    const known = kind === "priority" ? checkRequest(fields, next, requests[next], requestIds[next++]) : checkEntry(kind, fields);
    if (known !== null) assert.equal(id, known, "the id that the service answered with");
  });

  function checkEntry(kind, fields) {
    const entry = planned.get(name(fields));
    assert.ok(entry, `${kind} ${name(fields)} was sent, and is there once`);
    planned.delete(name(fields));
    assert.ok(equal({ [kind]: fields }, entry.signed), `${kind} ${name(fields)} is what was sent`);
    return entry.id;
  }
}

function checkRequest(message, place, planned, id) {
  assert.equal(message.index, String(place), "requests are in the queue's order");
  assert.deepEqual(fromMessage(message), planned.request, `request ${place} is what was sent`);
  return id;
}

/**
 * Checks the published data of all batches, in order, against plan and operations: everything is there once, an account's nonces
 * are in order, the queue is whole, and its outcomes are those that the plan foresees.
 */
export function checkPublished(bundles, operations, { entries, requests }) {
  const planned = new Map(entries.map(({ operation }) => [name(operation), operation]));
  const nonces = new Map();
  for (const { facts } of bundles) {
    for (const [kind, section] of Object.entries(SECTION)) {
      for (const data of facts[section]) {
        const nonce = nonces.get(data.from) ?? 0;
        nonces.set(data.from, nonce + 1);
        const place = name({ from: data.from, nonce });
        const sent = planned.get(place);
        assert.ok(sent, `${kind} ${place} was sent, and is published once`);
        planned.delete(place);
        assert.deepEqual(published(kind, data), wanted(sent), `${kind} ${place}`);
      }
    }
  }
  assert.equal(planned.size, 0, "every signed operation is published");
  const queue = bundles.flatMap(({ facts }) => facts.priority);
  const outcomes = queue.map((data) => ({ request: requestOf(data), done: data.done }));
  assert.deepEqual(outcomes, requests.map(({ request, done }) => ({ request, done })), "the queue and its outcomes");

  const byNumber = new Map(bundles.map(({ facts }) => [facts.batchNumber, facts]));
  for (const operation of operations) checkPlace(operation, byNumber.get(operation.execution.batch));
}

/** What published data say of a signed operation, in the plan's form without nonce. */
function published(kind, { token, ...data }) {
  const fee = decode(data.fee, FEE_MANTISSA);
  const float = kind === "transfer" || kind === "opening";
  const amount = float ? { amount: decode(data.amount, AMOUNT_MANTISSA) } : {};
  return { kind, ...data, fee, ...amount };
}

function wanted({ nonce, validUntil, ...operation }) {
  return operation;
}

/** The service says where it executed an operation, and what came of it: the published data must say the same. */
function checkPlace(operation, facts) {
  const { section, position, outcome } = operation.execution;
  const data = facts?.[section.replace("SECTION_", "").toLowerCase()]?.[position];
  assert.ok(data, `operation ${operation.id} is nowhere`);
  const { kind, fields } = content(operation);
  if (kind !== "priority") {
    assert.equal(section, `SECTION_${SECTION[kind].toUpperCase()}`);
    assert.deepEqual([data.from, data.fee], [fields.from, BigInt(fields.feeFloat16)], `operation ${operation.id} is where it says`);
    return;
  }
  assert.deepEqual(requestOf(data), fromMessage(fields), `operation ${operation.id} is where it says`);
  const said = { done: outcome.done, token: outcome.token, amount: fromBytes(outcome.amount) };
  assert.deepEqual(said, { done: data.done, token: data.token, amount: data.amount }, `outcome of operation ${operation.id}`);
}

/** What the done forced exits paid, in the queue's order. */
export function payments(bundles) {
  const exits = bundles.flatMap(({ facts }) => facts.priority).filter(({ kind, done }) => kind !== DEPOSIT && done);
  return exits.map(({ token, amount }) => ({ token, amount }));
}

/** The leaves that an operation names. */
function leaves(operation) {
  const { fields } = content(operation);
  const { from, to, deposit, forcedExit } = fields;
  return [from, to, (deposit ?? forcedExit)?.leaf];
}

/** Checks the history of some accounts, forwards and backwards, in small pages. */
export async function checkHistories(client, operations, accounts) {
  for (const account of accounts) {
    const expected = operations.filter((operation) => leaves(operation).includes(account));
    for (const newestFirst of [false, true]) {
      const request = { account, newestFirst, pageSize: 7 };
      const listed = await client.list("ListOperations", "operations", request);
      const ids = expected.map(({ id }) => id);
      assert.deepEqual(listed.map(({ id }) => id), newestFirst ? ids.reverse() : ids, `history of account ${account}`);
    }
  }
}

/** Checks all accounts, of some the path to the root, and that leaves which nobody opened are empty. */
export async function checkAccounts(client, state, expected, { rootOf, empty }) {
  assert.deepEqual([...state.accounts.keys()].sort(), [...expected.keys()].sort(), "the leaves in use");
  for (const [index, wantedAccount] of expected) {
    const { key, owner, token, nonce, balance } = state.accounts.get(index);
    assert.deepEqual({ key, owner, token, nonce, balance }, wantedAccount, `account ${index}`);
    const { account } = await client.request("GetAccount", { index, includePath: index % 10 === 0 });
    const answered = {
      ...{ key: [account.publicKey.x, account.publicKey.y].map(fromBytes), owner: fromBytes(account.owner) },
      ...{ token: account.token, nonce: account.nonce, balance: fromBytes(account.balance) },
    };
    assert.deepEqual(answered, wantedAccount, `account ${index} in the service`);
    if (account.path) assert.equal(rootOf(index, account.path), state.root(), `path of account ${index}`);
  }
  for (const index of empty) {
    const error = await client.once("GetAccount", { index }).then(() => null, (thrown) => thrown);
    assert.equal(error?.code, codes.NOT_FOUND, `leaf ${index} is empty`);
  }
}

/** Accounts are found by the key that they have now, and not by one that they had. */
export async function checkKeys(client, expected, entries) {
  const byKey = async ([x, y]) => {
    const publicKey = { x: toBytes(x), y: toBytes(y) };
    const found = await client.list("ListAccountsByKey", "accounts", { publicKey, pageSize: 7 });
    return found.map(({ index }) => index);
  };
  for (const { operation } of entries) {
    const { kind, from, to, key } = operation;
    if (!key) continue;
    const leaf = kind === "opening" ? to : from;
    const current = expected.get(leaf).key.join() === key.join();
    assert.deepEqual(await byKey(key), current ? [leaf] : [], `accounts of a key of account ${leaf}`);
  }
}

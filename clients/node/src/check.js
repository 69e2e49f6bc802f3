// Checks everything that a service did with a plan, trusting nothing but the verifying keys from setup.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { feeLeaves } from "./accounts.js";
import { fromBytes, toHex, toBytes } from "./bytes.js";
import { expectedAccounts, flows } from "./expected.js";
import { checkAccounts, checkHistories, checkKeys, checkOperations, checkPublished, payments } from "./history.js";
import { counts } from "./plan.js";
import { EMPTY_QUEUE, queueHash } from "./priority.js";
import { Proofs } from "./proofs.js";
import { DEPOSITED } from "./requests.js";
import { State, leafHash, rootOfPath } from "./state.js";
import { queueAfter, rollupId } from "./statement.js";
import { Watcher } from "./watcher.js";

/** Without a new proof for so long, something is wrong. */
const PATIENCE_MS = 300_000;

/** Waits until everything that was accepted is proved. */
export async function settled(client, report) {
  let [last, since] = ["", Date.now()];
  for (;;) {
    const { state } = await client.request("GetState");
    const waiting = `${state.queuedOperations} operations wait for a batch, ${state.unprovedBatches} batches for a proof`;
    if (waiting !== last) [last, since] = [waiting, Date.now()];
    if (state.queuedOperations === "0" && state.unprovedBatches === 0) return state;
    const failed = await client.request("ListBatches", { state: "BATCH_STATE_FAILED" });
    assert.deepEqual(failed.batches, [], "no proof failed");
    assert.ok(Date.now() < since + PATIENCE_MS, `${waiting}, and nothing moves`);
    report(waiting);
    await sleep(2000);
  }
}

/** Runs every check; throws at the first that fails. Returns what it counted. */
export async function check(client, plan, { sent, keyFiles, verify, folder, report }) {
  const state = await settled(client, report);
  const proofs = new Proofs(verify, keyFiles, folder);
  for (const [file, { id }] of proofs.keys) {
    const offered = await client.request("GetVerifyingKey", { keyId: id });
    assert.ok(offered.verifyingKey.equals(readFileSync(file)), "the service's key is the one from setup");
  }
  assert.equal(fromBytes(state.rollupId), rollupId(0, Buffer.alloc(20)), "rollup id");
  const batches = await client.list("ListBatches", "batches", { pageSize: 7 });
  assert.deepEqual(batches.map(({ number }) => number), batches.map((_, index) => index + 1));
  assert.equal(batches.length, state.batchNumber);
  const operations = await client.list("ListOperations", "operations", { pageSize: 50 });
  checkOperations(operations, plan, sent);
  report(`${operations.length} operations, each once`);

  const replayed = new State(plan.accounts, state.levels);
  assert.equal(replayed.root(), fromBytes(state.genesisRoot), "root of the accounts from circomlibjs");
  const bundles = await checkBatches(client, batches, replayed, proofs, report);
  assert.equal(replayed.root(), fromBytes(state.root), "the chain of roots ends at the state's");
  assert.equal(await new Watcher(client, plan.requests).check(), plan.requests.length, "the whole queue");
  const verdict = proofs.checkChain(batches.map(({ number }) => number));
  const total = counts(plan.entries.filter(({ operation }) => operation.kind === "transfer").length, plan.scenarios);
  const { exits, ...others } = total;
  const last = plan.requests.reduce((hash, { request }) => queueHash(hash, request), EMPTY_QUEUE);
  const said = {
    ...{ status: "verified", ...others, forced_exits: exits, priority_done: plan.requests.filter(({ done }) => done).length },
    ...{ bundles: batches.length, first_batch: 1, last_batch: batches.length },
    ...{ rollup_id: toHex(state.rollupId), old_root: toHex(state.genesisRoot), new_root: toHex(state.root) },
    ...{ queue: toHex(toBytes(EMPTY_QUEUE)), queue_after: toHex(toBytes(last)), development_key: true },
  };
  assert.deepEqual(verdict, said);
  report(`${batches.length} proofs verified by snarkjs and, as one chain, by quittance-verify`);

  checkPublished(bundles, operations, plan);
  const expected = expectedAccounts(plan, payments(bundles));
  checkTotals(plan, replayed, payments(bundles));
  const rootOf = (index, { leafHash: leaf, levels }) => {
    assert.equal(fromBytes(leaf), leafHash(replayed.accounts.get(index)));
    return rootOfPath(fromBytes(leaf), index, levels.map(({ hashes }) => hashes.map(fromBytes)));
  };
  // Deposits to these leaves came to nothing.
  const empty = plan.requests.filter(({ request, done }) => !done && !expected.has(request.leaf)).map(({ request }) => request.leaf);
  await checkAccounts(client, replayed, expected, { rootOf, empty });
  await checkKeys(client, expected, plan.entries);
  const opened = plan.entries.find(({ operation }) => operation.kind === "opening").operation.to;
  const watched = [0, 1, opened, DEPOSITED, ...feeLeaves(plan.accounts).map(({ leaf }) => leaf)];
  await checkHistories(client, operations, watched);
  report(`${expected.size} accounts and the histories of ${watched.length} are as expected`);

  const require = createRequire(import.meta.url);
  proofs.checkSnarkjsCommand(join(dirname(require.resolve("snarkjs")), "cli.cjs"), batches.length);
  const forgeries = await proofs.checkForgeries(bundles);
  report(`${forgeries} changed bundles refused by both`);
  const counted = Object.fromEntries(Object.keys(total).map((kind) => [kind, countOf(kind, operations)]));
  assert.deepEqual(counted, total);
  return { ...counted, proofs: bundles.length, forgeries, root: toHex(toBytes(replayed.root())) };
}

/** Every batch: its proof, and that roots and queue follow from the one before by what is published. */
async function checkBatches(client, batches, replayed, proofs, report) {
  const bundles = [];
  let queue = EMPTY_QUEUE;
  for (const { number, oldRoot, newRoot, queueBefore, queueAfter: after, state: stage } of batches) {
    assert.equal(stage, "BATCH_STATE_PROVED");
    const bundle = await proofs.check(client, number);
    const { facts } = bundle;
    assert.equal(facts.rollupId, rollupId(0, Buffer.alloc(20)));
    assert.equal(facts.oldRoot, replayed.root(), `batch ${number} starts where the one before it ended`);
    assert.equal(facts.queue, queue, `the queue before batch ${number}`);
    replayed.apply(facts);
    queue = queueAfter(facts);
    assert.equal(facts.newRoot, replayed.root(), `batch ${number} does what its published data say`);
    assert.deepEqual([fromBytes(oldRoot), fromBytes(newRoot)], [facts.oldRoot, facts.newRoot]);
    assert.deepEqual([fromBytes(queueBefore), fromBytes(after)], [facts.queue, queue]);
    bundles.push(bundle);
    if (number % 10 === 0) report(`${number} of ${batches.length} proofs verified by snarkjs`);
  }
  return bundles;
}

/** What is there of each token is what was there, and what went in, less what went out. */
function checkTotals(plan, replayed, paid) {
  const before = new State(plan.accounts, replayed.levels).totals();
  const flow = flows(plan, paid);
  for (const [token, total] of replayed.totals()) {
    assert.equal(total, (before.get(token) ?? 0n) + (flow.get(token) ?? 0n), `the total of token ${token}`);
  }
}

/** How many operations of one kind the service lists, by the word for them in the last line. */
function countOf(word, operations) {
  const kinds = {
    ...{ transfers: "transfer", openings: "opening", withdrawals: "withdrawal", rotations: "rotation" },
    ...{ deposits: "deposit", exits: "forcedExit" },
  };
  return operations.filter((operation) => operation[kinds[word]] || operation.priority?.[kinds[word]]).length;
}

// Checks everything that a service did with a plan, trusting nothing but the verifying key from setup.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fromBytes, toHex, toBytes } from "./bytes.js";
import { checkAccounts, checkHistories, checkOperations, checkPublished } from "./history.js";
import { expectedAccounts } from "./plan.js";
import { Proofs } from "./proofs.js";
import { State, leafHash, rootOfPath } from "./state.js";
import { rollupId } from "./statement.js";
import { parseVerifyingKey } from "./verifying-key.js";

/** Without a new proof for so long, something is wrong. */
const PATIENCE_MS = 300_000;

/** Waits until everything that was accepted is proved. */
export async function settled(client, report) {
  let [last, since] = ["", Date.now()];
  for (;;) {
    const { state } = await client.request("GetState");
    const waiting = `${state.queuedOperations} transfers wait for a batch, ${state.unprovedBatches} batches for a proof`;
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
export async function check(client, plan, { ids, feeLeaf, keyFile, verify, folder, report }) {
  const state = await settled(client, report);
  const key = parseVerifyingKey(readFileSync(keyFile));
  const offered = await client.request("GetVerifyingKey", { keyId: key.id });
  assert.ok(offered.verifyingKey.equals(readFileSync(keyFile)), "the service's key is the one from setup");
  assert.equal(fromBytes(state.rollupId), rollupId(0, Buffer.alloc(20)), "rollup id");

  const batches = await client.list("ListBatches", "batches", { pageSize: 7 });
  assert.deepEqual(batches.map(({ number }) => number), batches.map((_, index) => index + 1));
  assert.equal(batches.length, state.batchNumber);
  const operations = await client.list("ListOperations", "operations", { pageSize: 50 });
  checkOperations(operations, plan.transfers, ids);
  report(`${operations.length} operations, each once`);

  const proofs = new Proofs(verify, keyFile, key, folder);
  const replayed = new State(plan.accounts, state.levels);
  assert.equal(replayed.root(), fromBytes(state.genesisRoot), "root of the accounts from circomlibjs");
  const bundles = [];
  for (const { number, oldRoot, newRoot, state: stage } of batches) {
    assert.equal(stage, "BATCH_STATE_PROVED");
    const bundle = await proofs.check(client, number);
    const { facts } = bundle;
    assert.equal(facts.rollupId, fromBytes(state.rollupId));
    assert.equal(facts.oldRoot, replayed.root(), `batch ${number} starts where the one before it ended`);
    replayed.apply(facts);
    assert.equal(facts.newRoot, replayed.root(), `batch ${number} does what its published data say`);
    assert.deepEqual([fromBytes(oldRoot), fromBytes(newRoot)], [facts.oldRoot, facts.newRoot]);
    bundles.push(bundle);
    if (number % 10 === 0) report(`${number} of ${batches.length} proofs verified by snarkjs`);
  }
  assert.equal(replayed.root(), fromBytes(state.root), "the chain of roots ends at the state's");
  const verdict = proofs.checkChain(batches.map(({ number }) => number));
  assert.deepEqual(
    [verdict.status, verdict.transfers, verdict.old_root, verdict.new_root],
    ["verified", plan.transfers.length, ...[state.genesisRoot, state.root].map(toHex)],
  );
  report(`${batches.length} proofs verified by snarkjs and, as one chain, by quittance-verify`);

  checkPublished(bundles, operations, plan.transfers);
  const expected = expectedAccounts(plan.accounts, plan.transfers, feeLeaf);
  const rootOf = (index, { leafHash: leaf, levels }) => {
    assert.equal(fromBytes(leaf), leafHash(replayed.accounts[index]));
    return rootOfPath(fromBytes(leaf), index, levels.map(({ hashes }) => hashes.map(fromBytes)));
  };
  await checkAccounts(client, replayed, expected, rootOf);
  await checkHistories(client, operations, [0, 1, Math.floor(plan.accounts.length / 2), feeLeaf]);
  report(`${expected.length} accounts and the histories of 4 are as expected`);

  const require = createRequire(import.meta.url);
  proofs.checkSnarkjsCommand(join(dirname(require.resolve("snarkjs")), "cli.cjs"), batches.length);
  const forgeries = await proofs.checkForgeries(batches.length);
  report(`${forgeries} changed bundles refused by both`);
  return { transfers: operations.length, proofs: bundles.length, forgeries, root: toHex(toBytes(replayed.root())) };
}

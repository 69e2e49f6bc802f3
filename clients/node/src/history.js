// Whether the service executed what was sent: each transfer exactly once, in operations, batches and published data.
import assert from "node:assert/strict";
import { decode, AMOUNT_MANTISSA, FEE_MANTISSA } from "./floats.js";
import { equal } from "./transfers.js";

/** Transfers are told apart by sender and nonce, which no valid history repeats. */
const name = ({ from, nonce }) => `${from}/${nonce}`;

/** Checks the list of operations against the plan. `ids` are those that the service answered with, or null. */
export function checkOperations(operations, transfers, ids) {
  assert.equal(operations.length, transfers.length, "number of operations");
  const planned = new Map(transfers.map(({ signed }, index) => [name(signed), { signed, id: ids[index] }]));
  operations.forEach((operation, index) => {
    assert.equal(operation.id, String(index + 1), "operation ids have no gaps");
    assert.equal(operation.state, "OPERATION_STATE_EXECUTED", `operation ${operation.id}`);
    const entry = planned.get(name(operation.transfer));
    assert.ok(entry, `operation ${operation.id} was sent, and is there once`);
    planned.delete(name(operation.transfer));
    assert.ok(equal(operation.transfer, entry.signed), `operation ${operation.id} is what was sent`);
    if (entry.id !== null) assert.equal(operation.id, entry.id, "the id that the service answered with");
  });
}

/** Checks the published data of all batches, in order, against plan and operations. */
export function checkPublished(bundles, operations, transfers) {
  const planned = new Map(transfers.map(({ transfer }) => [name(transfer), transfer]));
  const nonces = new Map();
  for (const { facts } of bundles) {
    for (const { from, to, amount, fee } of facts.transfers) {
      const nonce = nonces.get(from) ?? 0;
      nonces.set(from, nonce + 1);
      const sent = planned.get(name({ from, nonce }));
      assert.ok(sent, `transfer ${nonce} of account ${from} was sent, and is published once`);
      planned.delete(name({ from, nonce }));
      const published = { to, amount: decode(amount, AMOUNT_MANTISSA), fee: decode(fee, FEE_MANTISSA) };
      assert.deepEqual(published, { to: sent.to, amount: sent.amount, fee: sent.fee });
    }
  }
  assert.equal(planned.size, 0, "every transfer is published");
  const byNumber = new Map(bundles.map(({ facts }) => [facts.batchNumber, facts]));
  for (const { id, transfer, execution } of operations) {
    const data = byNumber.get(execution.batch)?.transfers[execution.position];
    const expected = [transfer.from, transfer.to, BigInt(transfer.amountFloat40), BigInt(transfer.feeFloat16)];
    assert.deepEqual(data && [data.from, data.to, data.amount, data.fee], expected, `operation ${id} is where it says`);
  }
}

/** Checks the history of some accounts, forwards and backwards, in small pages. */
export async function checkHistories(client, operations, accounts) {
  for (const account of accounts) {
    const expected = operations.filter(({ transfer: { from, to } }) => from === account || to === account);
    for (const newestFirst of [false, true]) {
      const request = { account, newestFirst, pageSize: 7 };
      const listed = await client.list("ListOperations", "operations", request);
      const ids = expected.map(({ id }) => id);
      assert.deepEqual(listed.map(({ id }) => id), newestFirst ? ids.reverse() : ids, `history of account ${account}`);
    }
  }
}

/** Checks balances and nonces of all accounts, and of some the path to the root. */
export async function checkAccounts(client, state, expected, rootOf) {
  for (const [index, { balance, nonce }] of expected.entries()) {
    assert.deepEqual([state.accounts[index].balance, state.accounts[index].nonce], [balance, nonce], `account ${index}`);
    const { account } = await client.request("GetAccount", { index, includePath: index % 10 === 0 });
    assert.deepEqual(
      [BigInt("0x" + account.balance.toString("hex")), account.nonce],
      [balance, nonce],
      `account ${index} in the service`,
    );
    if (account.path) assert.equal(rootOf(index, account.path), state.root(), `path of account ${index}`);
  }
}

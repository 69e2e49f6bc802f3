// What must be refused, with the status and the rule that the .proto files promise; and leaves no trace.
import assert from "node:assert/strict";
import { status as codes } from "@grpc/grpc-js";
import { HALF, exiting, makeHolder } from "./accounts.js";
import { NO_KEYS } from "./circomlib.js";
import { signOperation, withSignature } from "./operations.js";
import { DEPOSIT, forcedExit, toMessage } from "./priority.js";
import { nameOf } from "./scenarios.js";
import { rollupId } from "./statement.js";
import { errorInfo } from "./status.js";

const ROLLUP = rollupId(0, Buffer.alloc(20));
const BAD = codes.INVALID_ARGUMENT;
const NOW = codes.FAILED_PRECONDITION;
const FOR_EVER = 2 ** 32 - 1;
const [, IDENTITY, , WHOLE_CURVE] = NO_KEYS;

/** Sends wrong operations of every kind to a service in its first state. Returns how many were refused. */
export async function checkRefusals(client, { seed, accounts, entries }) {
  const [{ secret, key, owner }, size] = [accounts[0], accounts.length];
  const base = { from: 0, fee: 10n, nonce: 0, validUntil: FOR_EVER };
  const kinds = {
    transfer: { kind: "transfer", ...base, to: 2, amount: 1_000n },
    opening: { kind: "opening", ...base, to: size, amount: 1_000n, key, owner },
    withdrawal: { kind: "withdrawal", ...base, amount: 1_001n, address: owner },
    rotation: { kind: "rotation", ...base, key, owner },
  };
  const { transfer, opening, withdrawal, rotation } = kinds;
  const signed = (operation, change = {}, rollup = ROLLUP) => signOperation(rollup, { ...operation, ...change }, secret);
  /** An operation with the signature of something else. */
  const unsigned = (operation, of) => withSignature(operation, Object.values(signed(of))[0].signature);
  const badly = (operation, change) => {
    const { [operation.kind]: fields } = signed(operation);
    return { [operation.kind]: { ...fields, signature: fields.signature && { ...fields.signature, ...change } } };
  };
  const without = (operation, field, value) => {
    const { [operation.kind]: fields } = signed(operation);
    return { [operation.kind]: { ...fields, [field]: value } };
  };
  const other = makeHolder(seed, "somebody else");

  const everyKind = Object.values(kinds).flatMap((operation) => [
    [`${operation.kind}: another rollup's signature`, signed(operation, {}, rollupId(1, Buffer.alloc(20))), BAD, "SIGNATURE_VALID"],
    [`${operation.kind}: another fee than signed`, unsigned({ ...operation, fee: 20n }, operation), BAD, "SIGNATURE_VALID"],
    [`${operation.kind}: a scalar out of range`, badly(operation, { s: Buffer.alloc(32, 0xff) }), BAD],
    [`${operation.kind}: a short coordinate`, badly(operation, { r8x: Buffer.alloc(31) }), BAD],
    [`${operation.kind}: no signature`, without(operation, "signature", null), BAD],
    [`${operation.kind}: a nonce ahead`, signed(operation, { nonce: 1 }), NOW, "NONCE_MATCHES"],
    [`${operation.kind}: a day gone by`, signed(operation, { validUntil: 0 }), NOW, "NOT_EXPIRED"],
    [`${operation.kind}: nobody`, signed(operation, { from: HALF }), NOW, "SENDER_EXISTS"],
    [`${operation.kind}: a fee above the balance`, signed(operation, { fee: 2047n * 10n ** 20n }), NOW, "BALANCE_COVERS"],
  ]);
  const refused = [
    ...everyKind,
    ["no operation", {}, BAD],
    ["a transfer of too much", signed(transfer, { amount: 10n ** 30n }), NOW, "BALANCE_COVERS"],
    ["a transfer to nobody", signed(transfer, { to: size }), NOW, "RECIPIENT_EXISTS"],
    ["a transfer to another token", signed(transfer, { to: 1 }), NOW, "TOKEN_MATCHES"],
    ["an opening with a transfer's signature", unsigned(opening, { ...transfer, to: size }), BAD, "SIGNATURE_VALID"],
    ["an opening of an existing leaf", signed(opening, { to: 2 }), NOW, "LEAF_EMPTY"],
    ["an opening of a leaf for deposits", signed(opening, { to: HALF }), BAD, "RECIPIENT_IN_RANGE"],
    ["an opening with another key than signed", unsigned({ ...opening, key: other.key }, opening), BAD, "SIGNATURE_VALID"],
    ["an opening with another owner than signed", unsigned({ ...opening, owner: 1n }, opening), BAD, "SIGNATURE_VALID"],
    ["an opening with a key off the subgroup", signed(opening, { key: WHOLE_CURVE }), BAD, "KEY_VALID"],
    ["an opening without owner", signed(opening, { owner: 0n }), BAD, "OWNER_NONZERO"],
    ["an opening with too much", signed(opening, { amount: 10n ** 30n }), NOW, "BALANCE_COVERS"],
    ["a withdrawal to address 0", signed(withdrawal, { address: 0n }), BAD, "ADDRESS_IN_RANGE"],
    ["a withdrawal to another address than signed", unsigned({ ...withdrawal, address: 1n }, withdrawal), BAD, "SIGNATURE_VALID"],
    ["a withdrawal of too much", signed(withdrawal, { amount: (1n << 128n) - 1n }), NOW, "BALANCE_COVERS"],
    ["a withdrawal of 17 bytes", without(withdrawal, "amount", Buffer.alloc(17)), BAD],
    ["a rotation to the identity", signed(rotation, { key: IDENTITY }), BAD, "KEY_VALID"],
    ["a rotation without owner", signed(rotation, { owner: 0n }), BAD, "OWNER_NONZERO"],
    ["a rotation to another key than signed", unsigned({ ...rotation, key: other.key }, rotation), BAD, "SIGNATURE_VALID"],
    ["a rotation signed by the new key", signOperation(ROLLUP, { ...rotation, key: other.key }, other.secret), BAD, "SIGNATURE_VALID"],
  ];
  const before = (await client.request("GetState")).state;
  // Under the key of what comes first: a refused request does not use it up.
  const [{ idempotencyKey }] = entries;
  for (const one of refused) await checkRefused(client, one, idempotencyKey);
  // A batch is refused as a whole.
  const operations = [signed(opening), signed(withdrawal, { nonce: 1, address: 0n })];
  const error = await refusal(client, "SubmitBatch", { operations, idempotencyKey });
  assert.deepEqual([error?.code, errorInfo(error)?.reason], [BAD, "ADDRESS_IN_RANGE"], error?.message);
  assert.deepEqual((await client.request("GetState")).state, before, "what is refused leaves no trace");
  return refused.length + 1;
}

/** The same for what is wrong only after the plan was sent. */
export async function checkLateRefusals(client, plan, watcher) {
  const { seed, accounts, entries, requests } = plan;
  // The payer of scenario 0 opened an account, withdrew and changed its key.
  const sent = entries.filter(({ way, operation }) => operation.from === 0 && way !== "reflection");
  const now = secretNow(plan, 0, sent);
  const base = { from: 0, fee: 0n, nonce: sent.length, validUntil: FOR_EVER };
  const transfer = { kind: "transfer", ...base, to: 2, amount: 1n };
  const used = (kind) => sent.find(({ operation }) => operation.kind === kind).signed;
  const opened = sent.find(({ operation }) => operation.kind === "opening").operation;
  const { key, owner } = makeHolder(seed, "somebody else");
  const refused = [
    ["the key before the rotation", signOperation(ROLLUP, transfer, accounts[0].secret), BAD, "SIGNATURE_VALID"],
    ["an opening of what was opened", signOperation(ROLLUP, { ...opened, ...base, key, owner }, now), NOW, "LEAF_EMPTY"],
    ...["transfer", "opening", "withdrawal", "rotation"].map((kind) => [`the same ${kind} again`, used(kind), NOW, "NONCE_MATCHES"]),
  ];
  const [leaver] = exiting(accounts);
  if (watcher.ids.has(requests.findIndex(({ request }) => request.kind !== DEPOSIT && request.leaf === leaver))) {
    const { secret, balance } = accounts[leaver];
    const operation = { ...transfer, from: leaver, nonce: 0, amount: balance, fee: 0n };
    refused.push(["what a forced exit has paid", signOperation(ROLLUP, operation, secret), NOW, "BALANCE_COVERS"]);
  }
  const last = async () => (await client.request("GetState")).state.lastOperation;
  const before = await last();
  for (const one of refused) await checkRefused(client, one, Buffer.from(`late ${one[0]}`));

  const next = await watcher.check();
  const different = toMessage(0, forcedExit(5, 1n));
  for (const [message, code, reason] of [
    [toMessage(next + 1, forcedExit(5, 1n)), NOW, "QUEUE_GAP"],
    [different, codes.ALREADY_EXISTS, "PRIORITY_DIFFERS"],
  ]) {
    const attempt = client.exchangeOnce("SubmitPriority", [{ operation: message }], () => {}, () => {});
    const error = await attempt.then(() => null, (thrown) => thrown);
    assert.deepEqual([error?.code, errorInfo(error)?.reason], [code, reason], error?.message);
  }
  assert.equal(await watcher.check(), next);
  assert.equal(await last(), before, "what is refused leaves no trace");
  return refused.length + 2;
}

async function checkRefused(client, [what, operation, code, rule], idempotencyKey) {
  const error = await refusal(client, "SubmitOperation", { operation, idempotencyKey });
  assert.equal(error?.code, code, `${what}: ${error?.message ?? "was accepted"}`);
  if (rule) assert.equal(errorInfo(error)?.reason, rule, what);
}

/** The error of a request that must not be answered; null if it was. */
function refusal(client, method, request) {
  return client.once(method, request).then(() => null, (error) => error);
}

/** The secret of an account's key after these operations. */
function secretNow({ seed, scenarios, accounts }, leaf, operations) {
  const rotation = operations.findLast(({ operation }) => operation.kind === "rotation");
  const rotated = Array.from({ length: scenarios }, (_, number) => makeHolder(seed, nameOf(number, "rotated")));
  return [accounts[leaf], ...rotated].find(({ key }) => key.join() === rotation.operation.key.join()).secret;
}

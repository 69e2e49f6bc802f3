// The messages of the .proto files carry what this client means, there and back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { definition } from "../src/client.js";
import { publicKey } from "../src/circomlib.js";
import { equal, kindOf, signOperation } from "../src/operations.js";
import { deposit, forcedExit, fromMessage, toMessage } from "../src/priority.js";

const service = definition["quittance.v1.Quittance"];
const sent = (method, request) => service[method].requestDeserialize(service[method].requestSerialize(request));

test("signed operations, one by one, in streams and in batches", () => {
  const [key, owner] = [publicKey(Buffer.alloc(32, 3)), 7n];
  const common = { from: 2 ** 32 - 1, fee: 20n, nonce: 0, validUntil: 2 ** 32 - 1 };
  const all = [
    { kind: "transfer", ...common, to: 0, amount: 0n },
    { kind: "opening", ...common, to: 4, amount: 15_000n, key, owner },
    { kind: "withdrawal", ...common, amount: (1n << 128n) - 1n, address: owner },
    { kind: "rotation", ...common, key, owner },
  ].map((operation) => signOperation(0n, operation, Buffer.alloc(32, 4)));
  const idempotencyKey = Buffer.from("key");
  for (const operation of all) {
    for (const method of ["SubmitOperation", "SubmitOperations"]) {
      const read = sent(method, { operation, idempotencyKey });
      assert.equal(read.operation.kind, kindOf(operation));
      assert.ok(equal(read.operation, operation));
      assert.deepEqual(read.idempotencyKey, idempotencyKey);
    }
  }
  const { operations } = sent("SubmitBatch", { operations: all, idempotencyKey });
  assert.ok(operations.length === all.length && operations.every((operation, index) => equal(operation, all[index])));
  assert.equal(sent("SubmitOperation", { operation: {} }).operation.kind, undefined);
});

test("the root chain's requests", () => {
  const requests = [
    deposit(2 ** 32 - 1, 2 ** 32 - 1, (1n << 128n) - 1n, (1n << 160n) - 1n, publicKey(Buffer.alloc(32, 3))),
    deposit(0, 0, 0n, 0n, [0n, 0n]),
    forcedExit(0, 0n),
    forcedExit(2 ** 32 - 1, 9n),
  ];
  for (const [index, request] of requests.entries()) {
    const { operation } = sent("SubmitPriority", { operation: toMessage(index, request) });
    assert.equal(operation.index, String(index));
    assert.deepEqual(fromMessage(operation), request);
  }
});

// What must be refused, with the status, the rule and the field that the .proto files promise; and leaves no trace.
import assert from "node:assert/strict";
import { status as codes } from "@grpc/grpc-js";
import { rollupId } from "./statement.js";
import { errorInfo } from "./status.js";
import { signTransfer } from "./transfers.js";

/** Sends wrong transfers in a state in which the right one is `entry`. Returns how many were refused. */
export async function checkRefusals(client, accounts, entry) {
  const { transfer, signed } = entry;
  const { secret } = accounts[transfer.from];
  const resigned = (change, rollup = rollupId(0, Buffer.alloc(20))) =>
    signTransfer(rollup, { ...transfer, ...change }, secret);
  const badly = (signature) => ({ ...signed, signature: { ...signed.signature, ...signature } });
  const before = (await client.request("GetState")).state;

  const refused = [
    ["another rollup's signature", resigned({}, rollupId(1, Buffer.alloc(20))), codes.INVALID_ARGUMENT],
    ["a changed amount", { ...signed, amountFloat40: String(BigInt(signed.amountFloat40) ^ 1n) }, codes.INVALID_ARGUMENT],
    ["a scalar out of range", badly({ s: Buffer.alloc(32, 0xff) }), codes.INVALID_ARGUMENT],
    ["a short coordinate", badly({ r8x: Buffer.alloc(31) }), codes.INVALID_ARGUMENT],
    ["no signature", { ...signed, signature: null }, codes.INVALID_ARGUMENT],
    ["a nonce ahead", resigned({ nonce: transfer.nonce + 1 }), codes.FAILED_PRECONDITION, "NONCE_MATCHES"],
    ["too much", resigned({ amount: 10n ** 30n }), codes.FAILED_PRECONDITION, "BALANCE_COVERS"],
    ["nobody", resigned({ to: accounts.length }), codes.FAILED_PRECONDITION, "RECIPIENT_EXISTS"],
    ["a day gone by", resigned({ validUntil: 0 }), codes.FAILED_PRECONDITION, "NOT_EXPIRED"],
  ];
  for (const [what, wrong, code, rule] of refused) {
    // Under the right one's key: a refused request does not use it up.
    const request = { transfer: wrong, idempotencyKey: entry.idempotencyKey };
    const error = await client.once("SubmitTransfer", request).then(() => null, (thrown) => thrown);
    assert.equal(error?.code, code, `${what}: ${error?.message ?? "was accepted"}`);
    if (rule) assert.equal(errorInfo(error)?.reason, rule, what);
  }
  assert.deepEqual((await client.request("GetState")).state, before, "what is refused leaves no trace");
  return refused.length;
}

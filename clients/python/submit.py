#!/usr/bin/env python3
"""Submits signed transfers, waits for their proofs and fetches one: everything through reflection.

usage: submit.py --server HOST:PORT --transfers FILE --bundle FILE

The transfers are JSON as `quittance sign` prints it, in an array; the bundle is written as JSON. The last line on
standard output is one JSON object; progress goes to standard error.
"""

import argparse
import hashlib
import json
import sys
import time

import grpc

from reflected import Reflected

SERVICE = "quittance.v1.Quittance"
# Everything that was submitted before has to be proved first.
PROOF_TIMEOUT_S = 1800


def report(text):
    print(f"  {time.monotonic() - STARTED:6.1f} s  {text}", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", required=True, metavar="HOST:PORT")
    parser.add_argument("--transfers", required=True, metavar="FILE")
    parser.add_argument("--bundle", required=True, metavar="FILE")
    arguments = parser.parse_args()
    with open(arguments.transfers, encoding="utf-8") as file:
        transfers = json.load(file)

    service = Reflected(arguments.server, SERVICE)
    report(f"{SERVICE} has {len(service.methods())} methods, by reflection; no .proto file, no generated code")
    tell_policy(service)

    operations = [submit(service, transfer) for transfer in transfers]
    check_keys(service, transfers, operations)
    report(f"{len(operations)} transfers accepted: operations {operations[0].id} to {operations[-1].id}")

    batch = watch(service, operations[-1].id)
    proof = service.call("GetProof", {"number": batch, "format": "BUNDLE_FORMAT_JSON"})
    check_bundle(json.loads(proof.bundle), batch, transfers[-1])
    with open(arguments.bundle, "wb") as file:
        file.write(proof.bundle)
    report(f"the proof of batch {batch} holds operation {operations[-1].id}")
    print(json.dumps({"operations": [operation.id for operation in operations], "batch": batch}))


def tell_policy(service):
    policy = service.call("GetPolicy").policy
    for token in policy.tokens:
        least = int.from_bytes(token.minimum_fee, "big")
        report(f"policy: token {token.token}: fee at least {least}, to leaf {token.fee_leaf}")
    batching = policy.batching
    report(f"policy: a batch from {batching.max_transfers} transfers or after {batching.max_delay_ms} ms")
    state = service.call("GetState").state
    report(f"state: batch {state.batch_number}, root 0x{state.root.hex()[:12]}…, {state.queued_operations} queued")


def key_of(transfer):
    """An idempotency key that is the same whenever this transfer is sent."""
    return hashlib.sha256(json.dumps(transfer, sort_keys=True).encode()).digest()


def submit(service, transfer):
    request = {"transfer": transfer, "idempotency_key": key_of(transfer)}
    answer = service.call("SubmitTransfer", request)
    if answer.repeated:
        raise RuntimeError(f"operation {answer.operation.id} was there already")
    return answer.operation


def check_keys(service, transfers, operations):
    """The same again is the same operation; something else under the same key is refused."""
    key = key_of(transfers[-1])
    again = service.call("SubmitTransfer", {"transfer": transfers[-1], "idempotency_key": key})
    if not again.repeated or again.operation.id != operations[-1].id:
        raise RuntimeError(f"a repeated transfer became operation {again.operation.id}")
    try:
        service.call("SubmitTransfer", {"transfer": transfers[0], "idempotency_key": key})
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.ALREADY_EXISTS:
            raise
    else:
        raise RuntimeError("a key was taken for two contents")


def watch(service, operation_id):
    """Follows an operation until its batch is proved; returns the batch's number."""
    told = None
    batch = None
    for event in service.call("WatchOperation", {"id": operation_id}, timeout=PROOF_TIMEOUT_S):
        state = service.enum_name(event.operation, "state")
        stage = (state, service.enum_name(event.progress, "state"), int(4 * event.progress.fraction))
        if stage != told:
            told = stage
            report(f"operation {operation_id}: {state}, batch {event.progress.number}, {stage[1]}, "
                   f"{100 * event.progress.fraction:.0f} %")
        if event.operation.HasField("execution"):
            batch = event.operation.execution.batch
    if told is None or told[1] != "BATCH_STATE_PROVED":
        raise RuntimeError(f"operation {operation_id} ended as {told}")
    return batch


def check_bundle(bundle, batch, transfer):
    facts = bundle["facts"]
    if facts["batch_number"] != batch:
        raise RuntimeError(f"the bundle is of batch {facts['batch_number']}, not {batch}")
    published = [(entry["from"], entry["to"], encoded(entry["amount"], 35), encoded(entry["fee"], 11))
                 for entry in facts["transfers"]]
    if tuple(transfer[name] for name in ("from", "to", "amount_float40", "fee_float16")) not in published:
        raise RuntimeError("the bundle does not hold the transfer")


def encoded(text, mantissa_bits):
    """The encoding that a bundle writes as <mantissa>e<exponent>."""
    mantissa, exponent = text.split("e")
    return int(exponent) << mantissa_bits | int(mantissa)


if __name__ == "__main__":
    STARTED = time.monotonic()
    main()

#!/usr/bin/env python3
"""Submits operations of every kind, waits for their proofs and fetches one: everything through reflection.

usage: submit.py --server HOST:PORT --operations FILE --priority FILE --bundle FILE

The operations are JSON as `quittance sign` prints it, in an array; the root chain's are as `quittance priority` prints them, with
their indices. The bundle is written as JSON. The last line on standard output is one JSON object; progress goes to standard
error.
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
AMOUNT_MANTISSA_BITS = 35
FEE_MANTISSA_BITS = 11


def report(text):
    print(f"  {time.monotonic() - STARTED:6.1f} s  {text}", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in [("server", "HOST:PORT"), ("operations", "FILE"), ("priority", "FILE"), ("bundle", "FILE")]:
        parser.add_argument(f"--{name}", required=True, metavar=value)
    arguments = parser.parse_args()
    sent = [message(operation) for operation in read(arguments.operations)]
    requests = [message(operation) for operation in read(arguments.priority)]

    service = Reflected(arguments.server, SERVICE)
    report(f"{SERVICE} has {len(service.methods())} methods, by reflection; no .proto file, no generated code")
    tell_policy(service)

    entered = enter(service, requests)
    report(f"{len(entered)} deposits and forced exits entered: operations {entered}")
    operations = [submit(service, operation) for operation in sent]
    check_keys(service, sent, operations)
    kinds = ", ".join(kind(operation) for operation in sent)
    report(f"{len(operations)} operations accepted: {operations[0].id} to {operations[-1].id}: {kinds}")

    bundles = {}
    for operation, answered in zip(sent, operations, strict=True):
        execution = watch(service, answered.id)
        if execution.batch not in bundles:
            proof = service.call("GetProof", {"number": execution.batch, "format": "BUNDLE_FORMAT_JSON"})
            bundles[execution.batch] = proof.bundle
        check_bundle(service, json.loads(bundles[execution.batch]), execution, operation)
    batch = max(bundles)
    with open(arguments.bundle, "wb") as file:
        file.write(bundles[batch])
    report(f"{len(bundles)} bundles hold them; that of batch {batch} is kept")
    ids = entered + [operation.id for operation in operations]
    print(json.dumps({"operations": ids, "batch": batch}))


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def kind(operation):
    return next(name for name in operation if name != "index")


def message(operation):
    """What is in a file, as the message has it: exact amounts are decimal there, and 16 bytes here."""
    name = kind(operation)
    fields = dict(operation[name])
    if "amount" in fields:
        fields["amount"] = int(fields["amount"]).to_bytes(16, "big")
    return {**operation, name: fields}


def tell_policy(service):
    policy = service.call("GetPolicy").policy
    for token in policy.tokens:
        least = int.from_bytes(token.minimum_fee, "big")
        report(f"policy: token {token.token}: fee at least {least}, to leaf {token.fee_leaf}")
    batching = policy.batching
    report(f"policy: a batch from {batching.max_operations} operations or after {batching.max_delay_ms} ms")
    state = service.call("GetState").state
    report(f"state: batch {state.batch_number}, root 0x{state.root.hex()[:12]}…, {state.queued_operations} queued")


def enter(service, requests):
    """The root chain's queue goes on with these; sent twice, they are the same operations."""
    queue = service.call("GetQueue").queue
    if requests and queue.next_index != requests[0]["index"]:
        raise RuntimeError(f"the queue goes on with {queue.next_index}, not with {requests[0]['index']}")
    stream = [{"operation": request} for request in requests]
    first = list(service.call("SubmitPriority", stream))
    again = list(service.call("SubmitPriority", stream))
    for request, one, other in zip(requests, first, again, strict=True):
        if one.index != request["index"] or one.repeated:
            raise RuntimeError(f"request {request['index']} was answered as {one.index}")
        if not other.repeated or (one.operation_id, one.queue_hash) != (other.operation_id, other.queue_hash):
            raise RuntimeError(f"repeated request {one.index} became operation {other.operation_id}")
    if requests and service.call("GetQueue").queue.hash != first[-1].queue_hash:
        raise RuntimeError("the queue's hash is not that of its last operation")
    return [answer.operation_id for answer in first]


def key_of(operation):
    """An idempotency key that is the same whenever this operation is sent."""
    return hashlib.sha256(repr(operation).encode()).digest()


def submit(service, operation):
    request = {"operation": operation, "idempotency_key": key_of(operation)}
    answer = service.call("SubmitOperation", request)
    if answer.repeated:
        raise RuntimeError(f"operation {answer.operation.id} was there already")
    return answer.operation


def check_keys(service, sent, operations):
    """The same again is the same operation; something else under the same key is refused."""
    key = key_of(sent[-1])
    again = service.call("SubmitOperation", {"operation": sent[-1], "idempotency_key": key})
    if not again.repeated or again.operation.id != operations[-1].id:
        raise RuntimeError(f"a repeated operation became operation {again.operation.id}")
    try:
        service.call("SubmitOperation", {"operation": sent[0], "idempotency_key": key})
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.ALREADY_EXISTS:
            raise
    else:
        raise RuntimeError("a key was taken for two contents")


def watch(service, operation_id):
    """Follows an operation until its batch is proved; returns its execution."""
    told = None
    execution = None
    for event in service.call("WatchOperation", {"id": operation_id}, timeout=PROOF_TIMEOUT_S):
        state = service.enum_name(event.operation, "state")
        stage = (state, service.enum_name(event.progress, "state"), int(4 * event.progress.fraction))
        # Where several operations are in one batch, only the first one's way is told.
        first, changed, told = told is None, stage != told, stage
        if changed and not (first and stage[1] == "BATCH_STATE_PROVED"):
            report(f"operation {operation_id}: {state}, batch {event.progress.number}, {stage[1]}, "
                   f"{100 * event.progress.fraction:.0f} %")
        if event.operation.HasField("execution"):
            execution = event.operation.execution
    if told is None or told[1] != "BATCH_STATE_PROVED":
        raise RuntimeError(f"operation {operation_id} ended as {told}")
    return execution


def check_bundle(service, bundle, execution, operation):
    """The bundle publishes the operation, in the section and at the place that the service says."""
    facts = bundle["facts"]
    if facts["batch_number"] != execution.batch:
        raise RuntimeError(f"the bundle is of batch {facts['batch_number']}, not {execution.batch}")
    section = service.enum_name(execution, "section").removeprefix("SECTION_").lower()
    name = kind(operation)
    fields = operation[name]
    published = facts[section][execution.position]
    found = {"from": published["from"], "fee_float16": encoded(published["fee"], FEE_MANTISSA_BITS)}
    if "to" in fields:
        found |= {"to": published["to"], "amount_float40": encoded(published["amount"], AMOUNT_MANTISSA_BITS)}
    if "address" in fields:
        found |= {"address": published["address"], "amount": int(published["amount"]).to_bytes(16, "big")}
    if "owner" in fields:
        found |= {"owner": published["owner"], "key_x": published["key"]["x"], "key_y": published["key"]["y"]}
    if section != f"{name}s" or any(fields[field] != value for field, value in found.items()):
        raise RuntimeError(f"{section} {execution.position} of batch {execution.batch} is not the {name}")


def encoded(text, mantissa_bits):
    """The encoding that a bundle writes as <mantissa>e<exponent>."""
    mantissa, exponent = text.split("e")
    return int(exponent) << mantissa_bits | int(mantissa)


if __name__ == "__main__":
    STARTED = time.monotonic()
    main()

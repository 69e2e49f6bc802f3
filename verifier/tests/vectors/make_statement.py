#!/usr/bin/env python3
"""Makes statement.json: facts, elements, (h, z, y), keys, proofs and bundles of batches and exits, and the priority
queue's hashes, written a second time.

Nothing here shares code with the Rust crate or any library: keccak256, the fields, the curves and the
encodings are written from shared definitions (DESIGN.md, verifier/README.md) in plain Python. Keys and proofs
are made from known discrete logarithms: with the secrets of a setup in hand a proof of any statement is one
equation, ab = alpha*beta + l*gamma + c*delta, so no circuit and no pairing is needed to make a valid one.

Usage: python3 make_statement.py > statement.json    (deterministic; Python 3.8 or later, no packages)
"""

import json
import random

R = 21888242871839275222246405745257275088548364400416034343698204186575808495617
Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583
MASK_248 = (1 << 248) - 1


# --- keccak256 ----------------------------------------------------------------------------------------------

def keccak256(data):
    mask = (1 << 64) - 1

    def rotate(value, bits):
        bits %= 64
        return ((value << bits) | (value >> (64 - bits))) & mask

    constants, lfsr = [], 1
    for _ in range(24):
        constant = 0
        for j in range(7):
            if lfsr & 1:
                constant ^= 1 << ((1 << j) - 1)
            lfsr = (lfsr << 1) ^ (0x171 if lfsr & 0x80 else 0)
        constants.append(constant)

    def permute(a):
        for constant in constants:
            c = [a[x][0] ^ a[x][1] ^ a[x][2] ^ a[x][3] ^ a[x][4] for x in range(5)]
            d = [c[x - 1] ^ rotate(c[(x + 1) % 5], 1) for x in range(5)]
            a = [[a[x][y] ^ d[x] for y in range(5)] for x in range(5)]
            b = [[0] * 5 for _ in range(5)]
            b[0][0] = a[0][0]
            x, y = 1, 0
            for t in range(24):
                b[y][(2 * x + 3 * y) % 5] = rotate(a[x][y], (t + 1) * (t + 2) // 2)
                x, y = y, (2 * x + 3 * y) % 5
            a = [[b[x][y] ^ (~b[(x + 1) % 5][y] & mask & b[(x + 2) % 5][y]) for y in range(5)] for x in range(5)]
            a[0][0] ^= constant
        return a

    padded = bytearray(data) + b"\x01"
    padded += bytes(-len(padded) % 136)
    padded[-1] |= 0x80
    state = [[0] * 5 for _ in range(5)]
    for block in range(0, len(padded), 136):
        for i in range(17):
            lane = padded[block + 8 * i:block + 8 * i + 8]
            state[i % 5][i // 5] ^= int.from_bytes(lane, "little")
        state = permute(state)
    return b"".join(state[i % 5][i // 5].to_bytes(8, "little") for i in range(4))


assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


def tag(name):
    return keccak256(b"quittance." + name + b".v1")


def word(value):
    return value.to_bytes(32, "big")


def hexadecimal(data):
    return "0x" + data.hex()


# --- BN254: affine points as (x, y); Fq2 as (c0, c1) ---------------------------------------------------------

class Fq2:
    def __init__(self, c0, c1=0):
        self.c0, self.c1 = c0 % Q, c1 % Q

    def __add__(self, o): return Fq2(self.c0 + o.c0, self.c1 + o.c1)
    def __sub__(self, o): return Fq2(self.c0 - o.c0, self.c1 - o.c1)
    def __mul__(self, o): return Fq2(self.c0 * o.c0 - self.c1 * o.c1, self.c0 * o.c1 + self.c1 * o.c0)
    def __eq__(self, o): return (self.c0, self.c1) == (o.c0, o.c1)
    def times(self, k): return Fq2(self.c0 * k, self.c1 * k)

    def inverse(self):
        norm = pow(self.c0 * self.c0 + self.c1 * self.c1, -1, Q)
        return Fq2(self.c0 * norm, -self.c1 * norm)

    def words(self): return word(self.c1) + word(self.c0)


class Fq(Fq2):
    """An element of Fq, as one of Fq2 whose c1 is 0."""

    def words(self): return word(self.c0)


def add(p, q):
    if p is None or q is None:
        return q if p is None else p
    (x1, y1), (x2, y2) = p, q
    if x1 == x2:
        if y1 != y2:
            return None
        slope = (x1 * x1).times(3) * y1.times(2).inverse()
    else:
        slope = (y2 - y1) * (x2 - x1).inverse()
    x3 = slope * slope - x1 - x2
    return x3, slope * (x1 - x3) - y1


def mul(point, scalar):
    result = None
    for bit in bin(scalar % R)[2:]:
        result = add(result, result)
        if bit == "1":
            result = add(result, point)
    return result


G1 = (Fq(1), Fq(2))
G2 = (
    Fq2(10857046999023057135944570762232829481370756359578518086990519993285655852781,
        11559732032986387107991004021392285783925812861821192530917403151452391805634),
    Fq2(8495653923123431417604973247489272438418190587263600148770280649306958101930,
        4082367875863433681332203403145435568316851327593401208105741076214120093531),
)
assert mul(G1, R - 1) == (Fq(1), Fq(Q - 2)) and add(mul(G2, R - 1), G2) is None


def g1(scalar):
    x, y = mul(G1, scalar)
    return Fq(x.c0).words() + Fq(y.c0).words()


def g2(scalar):
    x, y = mul(G2, scalar)
    return x.words() + y.words()


# --- the priority queue --------------------------------------------------------------------------------------

DEPOSIT, FORCED_EXIT = 5, 6


def queue_after(hash_before, priority):
    """The running hash after these operations. Says what was asked for, not how it ended."""
    current = hash_before
    for entry in priority:
        kind, leaf, owner = entry["kind"], entry["leaf"], entry["owner"]
        token, amount, key = (entry["token"], entry["amount"], entry["key"]) if kind == DEPOSIT else (0, 0, (0, 0))
        data = b"".join(map(word, [current, kind, leaf, token, amount, owner, key[0], key[1]]))
        current = int.from_bytes(keccak256(tag(b"priority") + data), "big") & MASK_248
    return current


# --- the statement -------------------------------------------------------------------------------------------

# Order of the sections, and letters of their slots in a shape's name.
SECTIONS = [("priority", "p"), ("openings", "o"), ("transfers", "t"), ("withdrawals", "w"), ("rotations", "r"),
            ("fees", "f")]


def shape_name(shape):
    name = "".join(letter + str(shape[section]) for section, letter in SECTIONS if shape[section])
    return name + ("" if shape["levels"] == 16 else f"l{shape['levels']}")


def big(*parts):
    """Numbers with widths in bytes, one after the other."""
    return b"".join(value.to_bytes(width, "big") for value, width in parts)


def fee_words(fee):
    return [big((fee["leaf"], 4), (fee["token"], 4), (fee["amount"], 16))]


def key_words(entry):
    return [big((entry["owner"], 20)), word(entry["key"][0]), word(entry["key"][1])]


def priority_words(entry):
    head = big((entry["kind"], 1), (entry["done"], 1), (entry["leaf"], 4), (entry["token"], 4), (entry["amount"], 16))
    return [head] + key_words(entry)


def opening_words(opening):
    return [big((opening["token"], 4)) + transfer_bytes(opening)] + key_words(opening)


def withdrawal_words(withdrawal):
    return [big((withdrawal["from"], 4), (withdrawal["token"], 4), (withdrawal["amount"], 16)),
            big((withdrawal["fee"], 2), (withdrawal["address"], 20))]


def rotation_words(rotation):
    return [big((rotation["from"], 4), (rotation["fee"], 2))] + key_words(rotation)


def transfer_bytes(transfer):
    return big((transfer["from"], 4), (transfer["to"], 4), (transfer["amount"], 5), (transfer["fee"], 2))


def elements(facts, shape):
    counts = sum(len(facts[section]) << (32 * number) for number, (section, _) in enumerate(SECTIONS))
    result = [facts["rollup_id"], facts["batch_number"], facts["old_root"], facts["new_root"], counts, facts["queue"]]
    for section, words, width in [("fees", fee_words, 1), ("priority", priority_words, 4), ("openings", opening_words, 4),
                                  ("withdrawals", withdrawal_words, 2), ("rotations", rotation_words, 4)]:
        for slot in range(shape[section]):
            used = slot < len(facts[section])
            result += [int.from_bytes(data, "big") for data in words(facts[section][slot])] if used else [0] * width
    for pair in range(0, shape["transfers"], 2):
        data = b""
        for slot in (pair, pair + 1):
            data += transfer_bytes(facts["transfers"][slot]) if slot < len(facts["transfers"]) else bytes(15)
        result.append(int.from_bytes(data, "big"))
    p, o, t, w, r, f = (shape[section] for section, _ in SECTIONS)
    assert len(result) == 6 + f + 4 * p + 4 * o + 2 * w + 4 * r + (t + 1) // 2
    return result


def exit_elements(facts):
    held = big((facts["leaf"], 4), (facts["token"], 4), (facts["balance"], 16))
    return [facts["rollup_id"], facts["root"], int.from_bytes(held, "big"), facts["owner"]]


def challenge(name, key_id, h, values):
    digest = keccak256(b"".join(map(word, values)))
    return int.from_bytes(keccak256(tag(name) + key_id + word(h) + digest), "big") & MASK_248


def evaluate(values, z):
    return sum(value * pow(z, power, R) for power, value in enumerate(values)) % R


def rollup_id(chain_id, contract):
    return int.from_bytes(keccak256(tag(b"rollup") + word(chain_id) + contract), "big") & MASK_248


# --- keys, proofs, bundles -----------------------------------------------------------------------------------

def verifying_key(name, provenance, numbers, secrets):
    alpha, beta, gamma, delta, ic = secrets
    return (tag(name) + b"".join(map(word, [provenance] + numbers)) + g1(alpha) + g2(beta) + g2(gamma) + g2(delta)
            + b"".join(map(g1, ic)))


def prove(secrets, inputs, a, b):
    alpha, beta, gamma, delta, ic = secrets
    l = (ic[0] + sum(base * value for base, value in zip(ic[1:], inputs))) % R
    c = (a * b - alpha * beta - l * gamma) * pow(delta, -1, R) % R
    return g1(a) + g2(b) + g1(c)


def facts_bytes(facts):
    data = big((facts["rollup_id"], 32), (facts["batch_number"], 4), (facts["old_root"], 32), (facts["new_root"], 32),
               (facts["queue"], 32))
    data += b"".join(len(facts[section]).to_bytes(4, "big") for section, _ in SECTIONS)
    for fee in facts["fees"]:
        data += big((fee["leaf"], 4), (fee["token"], 4), (fee["amount"], 16))
    for entry in facts["priority"]:
        data += big((entry["kind"], 1), (entry["done"], 1), (entry["leaf"], 4), (entry["token"], 4), (entry["amount"], 16),
                    (entry["owner"], 20), (entry["key"][0], 32), (entry["key"][1], 32))
    for opening in facts["openings"]:
        data += transfer_bytes(opening) + big((opening["token"], 4), (opening["owner"], 20), (opening["key"][0], 32),
                                              (opening["key"][1], 32))
    for withdrawal in facts["withdrawals"]:
        data += big((withdrawal["from"], 4), (withdrawal["token"], 4), (withdrawal["amount"], 16), (withdrawal["fee"], 2),
                    (withdrawal["address"], 20))
    for rotation in facts["rotations"]:
        data += big((rotation["from"], 4), (rotation["fee"], 2), (rotation["owner"], 20), (rotation["key"][0], 32),
                    (rotation["key"][1], 32))
    return data + b"".join(map(transfer_bytes, facts["transfers"]))


def exit_bytes(facts):
    return big((facts["rollup_id"], 32), (facts["root"], 32), (facts["leaf"], 4), (facts["token"], 4),
               (facts["balance"], 16), (facts["owner"], 20))


def bundle(magic, version, key_id, data, h, proof):
    return magic + version.to_bytes(4, "big") + key_id + data + word(h) + proof


def batch_scalars(claims):
    data = tag(b"batch-verify") + word(len(claims))
    for key_id, inputs, proof in claims:
        data += key_id + b"".join(map(word, inputs)) + proof
    seed = keccak256(data)
    return [int.from_bytes(keccak256(seed + word(index))[16:], "big") for index in range(len(claims))]


# --- cases ---------------------------------------------------------------------------------------------------

class Numbers:
    """Random numbers of so many bits, or always the least, or always the greatest."""

    def __init__(self, rng, kind):
        self.rng, self.kind = rng, kind

    def bits(self, bits):
        return {"random": self.rng.getrandbits(bits), "zero": 0, "max": (1 << bits) - 1}[self.kind]

    def below_r(self):
        return {"random": self.rng.randrange(R), "zero": 0, "max": R - 1}[self.kind]

    def key(self):
        return [self.below_r(), self.below_r()]


def make_priority(numbers, index):
    # In turn: a deposit that is done, one that is not, a forced exit that pays, one that does not.
    deposit, done = index % 4 < 2, 1 - index % 2
    paid = deposit or done
    return {
        "kind": DEPOSIT if deposit else FORCED_EXIT, "done": done, "leaf": numbers.bits(32),
        "token": numbers.bits(32) if paid else 0, "amount": numbers.bits(128) if paid else 0,
        "owner": numbers.bits(160), "key": numbers.key() if deposit else [0, 0],
    }


def make_facts(numbers, rollup, batch, counts):
    n = numbers
    make = {
        "priority": lambda index: make_priority(n, index),
        "openings": lambda _: {"from": n.bits(32), "to": n.bits(32), "amount": n.bits(40), "fee": n.bits(16),
                               "token": n.bits(32), "owner": n.bits(160), "key": n.key()},
        "transfers": lambda _: {"from": n.bits(32), "to": n.bits(32), "amount": n.bits(40), "fee": n.bits(16)},
        "withdrawals": lambda _: {"from": n.bits(32), "token": n.bits(32), "amount": n.bits(128), "fee": n.bits(16),
                                  "address": n.bits(160)},
        "rotations": lambda _: {"from": n.bits(32), "fee": n.bits(16), "owner": n.bits(160), "key": n.key()},
        "fees": lambda _: {"leaf": n.bits(32), "token": n.bits(32), "amount": n.bits(128)},
    }
    facts = {"rollup_id": rollup, "batch_number": batch, "old_root": n.below_r(), "new_root": n.below_r(),
             "queue": n.bits(248)}
    for section, _ in SECTIONS:
        facts[section] = [make[section](index) for index in range(counts.get(section, 0))]
    return facts


def sizes(levels=16, **slots):
    return {"levels": levels, **{section: slots.get(section, 0) for section, _ in SECTIONS}}


def text(entry):
    """The entry for JSON, where wide numbers are texts: sums in decimal, the rest in hexadecimal."""
    wide = {"amount": str, "balance": str, "owner": lambda v: hexadecimal(big((v, 20))),
            "address": lambda v: hexadecimal(big((v, 20))), "key": lambda v: [hexadecimal(word(x)) for x in v]}
    for name in ("rollup_id", "old_root", "new_root", "root", "queue"):
        wide[name] = lambda v: hexadecimal(word(v))
    return {name: [text(item) for item in value] if isinstance(value, list) and name != "key"
            else wide.get(name, int)(value) for name, value in entry.items()}


def make_secrets(rng):
    return [rng.randrange(2, R) for _ in range(4)] + [[rng.randrange(1, R) for _ in range(4)]]


def proved(rng, secrets, name, key, values, h):
    """What follows from a key, a statement's elements and h."""
    key_id = keccak256(key)
    z = challenge(name, key_id, h, values)
    y = evaluate(values, z)
    proof = prove(secrets, [h, z, y], rng.randrange(1, R), rng.randrange(1, R))
    return key_id, z, y, proof


def result(key_id, key, provenance, values, h, z, y, proof):
    return {
        "elements": [hexadecimal(word(value)) for value in values],
        "provenance": {1: "development", 2: "ceremony"}[provenance],
        "verifying_key": hexadecimal(key), "key_id": hexadecimal(key_id),
        "h": hexadecimal(word(h)), "z": hexadecimal(word(z)), "y": hexadecimal(word(y)), "proof": hexadecimal(proof),
    }


def main():
    rng = random.Random(20261122)
    cases, exits, claims = [], [], []
    demo = rollup_id(0, bytes(20))
    contract = bytes.fromhex("00112233445566778899aabbccddeeff01234567")
    chain = rollup_id(11155111, contract)
    one = dict(priority=1, openings=1, transfers=1, withdrawals=1, rotations=1, fees=1)
    for name, shape, rollup, batch, counts, kind, provenance in [
        ("empty batch", sizes(transfers=1, fees=1), demo, 0, {}, "random", 2),
        ("one transfer that is all zeros", sizes(transfers=1, fees=1), demo, 1, dict(transfers=1, fees=1), "zero", 2),
        ("full", sizes(transfers=8, fees=1), demo, 2, dict(transfers=8, fees=1), "random", 2),
        ("odd number of slots and transfers", sizes(4, transfers=7, fees=3), chain, 3, dict(transfers=5, fees=2),
         "random", 1),
        ("half full", sizes(transfers=64, fees=4), chain, 4_000_000_000, dict(transfers=33, fees=1), "random", 2),
        ("greatest values", sizes(1, priority=3, openings=2, transfers=2, withdrawals=2, rotations=2, fees=2), MASK_248,
         2**32 - 1, dict(priority=3, openings=2, transfers=2, withdrawals=2, rotations=2, fees=2), "max", 1),
        ("many fee slots", sizes(transfers=3, fees=64), chain, 6, dict(transfers=1, fees=64), "random", 2),
        ("one of each", sizes(**one), chain, 7, one, "random", 2),
        ("one of each, all zeros", sizes(**one), demo, 8, one, "zero", 2),
        ("unused slots in every section", sizes(8, priority=6, openings=3, transfers=9, withdrawals=4, rotations=2, fees=3),
         chain, 9, dict(priority=5, openings=2, transfers=4, withdrawals=3, rotations=1, fees=2), "random", 1),
        ("priority operations alone, without a fee slot", sizes(priority=8), chain, 10, dict(priority=8), "random", 2),
        ("openings alone", sizes(openings=2, fees=1), chain, 11, dict(openings=2, fees=1), "random", 2),
        ("withdrawals alone", sizes(withdrawals=5, fees=2), chain, 12, dict(withdrawals=3, fees=2), "random", 2),
        ("rotations alone", sizes(rotations=3, fees=1), chain, 13, dict(rotations=3, fees=1), "random", 2),
    ]:
        numbers = Numbers(rng, kind)
        facts = make_facts(numbers, rollup, batch, counts)
        secrets = make_secrets(rng)
        slots = [shape[section] for section, _ in SECTIONS]
        key = verifying_key(b"verifying-key", provenance, [shape["levels"]] + slots, secrets)
        h = R - 1 if kind == "max" else rng.randrange(R)
        values = elements(facts, shape)
        key_id, z, y, proof = proved(rng, secrets, b"statement", key, values, h)
        claims.append((key_id, [h, z, y], proof))
        cases.append({
            "name": name, "shape": shape_name(shape), "facts": text(facts),
            "queue_after": hexadecimal(word(queue_after(facts["queue"], facts["priority"]))),
            **result(key_id, key, provenance, values, h, z, y, proof),
            "bundle": hexadecimal(bundle(b"QUITBNDL", 2, key_id, facts_bytes(facts), h, proof)),
        })
    for name, levels, rollup, kind, provenance in [
        ("an exit", 16, chain, "random", 2),
        ("an exit of a small tree", 3, demo, "random", 1),
        ("an exit of zeros", 16, demo, "zero", 2),
        ("an exit of the greatest values", 16, MASK_248, "max", 2),
    ]:
        n = Numbers(rng, kind)
        facts = {"rollup_id": rollup, "root": n.below_r(), "leaf": n.bits(32), "token": n.bits(32),
                 "balance": n.bits(128), "owner": n.bits(160)}
        secrets = make_secrets(rng)
        key = verifying_key(b"exit-key", provenance, [levels] + [0] * 6, secrets)
        h = rng.randrange(R)
        values = exit_elements(facts)
        key_id, z, y, proof = proved(rng, secrets, b"exit-statement", key, values, h)
        exits.append({
            "name": name, "levels": levels, "facts": text(facts), **result(key_id, key, provenance, values, h, z, y, proof),
            "bundle": hexadecimal(bundle(b"QUITEXIT", 1, key_id, exit_bytes(facts), h, proof)),
        })
    numbers = Numbers(rng, "random")
    queue, current = [], 0
    for index in range(8):
        entry = make_priority(numbers, index)
        current = queue_after(current, [entry])
        queue.append({"operation": text(entry), "hash": hexadecimal(word(current))})
    print(json.dumps({
        "about": "made by make_statement.py, which shares no code with the crate; see its first lines",
        "tags": {name: hexadecimal(tag(name.encode()))
                 for name in ("rollup", "statement", "verifying-key", "batch-verify", "priority", "exit-statement",
                              "exit-key")},
        "rollup_ids": [
            {"chain_id": chain_id, "contract": hexadecimal(address), "rollup_id": hexadecimal(word(rollup_id(chain_id, address)))}
            for chain_id, address in [(0, bytes(20)), (11155111, contract), (2**64 - 1, b"\xff" * 20)]
        ],
        "cases": cases,
        "batch_scalars": [hexadecimal(scalar.to_bytes(16, "big")) for scalar in batch_scalars(claims)],
        "queue": queue,
        "exits": exits,
    }, indent=1))


main()

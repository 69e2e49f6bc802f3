#!/usr/bin/env python3
"""Makes statement.json: facts, elements, (h, z, y), keys, proofs and bundles, written a second time.

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


# --- the statement -------------------------------------------------------------------------------------------

def elements(facts, shape):
    levels, transfers, fee_slots = shape
    counts = len(facts["transfers"]) << 64 | len(facts["fees"]) << 160
    result = [facts["rollup_id"], facts["batch_number"], facts["old_root"], facts["new_root"], counts]
    for slot in range(fee_slots):
        data = bytes(24)
        if slot < len(facts["fees"]):
            leaf, token, amount = facts["fees"][slot]
            data = leaf.to_bytes(4, "big") + token.to_bytes(4, "big") + amount.to_bytes(16, "big")
        result.append(int.from_bytes(data, "big"))
    for pair in range(0, transfers, 2):
        data = b""
        for slot in (pair, pair + 1):
            data += transfer_bytes(facts["transfers"][slot]) if slot < len(facts["transfers"]) else bytes(15)
        result.append(int.from_bytes(data, "big"))
    return result


def transfer_bytes(transfer):
    from_, to, amount, fee = transfer
    return from_.to_bytes(4, "big") + to.to_bytes(4, "big") + amount.to_bytes(5, "big") + fee.to_bytes(2, "big")


def challenge(key_id, h, values):
    digest = keccak256(b"".join(map(word, values)))
    return int.from_bytes(keccak256(tag(b"statement") + key_id + word(h) + digest), "big") & MASK_248


def evaluate(values, z):
    return sum(value * pow(z, power, R) for power, value in enumerate(values)) % R


def rollup_id(chain_id, contract):
    return int.from_bytes(keccak256(tag(b"rollup") + word(chain_id) + contract), "big") & MASK_248


# --- keys, proofs, bundles -----------------------------------------------------------------------------------

def verifying_key(provenance, shape, secrets):
    levels, transfers, fee_slots = shape
    numbers = [provenance, levels, 0, 0, transfers, 0, 0, fee_slots]
    alpha, beta, gamma, delta, ic = secrets
    return (tag(b"verifying-key") + b"".join(map(word, numbers)) + g1(alpha) + g2(beta) + g2(gamma) + g2(delta)
            + b"".join(map(g1, ic)))


def prove(secrets, inputs, a, b):
    alpha, beta, gamma, delta, ic = secrets
    l = (ic[0] + sum(base * value for base, value in zip(ic[1:], inputs))) % R
    c = (a * b - alpha * beta - l * gamma) * pow(delta, -1, R) % R
    return g1(a) + g2(b) + g1(c)


def bundle(key_id, facts, h, proof):
    fees = b"".join(l.to_bytes(4, "big") + t.to_bytes(4, "big") + a.to_bytes(16, "big") for l, t, a in facts["fees"])
    return (b"QUITBNDL" + (1).to_bytes(4, "big") + key_id + word(facts["rollup_id"])
            + facts["batch_number"].to_bytes(4, "big") + word(facts["old_root"]) + word(facts["new_root"])
            + len(facts["transfers"]).to_bytes(4, "big") + len(facts["fees"]).to_bytes(4, "big") + fees
            + b"".join(map(transfer_bytes, facts["transfers"])) + word(h) + proof)


def batch_scalars(claims):
    data = tag(b"batch-verify") + word(len(claims))
    for key_id, inputs, proof in claims:
        data += key_id + b"".join(map(word, inputs)) + proof
    seed = keccak256(data)
    return [int.from_bytes(keccak256(seed + word(index))[16:], "big") for index in range(len(claims))]


# --- cases ---------------------------------------------------------------------------------------------------

def make_facts(rng, rollup, batch, transfers, fees, kind):
    top = {"random": None, "zero": 0, "max": 1}[kind]

    def number(bits):
        return rng.getrandbits(bits) if top is None else top * ((1 << bits) - 1)

    def root():
        return rng.randrange(R) if top is None else top * (R - 1)

    return {
        "rollup_id": rollup, "batch_number": batch, "old_root": root(), "new_root": root(),
        "transfers": [[number(32), number(32), number(40), number(16)] for _ in range(transfers)],
        "fees": [[number(32), number(32), number(128)] for _ in range(fees)],
    }


def main():
    rng = random.Random(20261120)
    cases, claims = [], []
    demo = rollup_id(0, bytes(20))
    contract = bytes.fromhex("00112233445566778899aabbccddeeff01234567")
    chain = rollup_id(11155111, contract)
    for name, shape, rollup, batch, transfers, fees, kind, provenance in [
        ("empty batch", (16, 1, 1), demo, 0, 0, 0, "random", 2),
        ("one transfer that is all zeros", (16, 1, 1), demo, 1, 1, 1, "zero", 2),
        ("full", (16, 8, 1), demo, 2, 8, 1, "random", 2),
        ("odd number of slots and transfers", (4, 7, 3), chain, 3, 5, 2, "random", 1),
        ("half full", (16, 64, 4), chain, 4_000_000_000, 33, 1, "random", 2),
        ("greatest values", (1, 2, 2), MASK_248, 2**32 - 1, 2, 2, "max", 1),
        ("many fee slots", (16, 3, 64), chain, 6, 1, 64, "random", 2),
    ]:
        facts = make_facts(rng, rollup, batch, transfers, fees, kind)
        secrets = [rng.randrange(2, R) for _ in range(4)] + [[rng.randrange(1, R) for _ in range(4)]]
        key = verifying_key(provenance, shape, secrets)
        key_id = keccak256(key)
        h = R - 1 if kind == "max" else rng.randrange(R)
        values = elements(facts, shape)
        z = challenge(key_id, h, values)
        y = evaluate(values, z)
        proof = prove(secrets, [h, z, y], rng.randrange(1, R), rng.randrange(1, R))
        claims.append((key_id, [h, z, y], proof))
        levels, transfer_slots, fee_slots = shape
        cases.append({
            "name": name,
            "shape": f"t{transfer_slots}f{fee_slots}" + ("" if levels == 16 else f"l{levels}"),
            "facts": {
                "rollup_id": hexadecimal(word(facts["rollup_id"])), "batch_number": facts["batch_number"],
                "old_root": hexadecimal(word(facts["old_root"])), "new_root": hexadecimal(word(facts["new_root"])),
                "transfers": facts["transfers"],
                "fees": [[leaf, token, str(amount)] for leaf, token, amount in facts["fees"]],
            },
            "elements": [hexadecimal(word(value)) for value in values],
            "provenance": {1: "development", 2: "ceremony"}[provenance],
            "verifying_key": hexadecimal(key), "key_id": hexadecimal(key_id),
            "h": hexadecimal(word(h)), "z": hexadecimal(word(z)), "y": hexadecimal(word(y)),
            "proof": hexadecimal(proof), "bundle": hexadecimal(bundle(key_id, facts, h, proof)),
        })
    print(json.dumps({
        "about": "made by make_statement.py, which shares no code with the crate; see its first lines",
        "tags": {name: hexadecimal(tag(name.encode()))
                 for name in ("rollup", "statement", "verifying-key", "batch-verify")},
        "rollup_ids": [
            {"chain_id": chain_id, "contract": hexadecimal(address), "rollup_id": hexadecimal(word(rollup_id(chain_id, address)))}
            for chain_id, address in [(0, bytes(20)), (11155111, contract), (2**64 - 1, b"\xff" * 20)]
        ],
        "cases": cases,
        "batch_scalars": [hexadecimal(scalar.to_bytes(16, "big")) for scalar in batch_scalars(claims)],
    }, indent=1))


main()

// Proof bundles, binary and JSON, see verifier/README.md. Both readers give the same value:
// { keyId, facts, h, proof }, with the proof as snarkjs writes it.
import { Q, R, Reader, fieldElement, fromBytes, fromHex, toBytes, toHex } from "./bytes.js";
import { AMOUNT_MANTISSA, FEE_MANTISSA, parse } from "./floats.js";
import { pubdata } from "./statement.js";
import { g1, g2 } from "./verifying-key.js";

/** Reads a binary bundle. */
export function fromBinary(bytes) {
  const reader = new Reader(bytes);
  if (reader.take(8).toString("latin1") !== "QUITBNDL") throw new SyntaxError("not a bundle");
  if (reader.number(4) !== 1) throw new SyntaxError("a bundle of another version");
  const keyId = reader.take(32);
  const facts = {
    rollupId: fromBytes(reader.take(32)),
    batchNumber: reader.number(4),
    oldRoot: reader.element(R),
    newRoot: reader.element(R),
  };
  const [transfers, fees] = [reader.number(4), reader.number(4)];
  facts.fees = Array.from({ length: fees }, () => ({
    leaf: reader.number(4),
    token: reader.number(4),
    amount: fromBytes(reader.take(16)),
  }));
  facts.transfers = Array.from({ length: transfers }, () => ({
    from: reader.number(4),
    to: reader.number(4),
    amount: fromBytes(reader.take(5)),
    fee: fromBytes(reader.take(2)),
  }));
  const h = reader.element(R);
  const proof = { pi_a: g1(reader), pi_b: g2(reader), pi_c: g1(reader), protocol: "groth16", curve: "bn128" };
  reader.finish();
  return { keyId, facts, h, proof };
}

/** Reads a JSON bundle and checks that its pubdata is what follows from its facts. */
export function fromJson(text) {
  const document = JSON.parse(text);
  if (document.format !== "quittance-bundle" || document.version !== 1) throw new SyntaxError("not a bundle");
  const { rollup_id, batch_number, old_root, new_root, fees, transfers } = document.facts;
  const element = (hex, modulus = R) => fieldElement(fromHex(hex, 32), modulus);
  const facts = {
    rollupId: fromBytes(fromHex(rollup_id, 32)),
    batchNumber: batch_number,
    oldRoot: element(old_root),
    newRoot: element(new_root),
    fees: fees.map(({ leaf, token, amount }) => ({ leaf, token, amount: BigInt(amount) })),
    transfers: transfers.map(({ from, to, amount, fee }) => ({
      from,
      to,
      amount: parse(amount, AMOUNT_MANTISSA),
      fee: parse(fee, FEE_MANTISSA),
    })),
  };
  const words = pubdata(facts).map((word) => toHex(toBytes(word)));
  if (JSON.stringify(words) !== JSON.stringify(document.pubdata)) throw new RangeError("pubdata is not the facts'");
  const { a, b, c } = document.proof;
  const coordinate = (hex) => String(element(hex, Q));
  const proof = {
    pi_a: [coordinate(a.x), coordinate(a.y), "1"],
    pi_b: [[coordinate(b.x_c0), coordinate(b.x_c1)], [coordinate(b.y_c0), coordinate(b.y_c1)], ["1", "0"]],
    pi_c: [coordinate(c.x), coordinate(c.y), "1"],
    protocol: "groth16",
    curve: "bn128",
  };
  return { keyId: fromHex(document.key_id, 32), facts, h: element(document.h), proof };
}

// The verifying key: 31 words of 32 bytes, see verifier/README.md.
import { Q, Reader } from "./bytes.js";
import { keccak256, tag } from "./keccak.js";
import { SECTIONS } from "./statement.js";

/** Reads a key: its id, provenance, shape and points. Points are as snarkjs writes them, c0 before c1. */
export function parseVerifyingKey(bytes) {
  const reader = new Reader(bytes);
  if (!reader.take(32).equals(tag("verifying-key"))) throw new SyntaxError("not a verifying key");
  const [provenance, levels] = [reader.number(32), reader.number(32)];
  const shape = { levels, ...Object.fromEntries(SECTIONS.map((section) => [section, reader.number(32)])) };
  const points = {
    vk_alpha_1: g1(reader),
    vk_beta_2: g2(reader),
    vk_gamma_2: g2(reader),
    vk_delta_2: g2(reader),
    IC: Array.from({ length: 4 }, () => g1(reader)),
  };
  reader.finish();
  return { id: keccak256(bytes), provenance, shape, points };
}

/** A point of G1: x, y. */
export function g1(reader) {
  return [reader.element(Q), reader.element(Q), 1n].map(String);
}

/** A point of G2: x.c1, x.c0, y.c1, y.c0. */
export function g2(reader) {
  const [x1, x0, y1, y0] = Array.from({ length: 4 }, () => reader.element(Q));
  return [[x0, x1], [y0, y1], [1n, 0n]].map((half) => half.map(String));
}

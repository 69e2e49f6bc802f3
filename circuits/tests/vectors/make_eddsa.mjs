// Writes eddsa.json: keys and signatures by circomlibjs.
//
//   npm i circomlibjs@0.1.7 && node make_eddsa.mjs > eddsa.json
import { createHash } from "node:crypto";
import { buildEddsa } from "circomlibjs";

const eddsa = await buildEddsa();
const { F } = eddsa;
const r = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

const hash = (text) => createHash("sha256").update(text).digest();
const secrets = [
  Buffer.alloc(32),
  Buffer.alloc(32, 0xff),
  // The key of circomlibjs' own tests.
  Buffer.from("0001020304050607080900010203040506070809000102030405060708090001", "hex"),
  ...Array.from({ length: 5 }, (_, i) => hash(`quittance secret ${i}`)),
];
const messages = [
  0n,
  1n,
  r - 1n,
  1n << 253n,
  ...Array.from({ length: 3 }, (_, i) => BigInt(`0x${hash(`quittance message ${i}`).toString("hex")}`) % r),
];

const text = (element) => F.toObject(element).toString();
const keys = secrets.map((secret) => {
  const [x, y] = eddsa.prv2pub(secret);
  const signatures = messages.map((message) => {
    const { R8, S } = eddsa.signPoseidon(secret, F.e(message));
    return { message: message.toString(), r8x: text(R8[0]), r8y: text(R8[1]), s: S.toString() };
  });
  return { secret: secret.toString("hex"), ax: text(x), ay: text(y), signatures };
});
const produced_by = "make_eddsa.mjs with npm circomlibjs 0.1.7: prv2pub and signPoseidon; integers are decimal";
console.log(JSON.stringify({ produced_by, keys }, null, 1));
process.exit(0);

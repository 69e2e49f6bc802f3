// Every proof, twice: by snarkjs on exported files, whose public inputs are recomputed here, and by quittance-verify.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { groth16 } from "snarkjs";
import { fromJson } from "./bundle-json.js";
import { fromBinary, offsets } from "./bundle.js";
import { FORCED_EXIT } from "./priority.js";
import { publicInputs } from "./statement.js";
import { parseVerifyingKey } from "./verifying-key.js";

/** Runs a program; returns exit code and standard output. */
function run(program, args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", maxBuffer: 64 << 20 });
  if (error) throw error;
  return { status, stdout: stdout.trimEnd(), stderr };
}

/** Bytes to change in a bundle: what they say, the list that must have an entry for it, and the place in the entry. */
const FORGERIES = [
  ["batch number", null, 35],
  ["old root", null, 67],
  ["new root", null, 99],
  ["queue hash", null, 131],
  ["credited fees", "fees", 23],
  ["outcome", "priority", 1],
  ["depositor", "priority", 45],
  ["opened leaf", "openings", 7],
  ["opener's key", "openings", 70],
  ["withdrawn amount", "withdrawals", 23],
  ["withdrawal's address", "withdrawals", 45],
  ["rotated key", "rotations", 89],
  ["recipient", "transfers", 7],
  ["amount", "transfers", 12],
  ["fee", "transfers", 14],
];

export class Proofs {
  /** `verify` is the program quittance-verify, `keyFiles` are the verifying keys. */
  constructor(verify, keyFiles, folder) {
    Object.assign(this, { verify, keyFiles, folder });
    this.keys = new Map(keyFiles.map((file) => [file, parseVerifyingKey(readFileSync(file))]));
  }

  /** The key from setup that a bundle names, and its file. */
  keyOf({ keyId }) {
    const [file, key] = [...this.keys].find(([, { id }]) => id.equals(keyId)) ?? [];
    assert.ok(key, "the proof is for a key from setup");
    return { file, key };
  }

  file(name) {
    return join(this.folder, name);
  }

  quittanceVerify(keyFiles, ...args) {
    return run(this.verify, [...args, ...keyFiles.flatMap((file) => ["--vk", file]), "--allow-development-key"]);
  }

  /** Fetches one proof in both forms and checks it. Returns the bundle. */
  async check(client, number) {
    const fetch = async (format) => (await client.request("GetProof", { number, format })).bundle;
    const binary = await fetch("BUNDLE_FORMAT_BINARY");
    const json = await fetch("BUNDLE_FORMAT_JSON");
    writeFileSync(this.file(`batch-${number}.bundle`), binary);
    writeFileSync(this.file(`batch-${number}.json`), json);
    const bundle = fromJson(json.toString("utf8"));
    assert.deepEqual(bundle, fromBinary(binary), "both forms say the same");
    assert.equal(bundle.facts.batchNumber, number);
    const { file, key } = this.keyOf(bundle);

    const exported = this.exportAndRead(file, `batch-${number}.json`, `snarkjs-${number}`);
    assert.deepEqual(exported.public, publicInputs(bundle, key).map(String), "h, z and y are recomputed alike");
    const { vk_alpha_1, vk_beta_2, vk_gamma_2, vk_delta_2, IC } = exported.verification_key;
    assert.deepEqual({ vk_alpha_1, vk_beta_2, vk_gamma_2, vk_delta_2, IC }, key.points, "the exported key");
    assert.deepEqual(exported.proof, bundle.proof, "the exported proof");
    const valid = await groth16.verify(exported.verification_key, exported.public, exported.proof);
    assert.equal(valid, true, `snarkjs refuses the proof of batch ${number}`);
    return bundle;
  }

  exportAndRead(keyFile, name, folder) {
    const { status, stdout } = this.quittanceVerify([keyFile], "export", this.file(name), "--output", this.file(folder), "--json");
    assert.equal(status, 0, stdout);
    const { files } = JSON.parse(stdout);
    const read = (file) => JSON.parse(readFileSync(files.find((path) => path.endsWith(`/${file}.json`)), "utf8"));
    return { verification_key: read("verification_key"), public: read("public"), proof: read("proof") };
  }

  /** quittance-verify on all bundles as one chain: binary and JSON ones mixed. Returns its verdict. */
  checkChain(numbers) {
    const files = numbers.map((number) => this.file(`batch-${number}.${number % 2 ? "bundle" : "json"}`));
    const { status, stdout } = this.quittanceVerify(this.keyFiles, "--chain", "--json", ...files);
    assert.equal(status, 0, stdout);
    return JSON.parse(stdout);
  }

  /** The command snarkjs itself, on the files of one batch. */
  checkSnarkjsCommand(program, number) {
    const files = ["verification_key", "public", "proof"].map((name) => this.file(`snarkjs-${number}/${name}.json`));
    const { status, stdout } = run(process.execPath, [program, "groth16", "verify", ...files]);
    assert.ok(status === 0 && stdout.includes("OK!"), stdout);
  }

  /** Negative control: a bundle with one changed byte is refused by both. Returns how many were. */
  async checkForgeries(bundles) {
    for (const [field, section, place] of FORGERIES) {
      const bundle = bundles.findLast(({ facts }) => section === null || changeable(facts[section][0]));
      assert.ok(bundle, `no batch has ${section}`);
      const start = offsets(bundle.facts)[section ?? "facts"];
      await this.checkForgery(bundle.facts.batchNumber, field, start + place);
    }
    const last = bundles.at(-1).facts.batchNumber;
    await this.checkForgery(last, "h", readFileSync(this.file(`batch-${last}.bundle`)).length - 256 - 1);
    return FORGERIES.length + 1;
  }

  async checkForgery(number, field, offset) {
    const binary = readFileSync(this.file(`batch-${number}.bundle`));
    const changed = Buffer.from(binary);
    changed[offset] ^= 1;
    const bundle = fromBinary(changed);
    const { file: keyFile, key } = this.keyOf(bundle);
    const control = this.file(`control-${number}`);
    if (!existsSync(control)) this.exportAndRead(keyFile, `batch-${number}.bundle`, `control-${number}`);
    const read = (name) => JSON.parse(readFileSync(join(control, `${name}.json`), "utf8"));
    const inputs = publicInputs(bundle, key).map(String);
    const accepted = await groth16.verify(read("verification_key"), inputs, read("proof"));
    assert.equal(accepted, false, `snarkjs accepts another ${field}`);
    const [file, folder] = [this.file("forged.bundle"), this.file("forged")];
    writeFileSync(file, changed);
    assert.equal(this.quittanceVerify(this.keyFiles, file).status, 1, `quittance-verify accepts another ${field}`);
    assert.equal(this.quittanceVerify([keyFile], "export", file, "--output", folder).status, 1);
    assert.ok(!existsSync(folder), "what is not accepted is not exported");
  }
}

/** Whether any byte of an entry can be changed: a forced exit has bytes that have to be 0. */
function changeable(entry) {
  return entry !== undefined && entry.kind !== FORCED_EXIT;
}

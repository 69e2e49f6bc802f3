// Every proof, twice: by snarkjs on exported files, whose public inputs are recomputed here, and by quittance-verify.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { groth16 } from "snarkjs";
import { fromBinary, fromJson } from "./bundle.js";
import { publicInputs } from "./statement.js";

/** Runs a program; returns exit code and standard output. */
function run(program, args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", maxBuffer: 64 << 20 });
  if (error) throw error;
  return { status, stdout: stdout.trimEnd(), stderr };
}

export class Proofs {
  /** `verify` is the program quittance-verify, `keyFile` the verifying key, `key` the same parsed. */
  constructor(verify, keyFile, key, folder) {
    Object.assign(this, { verify, keyFile, key, folder });
  }

  file(name) {
    return join(this.folder, name);
  }

  quittanceVerify(...args) {
    return run(this.verify, [...args, "--vk", this.keyFile, "--allow-development-key"]);
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
    assert.ok(bundle.keyId.equals(this.key.id), "the proof is for the key from setup");

    const exported = this.exportAndRead(`batch-${number}.json`, `snarkjs-${number}`);
    assert.deepEqual(exported.public, publicInputs(bundle, this.key).map(String), "h, z and y are recomputed alike");
    const { vk_alpha_1, vk_beta_2, vk_gamma_2, vk_delta_2, IC } = exported.verification_key;
    assert.deepEqual({ vk_alpha_1, vk_beta_2, vk_gamma_2, vk_delta_2, IC }, this.key.points, "the exported key");
    assert.deepEqual(exported.proof, bundle.proof, "the exported proof");
    const valid = await groth16.verify(exported.verification_key, exported.public, exported.proof);
    assert.equal(valid, true, `snarkjs refuses the proof of batch ${number}`);
    return bundle;
  }

  exportAndRead(name, folder) {
    const { status, stdout } = this.quittanceVerify("export", this.file(name), "--output", this.file(folder), "--json");
    assert.equal(status, 0, stdout);
    const { files } = JSON.parse(stdout);
    const read = (file) => JSON.parse(readFileSync(files.find((path) => path.endsWith(`/${file}.json`)), "utf8"));
    return { verification_key: read("verification_key"), public: read("public"), proof: read("proof") };
  }

  /** quittance-verify on all bundles as one chain: binary and JSON ones mixed. Returns its verdict. */
  checkChain(numbers) {
    const files = numbers.map((number) => this.file(`batch-${number}.${number % 2 ? "bundle" : "json"}`));
    const { status, stdout } = this.quittanceVerify("--chain", "--json", ...files);
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
  async checkForgeries(number) {
    const binary = readFileSync(this.file(`batch-${number}.bundle`));
    const { facts } = fromBinary(binary);
    const { verification_key, proof } = this.exportAndRead(`batch-${number}.bundle`, `control-${number}`);
    const start = 12 + 32;
    const transfer = start + 108 + 24 * facts.fees.length;
    const offsets = {
      "batch number": start + 35,
      "old root": start + 67,
      "new root": start + 99,
      "credited fees": start + 108 + 23,
      recipient: transfer + 7,
      amount: transfer + 12,
      fee: transfer + 14,
      h: binary.length - 256 - 1,
    };
    for (const [field, offset] of Object.entries(offsets)) {
      const changed = Buffer.from(binary);
      changed[offset] ^= 1;
      const inputs = publicInputs(fromBinary(changed), this.key).map(String);
      assert.equal(await groth16.verify(verification_key, inputs, proof), false, `snarkjs accepts another ${field}`);
      const [file, folder] = [this.file("forged.bundle"), this.file("forged")];
      writeFileSync(file, changed);
      assert.equal(this.quittanceVerify(file).status, 1, `quittance-verify accepts another ${field}`);
      assert.equal(this.quittanceVerify("export", file, "--output", folder).status, 1);
      assert.ok(!existsSync(folder), "what is not accepted is not exported");
    }
    return Object.keys(offsets).length;
  }
}

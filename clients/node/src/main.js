#!/usr/bin/env node
// The commands that scripts/interop.sh runs; results on stdout, progress on stderr.
//
//   plan   makes accounts and signed transfers           DIR/accounts.csv, DIR/plan.json, DIR/reflection.json
//   send   submits them, and kills the service meanwhile  DIR/sent.json
//   check  checks every proof and everything else         DIR/proofs/
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { check } from "./check.js";
import { Client } from "./client.js";
import { WAYS, deserialize, makeAccounts, makeTransfers, serialize, toCsv } from "./plan.js";
import { send } from "./send.js";
import { toJson } from "./transfers.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dir: { type: "string" },
    seed: { type: "string", default: "interop" },
    accounts: { type: "string", default: "200" },
    transfers: { type: "string", default: "1000" },
    server: { type: "string" },
    "batch-size": { type: "string" },
    "pid-file": { type: "string" },
    "fee-leaf": { type: "string" },
    key: { type: "string" },
    verify: { type: "string" },
  },
});

const started = Date.now();
const report = (text) => {
  const seconds = ((Date.now() - started) / 1000).toFixed(1).padStart(6);
  process.stderr.write(`  ${seconds} s  ${text}\n`);
};
const file = (name) => join(need("dir"), name);

function need(name) {
  if (values[name] === undefined) throw new Error(`--${name} is missing`);
  return values[name];
}

function number(name) {
  const value = Number(need(name));
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} takes a number`);
  return value;
}

function readPlan() {
  return deserialize(readFileSync(file("plan.json"), "utf8"));
}

const commands = {
  plan() {
    const accounts = makeAccounts(values.seed, number("accounts"));
    const transfers = makeTransfers(values.seed, accounts, number("transfers"));
    writeFileSync(file("accounts.csv"), toCsv(accounts));
    writeFileSync(file("plan.json"), serialize({ seed: values.seed, accounts, transfers }));
    const last = transfers.filter(({ way }) => way === WAYS.at(-1)).map(({ signed }) => toJson(signed));
    writeFileSync(file("reflection.json"), JSON.stringify(last, null, 1));
    report(`${accounts.length} keys and ${transfers.length} signatures by circomlibjs`);
  },

  async send() {
    const client = new Client(need("server"));
    const options = { batchSize: number("batch-size"), pidFile: need("pid-file"), report };
    const sent = await send(client, readPlan(), options);
    writeFileSync(file("sent.json"), JSON.stringify(sent, null, 1));
    const { ids, ...counts } = sent;
    console.log(JSON.stringify(counts));
  },

  async check() {
    const client = new Client(need("server"));
    const { ids } = JSON.parse(readFileSync(file("sent.json"), "utf8"));
    const folder = file("proofs");
    mkdirSync(folder);
    const options = { ids, feeLeaf: number("fee-leaf"), keyFile: need("key"), verify: need("verify"), folder, report };
    console.log(JSON.stringify(await check(client, readPlan(), options)));
  },
};

try {
  const command = Object.hasOwn(commands, positionals[0]) ? commands[positionals[0]] : null;
  if (!command) throw new Error("usage: main.js plan|send|check --dir DIR …");
  await command();
  // snarkjs and circomlibjs leave workers behind.
  process.exit(0);
} catch (error) {
  process.stderr.write(`${error.stack ?? error}\n`);
  process.exit(1);
}

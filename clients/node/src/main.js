#!/usr/bin/env node
// The commands that scripts/interop.sh runs; results on stdout, progress on stderr.
//
//   plan   makes accounts and signed operations           DIR/accounts.csv, DIR/service.toml, DIR/plan.json, and what
//          another client sends: DIR/reflection.json, DIR/priority.json
//   send   submits them, and kills the service meanwhile  DIR/sent.json
//   check  checks every proof and everything else         DIR/proofs/
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { toConfig, toCsv } from "./accounts.js";
import { check } from "./check.js";
import { Client } from "./client.js";
import { toJson } from "./operations.js";
import { deserialize, makePlan, serialize } from "./plan.js";
import { toJson as requestToJson } from "./priority.js";
import { send } from "./send.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dir: { type: "string" },
    seed: { type: "string", default: "interop" },
    accounts: { type: "string", default: "200" },
    transfers: { type: "string", default: "1000" },
    scenarios: { type: "string", default: "20" },
    server: { type: "string" },
    "batch-size": { type: "string" },
    "pid-file": { type: "string" },
    key: { type: "string", multiple: true },
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
    const sizes = { accounts: number("accounts"), transfers: number("transfers"), scenarios: number("scenarios") };
    const plan = makePlan(values.seed, sizes);
    const { accounts, entries, requests } = plan;
    writeFileSync(file("accounts.csv"), toCsv(accounts));
    writeFileSync(file("service.toml"), toConfig(accounts));
    writeFileSync(file("plan.json"), serialize(plan));
    const operations = entries.filter(({ way }) => way === "reflection").map(({ signed }) => toJson(signed));
    const priority = requests.flatMap(({ by, request }, index) => (by === "reflection" ? [requestToJson(index, request)] : []));
    writeFileSync(file("reflection.json"), JSON.stringify(operations, null, 1));
    writeFileSync(file("priority.json"), JSON.stringify(priority, null, 1));
    report(`${accounts.length} keys and ${entries.length} signatures by circomlibjs, and ${requests.length} requests`);
  },

  async send() {
    const client = new Client(need("server"));
    const options = { batchSize: number("batch-size"), pidFile: need("pid-file"), report };
    const sent = await send(client, readPlan(), options);
    writeFileSync(file("sent.json"), JSON.stringify(sent, null, 1));
    const { ids, requestIds, ...counts } = sent;
    console.log(JSON.stringify(counts));
  },

  async check() {
    const client = new Client(need("server"));
    const sent = JSON.parse(readFileSync(file("sent.json"), "utf8"));
    const folder = file("proofs");
    mkdirSync(folder);
    const options = { sent, keyFiles: need("key"), verify: need("verify"), folder, report };
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

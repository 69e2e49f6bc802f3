// What is going to be sent: signed operations of every kind by circomlibjs, and the root chain's queue.
//
// Everything follows from a seed, so that a failing run can be repeated.
import { digest, exiting, makeAccounts, pick } from "./accounts.js";
import { fromHex, toHex } from "./bytes.js";
import { fromJson, operationOf, toJson } from "./operations.js";
import { DEPOSITED, depositor, makeRequests } from "./requests.js";
import { Book, makeScenario } from "./scenarios.js";

/** The ways to submit, in the order in which they are used. */
export const WAYS = ["batches", "operations", "streams", "reflection"];
/** Transfers of the client without .proto files beside those of its scenario, and requests for the queue that it submits. */
const BY_REFLECTION = 7;
const REQUESTS_BY_REFLECTION = 2;
/** Two transfers belong to each scenario after the one of its first part. */
const TRANSFERS_OF_SCENARIO = 3;
/** Transfers out of an account that a deposit opened. */
const FROM_DEPOSIT = 2;

/** How many of each kind a run has, from the number of all transfers and that of scenarios. */
export function counts(transfers, scenarios) {
  const [deposits, exits] = [Math.ceil(scenarios / 2), Math.ceil(scenarios / 4)];
  const plain = transfers - TRANSFERS_OF_SCENARIO * scenarios - FROM_DEPOSIT - BY_REFLECTION;
  if (scenarios < 4 || plain < 0) throw new RangeError("take at least 4 scenarios, and more transfers");
  return { transfers, openings: scenarios, withdrawals: scenarios, rotations: scenarios, deposits, exits };
}

/**
 * Makes a plan: accounts, entries { way, part, lane, operation, signed, idempotencyKey } in the order of their ids in each
 * lane, and requests { by, request, done } in the queue's order. `part` is the number of a scenario, or null for transfers that
 * need not follow something at once.
 */
export function makePlan(seed, { accounts: size, transfers, scenarios }) {
  const { deposits, exits } = counts(transfers, scenarios);
  const accounts = makeAccounts(seed, size);
  const book = new Book(seed, accounts);
  const senders = [...accounts.keys()].filter((index) => !exiting(accounts).includes(index));
  const plain = transfers - TRANSFERS_OF_SCENARIO * scenarios;
  const entries = [];
  const add = (way, part, lane, one) => {
    const idempotencyKey = digest(seed, `key ${entries.length}`).subarray(0, 16);
    entries.push({ way, part, lane, idempotencyKey, ...one });
  };
  const random = (way, number) => {
    const from = senders[pick(seed, `transfer ${number} from`, senders.length)];
    add(way, null, from, book.transfer(`transfer ${number}`, from));
  };

  const others = WAYS.slice(0, -1);
  const places = share(scenarios - 1, others.length);
  const numbers = share(plain - BY_REFLECTION - FROM_DEPOSIT, others.length);
  let [scenario, number] = [0, 0];
  for (const [at, way] of others.entries()) {
    const made = Array.from({ length: places[at] }, () => {
      const payer = senders[scenario % senders.length];
      return { part: scenario, payer, ...makeScenario(book, scenario++, payer) };
    });
    // In streams the second part comes at once; else when the others have begun.
    for (const { part, payer, first, then } of made) {
      [...first, ...(way === "streams" ? then : [])].forEach((one) => add(way, part, payer, one));
    }
    if (way !== "streams") made.forEach(({ payer, then }) => then.forEach((one) => add(way, null, payer, one)));
    if (way === "operations") {
      book.open(DEPOSITED, depositor(seed, DEPOSITED).secret, 1);
      for (let index = 0; index < FROM_DEPOSIT; index++) {
        add(way, null, DEPOSITED, book.transfer(`deposited ${index}`, DEPOSITED));
      }
    }
    for (let index = 0; index < numbers[at]; index++) random(way, number++);
  }
  const payer = senders[scenario % senders.length];
  const { first, then } = makeScenario(book, scenario, payer);
  [...first, ...then].forEach((one) => add("reflection", null, payer, one));
  for (let index = 0; index < BY_REFLECTION; index++) random("reflection", number++);

  return { seed, size, scenarios, accounts, entries, requests: requestsOf(seed, accounts, deposits, exits) };
}

/** The requests, the last of which are left to the client that uses reflection. */
function requestsOf(seed, accounts, deposits, exits) {
  return makeRequests(seed, accounts, deposits, exits).map((request, index, { length }) => ({
    by: index < length - REQUESTS_BY_REFLECTION ? "watcher" : "reflection",
    ...request,
  }));
}

/** `total` as `parts` numbers that differ by at most one. */
function share(total, parts) {
  return Array.from({ length: parts }, (_, at) => Math.floor((total * (at + 1)) / parts) - Math.floor((total * at) / parts));
}

/** Plans as text, for the next command. */
export function serialize({ seed, size, scenarios, entries }) {
  const rows = entries.map(({ way, part, lane, idempotencyKey, signed }) => ({
    ...{ way, part, lane, key: toHex(idempotencyKey) },
    signed: toJson(signed),
  }));
  return JSON.stringify({ seed, accounts: size, scenarios, entries: rows }, null, 1);
}

/** Reads what `serialize` wrote; accounts and requests are made again, because that is quick. */
export function deserialize(text) {
  const { seed, accounts: size, scenarios, entries } = JSON.parse(text);
  const accounts = makeAccounts(seed, size);
  const { deposits, exits } = counts(Number.MAX_SAFE_INTEGER, scenarios);
  return {
    ...{ seed, size, scenarios, accounts, requests: requestsOf(seed, accounts, deposits, exits) },
    entries: entries.map(({ way, part, lane, key, signed: json }) => {
      const signed = fromJson(json);
      const idempotencyKey = fromHex(key, 16);
      return { way, part, lane, idempotencyKey, operation: operationOf(signed), signed };
    }),
  };
}

// Sends a plan in all ways, while the service is killed in the middle of each.
import { setTimeout as sleep } from "node:timers/promises";
import { Kills } from "./kills.js";
import { checkLateRefusals, checkRefusals } from "./refusals.js";
import { Watcher } from "./watcher.js";

/** Senders that submit at the same time, and operations in one stream. */
const LANES = 16;
const STREAMS = 4;
const STREAM_LENGTH = 20;
/** Scenarios that run at the same time, and those that are submitted as one batch. */
const SCENARIOS = 2;
/** In each way the service is killed once for so many operations, but not more often than the second number says. */
const BETWEEN_KILLS = 60;
const MOST_KILLS = 6;
/** The service may take so long to take a stream's first half. */
const HALF_MS = 2000;

/** Sends everything but what is left to the client that uses reflection. Returns ids and counts. */
export async function send(client, plan, { batchSize, pidFile, report }) {
  const sending = new Sending(client, plan, new Kills(pidFile, client, report), report);
  const refusals = await checkRefusals(client, plan);
  report(`${refusals} wrong operations refused`);
  // One part of the root chain's queue comes before each way.
  await sending.requests(1 / 3, "alone");
  await sending.inBatches(batchSize);
  await sending.strikeWhileProving();
  await Promise.all([sending.requests(2 / 3), sending.oneByOne()]);
  await Promise.all([sending.requests(1), sending.inStreams()]);
  await sending.strikeWhileProving();
  const late = await checkLateRefusals(client, plan, sending.watcher);
  report(`${late} more refused: keys that were changed, operations that are used up, accounts that were emptied`);
  const ids = plan.entries.map((entry) => sending.ids.get(entry) ?? null);
  const requestIds = plan.requests.map((_, index) => sending.watcher.ids.get(index) ?? null);
  const { ahead, repeated, kills, watcher } = sending;
  return {
    ...{ ids, requestIds, refusals: refusals + late, ahead, kills: kills.count },
    ...{ resent: client.resent, refused: client.refused, repeated: repeated + watcher.repeated },
  };
}

class Sending {
  constructor(client, plan, kills, report) {
    Object.assign(this, { client, plan, kills, report });
    this.watcher = new Watcher(client, plan.requests);
    /** Operation ids by entry of the plan. */
    this.ids = new Map();
    /** Operations whose repetition was answered with the first one's result. */
    this.repeated = 0;
    /** Most executed batches that were seen waiting for their proofs. */
    this.ahead = 0;
  }

  /** The entries of one way: those that follow each other at once, and the others. */
  of(way) {
    const entries = this.plan.entries.filter((entry) => entry.way === way);
    return { scenarios: entries.filter(({ part }) => part !== null), others: entries.filter(({ part }) => part === null) };
  }

  answered(entries, ids, repeated) {
    if (entries.length !== ids.length) throw new Error(`${ids.length} ids for ${entries.length} operations`);
    entries.forEach((entry, index) => this.ids.set(entry, ids[index]));
    this.repeated += repeated;
  }

  /** The root chain's queue, up to a part of what the watcher sends; the service is killed only if nobody else does it. */
  async requests(part, alone) {
    const all = this.plan.requests.filter(({ by }) => by === "watcher").length;
    const end = Math.ceil(part * all);
    await this.watcher.send(end, () => {
      if (alone) this.kills.strike("while it reads the root chain's queue");
    });
    if (alone) await this.kills.recovered();
    this.report(`${end} of ${all} deposits and forced exits`);
  }

  async inBatches(batchSize) {
    const { scenarios, others } = this.of("batches");
    const together = (part) => scenarios.filter((entry) => Math.floor(entry.part / SCENARIOS) === part);
    const parts = [...new Set(scenarios.map(({ part }) => Math.floor(part / SCENARIOS)))];
    const batches = [...parts.map(together), ...chunks(others, batchSize)];
    const between = group(batches.length, BETWEEN_KILLS / batchSize);
    for (const [index, entries] of batches.entries()) {
      const request = {
        operations: entries.map(({ signed }) => signed),
        idempotencyKey: Buffer.concat([Buffer.from("batch "), entries[0].idempotencyKey]),
      };
      const strike = isMiddle(index, between);
      const answer = this.client.request("SubmitBatch", request);
      if (strike) {
        // Sometimes before it is executed, sometimes after: both must come out the same.
        await sleep(7 * (index % 3));
        this.kills.strike(`while it answers SubmitBatch ${index + 1} of ${batches.length}`);
      }
      const { operationIds, repeated } = await answer;
      if (strike) await this.kills.recovered();
      this.answered(entries, operationIds, repeated ? entries.length : 0);
      this.ahead = Math.max(this.ahead, (await this.client.request("GetState")).state.unprovedBatches);
    }
    this.report(`${this.ids.size} operations in ${batches.length} batches; ${this.ahead} waited for proofs at one time`);
  }

  async oneByOne() {
    const { scenarios, others } = this.of("operations");
    for (const [entries, count] of [[scenarios, SCENARIOS], [others, LANES]]) await this.inLanes(entries, count);
    this.report(`${scenarios.length + others.length} operations one by one`);
  }

  async inLanes(entries, count) {
    const between = group(entries.length, BETWEEN_KILLS);
    let sent = 0;
    let recovery = null;
    const one = async (entry) => {
      const request = { operation: entry.signed, idempotencyKey: entry.idempotencyKey };
      const answer = this.client.request("SubmitOperation", request);
      if (isMiddle(sent++, between)) {
        // Not before the service is back from the last time.
        await recovery;
        this.kills.strike(`while it answers SubmitOperation, ${count} at a time`);
        recovery = this.kills.recovered();
      }
      const { operation, repeated } = await answer;
      this.answered([entry], [operation.id], repeated ? 1 : 0);
    };
    await Promise.all(
      lanes(entries, count).map(async (lane) => {
        for (const entry of lane) await one(entry);
      }),
    );
    await recovery;
  }

  async inStreams() {
    const { scenarios, others } = this.of("streams");
    for (const [entries, count] of [[scenarios, SCENARIOS], [others, STREAMS]]) await this.inStreamLanes(entries, count);
    this.report(`${scenarios.length + others.length} operations in streams`);
  }

  async inStreamLanes(all, streamCount) {
    const streams = lanes(all, streamCount).map((lane) => chunks(lane, STREAM_LENGTH));
    const between = group(streams.flat().length, BETWEEN_KILLS / STREAM_LENGTH);
    let count = 0;
    let recovery = null;
    const halfway = async () => {
      if (!isMiddle(count++, between)) return;
      await recovery;
      await this.somethingAccepted();
      this.kills.strike(`while it reads ${streamCount} streams`);
      recovery = this.kills.recovered();
    };
    await Promise.all(
      streams.map(async (lane) => {
        for (const entries of lane) {
          const requests = entries.map(({ signed, idempotencyKey }) => ({ operation: signed, idempotencyKey }));
          // A repetition is not interrupted again: there would be no end.
          let interrupt = halfway;
          const attempt = () => {
            const once = interrupt;
            interrupt = () => {};
            return this.client.streamOnce("SubmitOperations", requests, once);
          };
          const { operationIds, repeated } = await this.client.persist(attempt);
          this.answered(entries, operationIds, repeated);
        }
      }),
    );
    await recovery;
  }

  /** Waits a while for the service to accept a part of the streams, so that it is there when they are sent again. */
  async somethingAccepted() {
    const last = async () => Number((await this.client.request("GetState")).state.lastOperation);
    const [before, end] = [this.ids.size + this.watcher.ids.size, Date.now() + HALF_MS];
    while ((await last()) <= before && Date.now() < end) await sleep(10);
  }

  /** Waits until some batch is being proved after another was, and strikes. */
  async strikeWhileProving() {
    for (;;) {
      const batches = await this.client.list("ListBatches", "batches", { pageSize: 1000 });
      const next = batches.find(({ state }) => state === "BATCH_STATE_PROVING" || state === "BATCH_STATE_EXECUTED");
      if (!next) throw new Error("no batch is left to prove: send more operations");
      const seen = ({ progress }) => progress.state === "BATCH_STATE_PROVING" && progress.fraction > 0.1;
      if ((await this.client.watch("WatchBatch", { number: next.number }, seen)) && next.number > 1) {
        this.kills.strike(`while it proves batch ${next.number}`);
        return this.kills.recovered();
      }
      // The first batch is left alone, so that a proof is in the store.
      await this.client.watch("WatchBatch", { number: next.number }, () => false);
    }
  }
}

/** How many of `requests` requests share one kill, if `wanted` is what the number of operations asks for. */
function group(requests, wanted) {
  return Math.min(requests, Math.ceil(Math.max(wanted, requests / MOST_KILLS)));
}

/** Whether the request of this index is in the middle of its group of so many. */
function isMiddle(index, group) {
  return index % group === Math.floor(group / 2);
}

/** Cuts a list into pieces of at most `size`. */
function chunks(list, size) {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, at) => list.slice(size * at, size * (at + 1)));
}

/** Deals operations by their lanes, in which they stay in order. */
function lanes(entries, count) {
  const dealt = Array.from({ length: count }, () => []);
  for (const entry of entries) dealt[entry.lane % count].push(entry);
  return dealt.filter((lane) => lane.length > 0);
}

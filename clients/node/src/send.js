// Sends a plan in all ways, while the service is killed in the middle of each.
import { setTimeout as sleep } from "node:timers/promises";
import { Kills } from "./kills.js";
import { checkRefusals } from "./refusals.js";

/** Senders that submit at the same time, and transfers in one stream. */
const LANES = 16;
const STREAMS = 4;
const STREAM_LENGTH = 20;
/** In each way the service is killed once for so many transfers, but not more often than the second number says. */
const BETWEEN_KILLS = 60;
const MOST_KILLS = 6;
/** The service may take so long to take a stream's first half. */
const HALF_MS = 2000;

/** Sends everything but what is left to the client that uses reflection. Returns ids and counts. */
export async function send(client, plan, { batchSize, pidFile, report }) {
  const sending = new Sending(client, plan, new Kills(pidFile, client, report), report);
  const refusals = await checkRefusals(client, plan.accounts, plan.transfers[0]);
  report(`${refusals} wrong transfers refused`);
  await sending.inBatches(batchSize);
  await sending.strikeWhileProving();
  await sending.oneByOne();
  await sending.inStreams();
  await sending.strikeWhileProving();
  const ids = plan.transfers.map((entry) => sending.ids.get(entry) ?? null);
  const { ahead, repeated, kills } = sending;
  return { ids, ahead, kills: kills.count, resent: client.resent, refused: client.refused, repeated };
}

class Sending {
  constructor(client, plan, kills, report) {
    Object.assign(this, { client, plan, kills, report });
    /** Operation ids by entry of the plan. */
    this.ids = new Map();
    /** Transfers whose repetition was answered with the first one's result. */
    this.repeated = 0;
    /** Most executed batches that were seen waiting for their proofs. */
    this.ahead = 0;
  }

  of(way) {
    return this.plan.transfers.filter((entry) => entry.way === way);
  }

  answered(entries, ids, repeated) {
    if (entries.length !== ids.length) throw new Error(`${ids.length} ids for ${entries.length} transfers`);
    entries.forEach((entry, index) => this.ids.set(entry, ids[index]));
    this.repeated += repeated;
  }

  async inBatches(batchSize) {
    const batches = chunks(this.of("batches"), batchSize);
    const between = group(batches.length, BETWEEN_KILLS / batchSize);
    for (const [index, entries] of batches.entries()) {
      const request = {
        transfers: entries.map(({ signed }) => signed),
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
    this.report(`${this.ids.size} transfers in ${batches.length} batches; ${this.ahead} waited for proofs at one time`);
  }

  async oneByOne() {
    const entries = this.of("transfers");
    const between = group(entries.length, BETWEEN_KILLS);
    let count = 0;
    let recovery = null;
    await inLanes(entries, LANES, async (entry) => {
      const request = { transfer: entry.signed, idempotencyKey: entry.idempotencyKey };
      const answer = this.client.request("SubmitTransfer", request);
      if (isMiddle(count++, between)) {
        // Not before the service is back from the last time.
        await recovery;
        this.kills.strike(`while it answers SubmitTransfer, ${LANES} at a time`);
        recovery = this.kills.recovered();
      }
      const { operation, repeated } = await answer;
      this.answered([entry], [operation.id], repeated ? 1 : 0);
    });
    await recovery;
    this.report(`${entries.length} transfers one by one`);
  }

  async inStreams() {
    const streams = lanes(this.of("streams"), STREAMS).map((lane) => chunks(lane, STREAM_LENGTH));
    const between = group(streams.flat().length, BETWEEN_KILLS / STREAM_LENGTH);
    let count = 0;
    let recovery = null;
    const halfway = async () => {
      if (!isMiddle(count++, between)) return;
      await recovery;
      await this.somethingAccepted();
      this.kills.strike(`while it reads ${STREAMS} streams`);
      recovery = this.kills.recovered();
    };
    await Promise.all(
      streams.map(async (lane) => {
        for (const entries of lane) {
          const requests = entries.map(({ signed, idempotencyKey }) => ({ transfer: signed, idempotencyKey }));
          // A repetition is not interrupted again: there would be no end.
          let interrupt = halfway;
          const attempt = () => {
            const once = interrupt;
            interrupt = () => {};
            return this.client.streamOnce("SubmitTransfers", requests, once);
          };
          const { operationIds, repeated } = await this.client.persist(attempt);
          this.answered(entries, operationIds, repeated);
        }
      }),
    );
    await recovery;
    this.report(`${this.of("streams").length} transfers in ${streams.flat().length} streams`);
  }

  /** Waits a while for the service to accept a part of the streams, so that it is there when they are sent again. */
  async somethingAccepted() {
    const last = async () => Number((await this.client.request("GetState")).state.lastOperation);
    const [before, end] = [this.ids.size, Date.now() + HALF_MS];
    while ((await last()) <= before && Date.now() < end) await sleep(10);
  }

  /** Waits until some batch is being proved after another was, and strikes. */
  async strikeWhileProving() {
    for (;;) {
      const batches = await this.client.list("ListBatches", "batches", { pageSize: 1000 });
      const next = batches.find(({ state }) => state === "BATCH_STATE_PROVING" || state === "BATCH_STATE_EXECUTED");
      if (!next) throw new Error("no batch is left to prove: send more transfers");
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

/** How many of `requests` requests share one kill, if `wanted` is what the number of transfers asks for. */
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

/** Deals transfers by sender, so that those of one sender stay in order. */
function lanes(entries, count) {
  const dealt = Array.from({ length: count }, () => []);
  for (const entry of entries) dealt[entry.transfer.from % count].push(entry);
  return dealt.filter((lane) => lane.length > 0);
}

function inLanes(entries, count, one) {
  return Promise.all(
    lanes(entries, count).map(async (lane) => {
      for (const entry of lane) await one(entry);
    }),
  );
}

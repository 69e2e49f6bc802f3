// Sends a plan in all ways, while the service is killed in the middle of each.
import { setTimeout as sleep } from "node:timers/promises";
import { Kills } from "./kills.js";

/** Senders that submit at the same time, and transfers in one stream. */
const LANES = 16;
const STREAMS = 4;
const STREAM_LENGTH = 25;

/** Sends everything but what is left to the client that uses reflection. Returns ids and counts. */
export async function send(client, plan, { batchSize, pidFile, report }) {
  const kills = new Kills(pidFile, client, report);
  const sent = new Map();
  let repeated = 0;
  const answered = (entries, ids) => {
    if (entries.length !== ids.length) throw new Error(`${ids.length} ids for ${entries.length} transfers`);
    entries.forEach((entry, index) => sent.set(entry, ids[index]));
  };
  const of = (way) => plan.transfers.filter((entry) => entry.way === way);

  const batches = chunks(of("batches"), batchSize);
  for (const [index, entries] of batches.entries()) {
    const request = {
      transfers: entries.map(({ signed }) => signed),
      idempotencyKey: Buffer.concat([Buffer.from("batch "), entries[0].idempotencyKey]),
    };
    const strike = index === Math.floor(batches.length / 2);
    const answer = client.request("SubmitBatch", request);
    if (strike) {
      await sleep(index % 20);
      kills.strike(`while it answers SubmitBatch ${index + 1} of ${batches.length}`);
    }
    const { operationIds, repeated: again } = await answer;
    if (strike) await kills.recovered();
    answered(entries, operationIds);
    repeated += again ? entries.length : 0;
  }
  const { state } = await client.request("GetState");
  const ahead = state.unprovedBatches;
  report(`${of("batches").length} transfers in ${batches.length} batches; ${ahead} batches wait for proofs`);

  const proving = await provingBatch(client);
  kills.strike(`while it proves batch ${proving}`);
  await kills.recovered();

  const singles = of("transfers");
  let answers = 0;
  await inLanes(singles, LANES, async (entry) => {
    const request = { transfer: entry.signed, idempotencyKey: entry.idempotencyKey };
    const answer = client.request("SubmitTransfer", request);
    answers += 1;
    if (answers === Math.floor(singles.length / 2)) kills.strike(`while it answers SubmitTransfer, ${LANES} at a time`);
    const { operation, repeated: again } = await answer;
    answered([entry], [operation.id]);
    repeated += again ? 1 : 0;
  });
  await kills.recovered();
  report(`${singles.length} transfers one by one`);

  const streamed = lanes(of("streams"), STREAMS).map((lane) => chunks(lane, STREAM_LENGTH));
  const middle = Math.ceil(streamed.flat().length / 2);
  let halves = 0;
  await Promise.all(
    streamed.map(async (streams) => {
      for (const entries of streams) {
        const requests = entries.map(({ signed, idempotencyKey }) => ({ transfer: signed, idempotencyKey }));
        const halfway = () => {
          halves += 1;
          if (halves === middle) kills.strike(`while it reads ${STREAMS} streams`);
        };
        const answer = await client.persist(() => client.streamOnce("SubmitTransfers", requests, halfway));
        answered(entries, answer.operationIds);
        repeated += answer.repeated;
      }
    }),
  );
  await kills.recovered();
  report(`${of("streams").length} transfers in ${streamed.flat().length} streams`);

  const ids = plan.transfers.map((entry) => sent.get(entry) ?? null);
  return { ids, ahead, kills: kills.count, resent: client.resent, refused: client.refused, repeated };
}

/** Waits until some batch is being proved, and returns its number. */
async function provingBatch(client) {
  for (;;) {
    const batches = await client.list("ListBatches", "batches", { pageSize: 1000 });
    const next = batches.find(({ state }) => state === "BATCH_STATE_PROVING" || state === "BATCH_STATE_EXECUTED");
    if (!next) throw new Error("no batch is left to prove: send more transfers");
    const seen = ({ progress }) => progress.state === "BATCH_STATE_PROVING" && progress.fraction > 0.1;
    if (await client.watch("WatchBatch", { number: next.number }, seen)) return next.number;
  }
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

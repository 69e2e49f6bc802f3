// Stands in for whoever watches the root chain: sends the queue's requests in their order, and goes on where the service is.
import assert from "node:assert/strict";
import { fromBytes } from "./bytes.js";
import { EMPTY_QUEUE, queueHash, toMessage } from "./priority.js";

export class Watcher {
  /** `requests` is the whole queue. */
  constructor(client, requests) {
    this.client = client;
    this.messages = requests.map(({ request }, index) => ({ operation: toMessage(index, request) }));
    /** The running hash before each request, and after the last. */
    this.hashes = [EMPTY_QUEUE];
    for (const { request } of requests) this.hashes.push(queueHash(this.hashes.at(-1), request));
    /** Operation ids by index. */
    this.ids = new Map();
    this.repeated = 0;
  }

  /** Sends what comes before index `end`, until all of it is answered. `halfway` is called once, in the middle. */
  async send(end, halfway = () => {}) {
    let interrupt = halfway;
    await this.client.persist(async () => {
      const next = await this.check();
      // What was answered last is sent once more, and whatever was not answered.
      const start = Math.min(this.ids.size > 0 ? next - 1 : next, this.ids.size);
      const once = interrupt;
      interrupt = () => {};
      await this.client.exchangeOnce("SubmitPriority", this.messages.slice(start, end), once, (answer) => this.answered(answer));
      const missing = this.messages.slice(0, end).findIndex((_, index) => !this.ids.has(index));
      assert.equal(missing, -1, `request ${missing} was not answered`);
    });
  }

  answered({ index, operationId, queueHash: hash, repeated }) {
    const place = Number(index);
    assert.equal(fromBytes(hash), this.hashes[place + 1], `the queue's hash with request ${place}`);
    const known = this.ids.get(place);
    assert.ok(known === undefined || (known === operationId && repeated), `request ${place} became two operations`);
    this.ids.set(place, operationId);
    if (repeated) this.repeated += 1;
  }

  /** How far the service is; its hashes must be those of the queue. */
  async check() {
    const { queue } = await this.client.once("GetQueue");
    const { nextIndex, nextToExecute, hash, executedHash } = queue;
    assert.equal(fromBytes(hash), this.hashes[Number(nextIndex)], "the hash of what was submitted");
    assert.equal(fromBytes(executedHash), this.hashes[Number(nextToExecute)], "the hash of what was executed");
    return Number(nextIndex);
  }
}

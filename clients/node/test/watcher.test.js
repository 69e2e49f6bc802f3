// The stand-in for the root chain's watcher, against a queue that loses connections, forgets answers, or lies.
import assert from "node:assert/strict";
import { test } from "node:test";
import { toBytes } from "../src/bytes.js";
import { EMPTY_QUEUE, deposit, forcedExit, fromMessage, queueHash } from "../src/priority.js";
import { Watcher } from "../src/watcher.js";

const REQUESTS = Array.from({ length: 9 }, (_, index) => ({
  request: index % 2 ? forcedExit(index, 7n) : deposit(index, 1, 5n, 7n, [0n, 1n]),
}));

/** A service that breaks the connection after so many requests of each attempt. */
class Service {
  constructor(breaks, change = (answer) => answer) {
    Object.assign(this, { breaks, change, hashes: [EMPTY_QUEUE], attempts: 0 });
  }

  async persist(attempt) {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (error.code !== "BROKEN") throw error;
      }
    }
  }

  async once() {
    const hash = toBytes(this.hashes.at(-1));
    return { queue: { nextIndex: String(this.hashes.length - 1), nextToExecute: "0", hash, executedHash: toBytes(EMPTY_QUEUE) } };
  }

  async exchangeOnce(method, messages, halfway, answered) {
    assert.equal(method, "SubmitPriority");
    this.attempts += 1;
    await halfway();
    const limit = this.breaks.shift() ?? messages.length;
    for (const { operation } of messages.slice(0, limit)) {
      const place = Number(operation.index);
      const repeated = place < this.hashes.length - 1;
      assert.ok(place < this.hashes.length, `request ${place} leaves a gap`);
      if (!repeated) this.hashes.push(queueHash(this.hashes.at(-1), fromMessage(operation)));
      // The last one before the break is stored, and not answered.
      if (place + 1 === limit && limit < messages.length) break;
      const queueHashAfter = toBytes(this.hashes[place + 1]);
      answered(this.change({ index: operation.index, operationId: String(100 + place), queueHash: queueHashAfter, repeated }));
    }
    if (limit < messages.length) throw Object.assign(new Error("gone"), { code: "BROKEN" });
  }
}

test("a watcher goes on where the service is", async () => {
  const service = new Service([0, 2, 3]);
  const watcher = new Watcher(service, REQUESTS);
  let interruptions = 0;
  await watcher.send(5, () => (interruptions += 1));
  assert.deepEqual([...watcher.ids.keys()].sort(), [0, 1, 2, 3, 4]);
  await watcher.send(REQUESTS.length);
  assert.equal(watcher.ids.size, REQUESTS.length);
  assert.deepEqual([...watcher.ids.values()].sort(), REQUESTS.map((_, index) => String(100 + index)));
  assert.equal(service.hashes.at(-1), watcher.hashes.at(-1));
  assert.equal(await watcher.check(), REQUESTS.length);
  // A repetition is not interrupted, and something was sent twice.
  assert.equal(interruptions, 1);
  assert.ok(watcher.repeated > 0 && service.attempts > 2);
});

test("a watcher notices a service with another queue", async () => {
  const sent = (change) => new Watcher(new Service([], change), REQUESTS).send(REQUESTS.length);
  await assert.rejects(sent((answer) => ({ ...answer, queueHash: toBytes(1n) })), /hash with request 0/);
  await assert.rejects(sent((answer) => ({ ...answer, index: "3" })), /hash with request 3/);
  const other = new Service([]);
  other.hashes = [EMPTY_QUEUE, 5n];
  await assert.rejects(new Watcher(other, REQUESTS).send(2), /hash of what was submitted/);
  const again = new Watcher(new Service([]), REQUESTS);
  await again.send(3);
  again.client.change = (answer) => ({ ...answer, operationId: "9" });
  await assert.rejects(again.send(4), /two operations/);
});

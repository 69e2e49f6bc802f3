// The service over gRPC: messages come from the repository's .proto files, requests are repeated until they are answered.
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { retryDelay } from "./status.js";

const PROTO = fileURLToPath(new URL("../../../proto", import.meta.url));
/** The services and messages of the .proto files. */
export const definition = loadSync("quittance/v1/quittance.proto", {
  includeDirs: [PROTO],
  longs: String,
  enums: String,
  defaults: true,
  oneofs: true,
});
const { quittance } = grpc.loadPackageDefinition(definition);

/** One request may take so long. */
const DEADLINE_MS = 30_000;
/** A request is repeated for so long. */
const PATIENCE_MS = 180_000;

export class Client {
  constructor(address) {
    this.stub = new quittance.v1.Quittance(address, grpc.credentials.createInsecure(), {
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 500,
      "grpc.max_receive_message_length": 64 << 20,
    });
    /** Requests that were sent again because nobody answered them. */
    this.resent = 0;
    /** Requests that were sent again because the service was full. */
    this.refused = 0;
  }

  /** One request, one attempt. */
  once(method, request = {}) {
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + DEADLINE_MS;
      this.stub[method](request, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  }

  /** One client stream, one attempt. `halfway` is called when half of the messages were written. */
  streamOnce(method, requests, halfway) {
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + DEADLINE_MS };
      const call = this.stub[method](options, (error, answer) => (error ? reject(error) : resolve(answer)));
      this.write(call, requests, halfway).catch(reject);
    });
  }

  /** A stream in both directions, one attempt. `halfway` is as above, `answered` is called for each answer. */
  exchangeOnce(method, requests, halfway, answered) {
    return new Promise((resolve, reject) => {
      const call = this.stub[method]({ deadline: Date.now() + DEADLINE_MS });
      call.on("data", (answer) => {
        try {
          answered(answer);
        } catch (error) {
          call.cancel();
          reject(error);
        }
      });
      call.on("end", resolve);
      call.on("error", reject);
      this.write(call, requests, halfway).catch(reject);
    });
  }

  async write(call, requests, halfway) {
    for (const [index, request] of requests.entries()) {
      if (index === Math.floor(requests.length / 2)) await halfway();
      await new Promise((done) => call.write(request, done));
    }
    call.end();
  }

  /** Sends a request until it is answered. Changing requests need an idempotency key. */
  request(method, request = {}) {
    return this.persist(() => this.once(method, request));
  }

  /** Repeats an attempt while it fails in a way that says nothing about the request itself. */
  async persist(attempt) {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        const delay = retryDelay(error);
        if (delay === null || Date.now() > end) throw error;
        if (error.code === grpc.status.RESOURCE_EXHAUSTED) this.refused += 1;
        else this.resent += 1;
        await sleep(delay);
      }
    }
  }

  /** All entries of a list, page by page. */
  async list(method, field, request = {}) {
    const entries = [];
    let pageToken = "";
    do {
      const page = await this.request(method, { ...request, pageToken });
      entries.push(...page[field]);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return entries;
  }

  /** Follows a server stream until `seen` returns true or the stream ends; true if it was seen. */
  async watch(method, request, seen) {
    return this.persist(
      () =>
        new Promise((resolve, reject) => {
          const call = this.stub[method](request);
          call.on("data", (event) => {
            if (!seen(event)) return;
            resolve(true);
            call.cancel();
          });
          call.on("end", () => resolve(false));
          // After `resolve` the error is that of the cancelled call.
          call.on("error", reject);
        }),
    );
  }

  close() {
    this.stub.close();
  }
}

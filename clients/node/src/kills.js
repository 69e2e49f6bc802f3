// kill -9 of the service. Somebody else starts it again: scripts/interop.sh, as an init system would.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const PATIENCE_MS = 60_000;

export class Kills {
  /** `pidFile` names the service's process at any time; `client` asks whether it answers. */
  constructor(pidFile, client, report) {
    Object.assign(this, { pidFile, client, report, count: 0 });
  }

  pid() {
    const pid = Number(readFileSync(this.pidFile, "utf8"));
    return Number.isInteger(pid) && pid > 1 ? pid : null;
  }

  /** Kills the service, begins to ask whether it answers, and returns at once. */
  strike(moment) {
    const pid = this.pid();
    if (!pid) throw new Error(`no process id in ${this.pidFile}`);
    process.kill(pid, "SIGKILL");
    this.killed = pid;
    this.count += 1;
    this.report(`kill -9 ${pid} ${moment}`);
    this.back = this.untilAnswered(Date.now());
    // A failure is told to whoever waits for it.
    this.back.catch(() => {});
  }

  /** Waits until another process than the killed one has answered. */
  recovered() {
    return this.back;
  }

  async untilAnswered(begun) {
    for (;;) {
      if (Date.now() > begun + PATIENCE_MS) throw new Error("the service did not come back");
      const pid = this.pid();
      if (pid && pid !== this.killed) {
        const state = await this.client.once("GetState").catch(() => null);
        if (state) {
          const batch = state.state.batchNumber;
          this.report(`the first answer came ${Date.now() - begun} ms after the kill, at batch ${batch}`);
          return;
        }
      }
      await sleep(10);
    }
  }
}

// What must come out in the end, from the plan by arithmetic; only what forced exits pay is taken from the published data.
import { feeLeaves } from "./accounts.js";
import { DEPOSIT } from "./priority.js";

/** Accounts by leaf: { key, owner, token, nonce, balance }. `payments` are { token, amount } of each done forced exit, in order. */
export function expectedAccounts({ accounts, entries, requests }, payments) {
  const expected = new Map(
    accounts.map(({ key, owner, token, nonce, balance }, leaf) => [leaf, { key, owner, token, nonce, balance }]),
  );
  const collectors = new Map(feeLeaves(accounts).map(({ token, leaf }) => [token, expected.get(leaf)]));
  const paid = payments.values();
  // The requests that open accounts come before what these accounts do, and addition knows no order.
  for (const { request, done } of requests.filter((one) => one.done)) {
    const { kind, leaf, token, amount, owner, key } = request;
    const account = expected.get(leaf);
    if (kind !== DEPOSIT) account.balance -= paid.next().value.amount;
    else if (account) account.balance += amount;
    else expected.set(leaf, { key, owner, token, nonce: 0, balance: amount });
  }
  for (const { operation } of entries) {
    const { kind, from, to, amount = 0n, fee, key, owner } = operation;
    const sender = expected.get(from);
    sender.nonce += 1;
    sender.balance -= amount + fee;
    collectors.get(sender.token).balance += fee;
    if (kind === "transfer") expected.get(to).balance += amount;
    if (kind === "opening") expected.set(to, { key, owner, token: sender.token, nonce: 0, balance: amount });
    if (kind === "rotation") Object.assign(sender, { key, owner });
  }
  return expected;
}

/** By token, what deposits brought in less what withdrawals and forced exits took out. */
export function flows({ accounts, entries, requests }, payments) {
  const flow = new Map();
  const add = (token, amount) => flow.set(token, (flow.get(token) ?? 0n) + amount);
  for (const { request, done } of requests) {
    if (done && request.kind === DEPOSIT) add(request.token, request.amount);
  }
  const tokens = new Map(accounts.map(({ token }, leaf) => [leaf, token]));
  for (const { operation } of entries) {
    const { kind, from, to, amount } = operation;
    if (kind === "opening") tokens.set(to, tokens.get(from));
    if (kind === "withdrawal") add(tokens.get(from), -amount);
  }
  for (const { token, amount } of payments) add(token, -amount);
  return flow;
}

// Money: what is held and owed to the wei, and who earned and lost what.

import { counted, el, row, say, section, setMoney, table, workerLink } from "./elements.js";
import { chart } from "./charts.js";

const COLUMNS = [["Worker"], ["Stake", "number"], ["Credit", "number"], ["Earned", "number"], ["Lost", "number"], ["Seats", "text"]];
const VERDICTS = ["paid", "released", "slashed", "absent"];
const NAMES = {
  held: "Held by the registry", owed: "Owed, and burnt", escrow: "Escrow of the open round", stakes: "Stakes", credits: "Credits to withdraw",
  burnt: "Burnt", paid_in: "Paid in, ever", paid_out: "Paid out, ever",
};
const MOST_ROWS = 200;

export function showMoney(where, store) {
  const values = Object.fromEntries(Object.keys(NAMES).map((name) => [name, el("dd", { class: "money" })]));
  const balance = el("p", { class: "balance", role: "status" });
  const byRound = chart("Earned and lost by round", "round", "ether", [["earned", "good", true], ["lost", "bad", true]]);
  const byWorker = chart("Earned less lost by worker", "workers, the richest first", "ether", [["earned less lost", "accent", true]]);
  const list = table("Workers", COLUMNS, []);
  const more = el("button", { type: "button" }, "Show all");
  const body = list.querySelector("tbody");
  where.append(el("h1", {}, "Money"), balance,
    el("dl", { class: "stats" }, Object.entries(NAMES).map(([name, text]) => el("div", { class: "stat" }, el("dt", {}, text), values[name]))),
    el("div", { class: "charts" }, byRound.node, byWorker.node), section("Workers", list, more));
  const rows = new Map();
  let most = MOST_ROWS;
  more.addEventListener("click", () => {
    most = Infinity;
    update(null);
  });

  function update(changed) {
    const its = store.get("money");
    if (!its) return;
    for (const name of Object.keys(NAMES)) setMoney(values[name], its[name]);
    const isExact = its.difference[1] === "0";
    say(balance, isExact ? `The books balance to the wei: ${its.held[0]} held, ${its.owed[0]} owed or burnt.` : `Held and owed differ by ${its.difference[1]} wei.`);
    balance.className = `balance ${isExact ? "good" : "bad"}`;
    const rounds = store.all("round/");
    byRound.node.hidden = !rounds.length;
    byRound.update([rounds.map(([number]) => Number(number)), rounds.map(([, it]) => it.earned), rounds.map(([, it]) => -it.lost)]);
    const workers = store.all("worker/");
    byWorker.node.hidden = !workers.length;
    const net = workers.map(([, it]) => it.net).sort((one, other) => other - one);
    byWorker.update([net.map((_, at) => at + 1), net]);
    more.hidden = workers.length <= most;
    say(more, `Show all ${counted(workers.length, "worker")}`);
    for (const [worker, it] of workers.slice(0, most === Infinity ? undefined : most)) {
      if (changed && rows.has(worker) && !changed.has(`worker/${worker}`)) continue;
      if (!rows.has(worker)) {
        const line = row(COLUMNS, [workerLink(worker), ...Array.from({ length: 4 }, () => el("span", { class: "money" })), el("span")]);
        body.append(line);
        rows.set(worker, line);
      }
      const [, stake, credit, earned, lost, seats] = rows.get(worker).children;
      [stake, credit, earned, lost].forEach((cell, at) => setMoney(cell.firstChild, [it.stake, it.credit, it.earned, it.lost][at]));
      const said = it.verdicts.map((count, at) => (count ? `${count} ${VERDICTS[at]}` : null)).filter(Boolean);
      say(seats.firstChild, `${said.join(", ") || "none settled"}${it.member ? "" : "; not in the pool"}`);
    }
  }
  return { update, end: () => (byRound.end(), byWorker.end()) };
}

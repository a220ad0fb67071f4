// A page for each worker, with its pay slip, and for each job, with its transactions.

import { ask, clock, copyButton, counted, el, explored, jobLink, moment, money, person, row, say, section, table } from "./elements.js";
import { chart } from "./charts.js";
import { Game } from "./games.js";
import { JobRow } from "./now.js";

const SEATS = [["Job"], ["Seat", "number"], ["Amount", "number"], ["What became of it", "text"], ["Why", "text"], ["Gas paid", "number"]];
const STEPS = [["Block", "number"], ["Time"], ["Transaction"], ["Sender"], ["What happened", "text"], ["Gas", "number"], ["Fee", "number"]];

// Asks again whenever one of some keys changes, but not more often than every second.
function following(path, draw, fail, concerns) {
  let isAsking = false, isStale = false, isOver = false;
  async function refresh() {
    if (isAsking || isOver) {
      isStale = true;
      return;
    }
    [isAsking, isStale] = [true, false];
    try {
      const found = await ask(path);
      if (!isOver) draw(found);
    } catch (error) {
      if (!isOver) fail(error);
    }
    setTimeout(() => {
      isAsking = false;
      if (isStale) refresh();
    }, 1000);
  }
  return {
    update(changed) {
      if (!changed || [...changed].some(concerns)) refresh();
    },
    end() {
      isOver = true;
    },
  };
}

export function showWorker(where, store, worker) {
  const quiet = el("p", { class: "quiet", role: "status" }, "Asking for the pay slip …");
  const [totals, body] = [el("div"), el("div")];
  const byRound = chart("Earned or lost by round", "round", "ether", [["earned less lost", "accent", true]], { height: 180 });
  where.append(el("h1", {}, "Worker"), el("p", { class: "title" }, el("code", {}, worker), copyButton(worker)), quiet, totals, byRound.node, body);
  byRound.node.hidden = true;

  function draw(slip) {
    say(quiet, slip.member ? "A member of the pool." : "Not in the pool.");
    const sums = [["Earned", slip.earned], ["Lost", slip.lost], ["Gas paid", slip.cost.fee], ["Taken home", slip.taken_home], ["Can be taken home now", slip.withdrawable], ["Stake", slip.stake]];
    const ofGames = [["Bounties", slip.bounties], ["Bonds won or lost", slip.bonds_won], ["Bonds in the game", slip.bonds_held], ["Gas of claims and challenges", slip.game.fee]];
    if (ofGames.some(([, value]) => value[1] !== "0")) sums.push(...ofGames);
    const net = new Map();
    for (const job of slip.jobs) net.set(job.round, (net.get(job.round) ?? 0) + Number(job.amount[1]) / 1e18);
    byRound.node.hidden = !net.size;
    byRound.update([[...net.keys()], [...net.values()]]);
    const lines = slip.jobs.toReversed().map((job) => row(SEATS, [
      jobLink(job.address, `round ${job.round}, job ${job.job}`), `${job.seat}`, money(job.amount),
      job.verdict ? `${{ rewarded: "paid" }[job.verdict] ?? job.verdict}; ${job.decision}` : job.decision, job.why, money(job.cost.fee)]));
    totals.replaceChildren(el("dl", { class: "stats" }, sums.map(([name, value]) => el("div", { class: "stat" }, el("dt", {}, name), el("dd", {}, money(value))))));
    body.replaceChildren(
      el("p", {}, `Stake: ${slip.stake_why}. Joining, leaving and taking home took ${counted(slip.membership.transactions, "transaction")}.`),
      section("Pay slip", lines.length ? table("Seats of this worker, the newest first", SEATS, lines) : el("p", {}, "It has held no seat yet.")),
      el("p", { class: "quiet" }, `${slip.note[0].toUpperCase()}${slip.note.slice(1)}. `, el("a", { href: `#/events/worker/${worker}` }, "All of its events")));
  }
  const fail = (error) => say(quiet, error.message);
  const watch = following(`/worker/${worker}`, draw, fail, (key) => key === `worker/${worker}` || key.startsWith("job/"));
  return { ...watch, end: () => (watch.end(), byRound.end()) };
}

export function showJob(where, store, job) {
  const heading = el("h1", {}, "Job");
  const quiet = el("p", { class: "quiet", role: "status" }, "Asking for the job …");
  const [game, steps] = [new Game(store), el("div")];
  const shown = new JobRow(job, store.get("place")?.states ?? {}, true);
  shown.node.hidden = true;
  where.append(heading, el("p", { class: "title" }, el("code", {}, job), copyButton(job)), quiet, shown.node, game.node, steps);

  function draw(found) {
    const place = store.get("place");
    say(quiet, "");
    say(heading, `Round ${found.job.round}, job ${found.job.job}`);
    shown.states = place.states;
    shown.update(found.job);
    shown.node.hidden = false;
    game.update(found.game);
    tick();
    const lines = found.transactions.map((it) => row(STEPS, [
      explored(place, "block", it.block, `${it.block}`), el("time", { title: `${moment(it.time)} UTC` }, clock(it.time)),
      el("span", { class: "address" }, explored(place, "tx", it.transaction, `${it.transaction.slice(0, 10)}…`), copyButton(it.transaction)),
      it.sender ? person(store, it.sender) : "not known any more",
      el("ul", { class: "plain" }, it.says.map((text) => el("li", {}, text))),
      it.gas === null ? "–" : it.gas.toLocaleString("en"), it.fee ? money(it.fee) : "–"]));
    steps.replaceChildren(section("Transactions", table("Transactions of this job", STEPS, lines),
      el("p", { class: "quiet" }, el("a", { href: `#/events/job/${job}` }, "Its last events"))));
  }
  function tick() {
    if (!shown.node.hidden) shown.tick(store.now);
    game.tick(store.now);
  }
  const fail = (error) => say(quiet, error.message);
  return { ...following(`/job/${job}`, draw, fail, (key) => key === `job/${job}`), tick };
}

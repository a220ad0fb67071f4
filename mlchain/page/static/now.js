// The open round: every job as a row of seats that change as things happen.

import { counted, duration, el, jobLink, moment, percent, say, short, waiting, workerLink } from "./elements.js";

const MARKS = {
  drawn: "·", committed: "●", shown: "◐", agrees: "✓", differs: "✗", proposed: "◆", published: "▲",
  paid: "✓", released: "○", slashed: "✗", absent: "–",
};
const NAMES = {
  drawn: "drawn", committed: "committed", shown: "shown", agrees: "agrees", differs: "differs", proposed: "proposed",
  published: "published", paid: "paid", released: "released", slashed: "slashed", absent: "absent",
};
const PHASES = ["commit", "propose", "referee", "decided"];

export class JobRow {
  constructor(address, states, isAlone = false) {
    this.states = states;
    this.seats = [];
    this.title = isAlone ? el("span") : jobLink(address, "");
    this.phases = PHASES.map((name) => el("li", {}, name));
    this.left = el("span", { class: "clock" });
    this.counts = el("p", { class: "quiet counts" });
    this.row = el("ul", { class: "seats", "aria-label": "Seats" });
    this.candidates = el("ul", { class: "candidates" });
    this.dispute = el("p", { class: "dispute", hidden: true });
    this.how = el("p", { class: "how" });
    this.node = el("article", { class: "job" },
      el("div", { class: "jobhead" }, isAlone ? null : el("h3", {}, this.title), this.left, el("ol", { class: "phases", "aria-label": "Phase" }, this.phases)),
      this.row, this.counts, this.candidates, this.dispute, this.how);
  }

  update(job) {
    this.job = job;
    say(this.title, `Round ${job.round}, job ${job.job}`);
    this.phases.forEach((node, at) => {
      const now = PHASES.indexOf(job.phase);
      node.className = at < now ? "past" : at === now ? "here" : "";
      if (at === now) node.setAttribute("aria-current", "step");
      else node.removeAttribute("aria-current");
    });
    job.seats.forEach((seat, at) => this.setSeat(at, seat));
    say(this.counts, `${job.committed} of ${counted(job.seats.length, "seat")} committed, quorum ${job.quorum}, ${job.settled} settled`);
    const shown = JSON.stringify(job.candidates);
    if (shown !== this.shown) {
      this.shown = shown;
      this.candidates.replaceChildren(...job.candidates.map((it) => this.candidate(it)));
    }
    this.dispute.hidden = !job.dispute;
    this.dispute.classList.toggle("running", Boolean(job.dispute?.waits));
    this.tellHow();
  }

  setSeat(at, [worker, state, gain]) {
    let seat = this.seats[at];
    if (!seat) {
      const mark = el("span", { class: "mark", "aria-hidden": "true" });
      const name = el("span", { class: "name" });
      const link = el("a", { href: `#/worker/${worker}` }, mark, name, " ", el("span", { class: "who" }, short(worker)));
      seat = this.seats[at] = { node: el("li", {}, link), mark, name, link };
      this.row.append(seat.node);
    }
    seat.node.className = `seat ${state}`;
    say(seat.mark, MARKS[state]);
    say(seat.name, NAMES[state]);
    const title = `Seat ${at}, ${worker}: ${this.states[state] ?? state}${gain ? ` (${gain[0]})` : ""}`;
    if (seat.link.title !== title) {
      seat.link.title = title;
      seat.link.setAttribute("aria-label", `${NAMES[state]} ${short(worker)}, seat ${at}${gain ? `, ${gain[0]}` : ""}`);
    }
  }

  candidate(it) {
    const notes = [counted(it.votes, "vote"), `${it.chunks} of ${counted(it.of, "chunk")}`];
    if (it.leads) notes.push("has a quorum");
    if (it.accepted) notes.push("accepted");
    return el("li", { class: it.accepted ? "accepted" : it.leads ? "leads" : "" },
      el("code", { title: it.hash }, `${it.hash.slice(0, 10)}…`), ` ${notes.join(", ")}; proposed by `, workerLink(it.proposer));
  }

  tellHow() {
    const { decision, forecast, phase } = this.job;
    if (decision) say(this.how, `Decided: ${decision}.`);
    else if (forecast) say(this.how, `If nothing more happens, on ${moment(forecast[1])} UTC: ${forecast[0]}.`);
    else if (phase === "commit") say(this.how, "Not decided: commitments are awaited.");
    else say(this.how, "Not decided yet.");
    this.how.classList.toggle("decided", Boolean(decision));
  }

  tick(now) {
    const { ends, dispute } = this.job;
    say(this.left, ends === null || now === null ? "" : `${duration(ends - now)} left`);
    if (dispute) say(this.dispute, `${dispute.says[0].toUpperCase()}${dispute.says.slice(1)}${dispute.waits ? `, ${waiting(dispute.waits, now)}` : ""}`);
  }
}

export function showNow(where, store) {
  const stats = ["Pool", "Round", "Model", "Held"].map((name) => {
    const value = el("dd");
    return [name, value, el("div", { class: "stat" }, el("dt", {}, name), value)];
  });
  const next = el("p", { class: "next" });
  const jobs = el("div", { class: "jobs" });
  const legend = el("details", { class: "legend" }, el("summary", {}, "What the seats show"));
  const heading = el("h1", {}, "Now");
  where.append(heading, el("dl", { class: "stats" }, stats.map(([, , node]) => node)), next, jobs, legend);
  const rows = new Map();

  function update(changed) {
    const now = store.get("now");
    if (!now) return;
    const place = store.get("place");
    const versions = store.all("version/").map(([, it]) => it);
    const newest = versions.at(-1);
    const known = versions.filter((it) => it.accuracy !== null).at(-1);
    const texts = {
      Pool: counted(now.pool, "worker"),
      Round: now.round === null ? "none yet" : `${now.round}, ${now.open ? "open" : "settled"}`,
      Model: newest ? `version ${newest.number}${known ? `, ${percent(known.accuracy)}` : ""}` : "none yet",
      Held: store.get("money").held[0],
    };
    for (const [name, value] of stats) say(value, texts[name]);
    stats[3][1].title = `${store.get("money").held[1]} wei`;
    say(next, now.next ?? `Round ${now.round} trains version ${now.version} of the model; its committees were drawn from ${counted(now.drawn_from, "worker")}.`);
    if (legend.children.length === 1) legend.append(el("dl", {}, Object.entries(place.states).map(([state, text]) =>
      el("div", {}, el("dt", { class: `seat ${state}` }, el("span", { class: "mark", "aria-hidden": "true" }, MARKS[state]), ` ${NAMES[state]}`), el("dd", {}, text)))));
    for (const [address, row] of rows) {
      if (now.jobs.includes(address)) continue;
      row.node.remove();
      rows.delete(address);
    }
    for (const address of now.jobs) {
      const job = store.get(`job/${address}`);
      if (!job) continue;
      let row = rows.get(address);
      if (row && changed && !changed.has(`job/${address}`)) continue;
      if (!row) {
        rows.set(address, (row = new JobRow(address, place.states)));
        jobs.append(row.node);
      }
      row.update(job);
    }
    tick();
  }

  function tick() {
    for (const row of rows.values()) row.tick(store.now);
  }
  return { update, tick };
}


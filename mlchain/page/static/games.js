// A dispute before a contract: what was claimed and challenged, whose turn it is, and what everybody won or lost.

import { clock, duration, el, moment, money, person, row, say, section, table, waiting } from "./elements.js";

const STATES = { standing: "stands so far", refuted: "refuted", released: "stands, its bond went back" };
const PEOPLE = [["Who"], ["Bonds won or lost", "number"], ["Bounties", "number"]];

const time = (seconds) => el("time", { title: `${moment(seconds)} UTC` }, clock(seconds));

export class Game {
  constructor(store) {
    this.store = store;
    this.node = el("div");
    this.clocks = []; // of challenges that are not over: [node, challenge]
  }

  update(game) {
    const shown = JSON.stringify(game);
    if (shown === this.shown) return;
    this.shown = shown;
    this.clocks = [];
    if (!game) return;
    const people = game.people.map(([who, won, bounties]) => row(PEOPLE, [person(this.store, who), money(won), money(bounties)]));
    this.node.replaceChildren(section("Claims and challenges",
      el("p", { class: "quiet" }, "Results can be claimed until ", time(game.claims_end), ", and claims challenged until ", time(game.challenges_end), " UTC. Each puts down a bond of ", money(game.bond), "."),
      el("ol", { class: "claims" }, game.claims.map((it) => this.claim(it))),
      table("Bonds and bounties", PEOPLE, people)));
  }

  claim(it) {
    return el("li", { class: `claim ${it.state}` },
      el("h3", {}, `Claim ${it.number} `, el("span", { class: "state" }, STATES[it.state])),
      el("p", {}, "that ", el("code", { title: it.result }, `${it.result.slice(0, 10)}…`), " is right, by ", person(this.store, it.claimant), " at ", time(it.time), it.speaks ? "; it speaks for this result" : null),
      it.challenges.length ? el("ol", { class: "challenges" }, it.challenges.map((each) => this.challenge(each))) : el("p", { class: "quiet" }, "Nobody has challenged it."));
  }

  challenge(it) {
    const says = el("p", { class: "turn" }, it.ends === null ? `It ${it.says}.` : it.says);
    if (it.ends !== null) this.clocks.push([says, it]);
    return el("li", { class: `challenge ${it.ends === null ? it.turn : "running"}` },
      el("p", {}, el("strong", {}, `Challenge ${it.number}`), " by ", person(this.store, it.challenger)),
      el("ol", { class: "moves", "aria-label": `Moves of challenge ${it.number}` }, it.moves.map(([when, text]) => el("li", { title: `${moment(when)} UTC` }, text))),
      says);
  }

  tick(now) {
    for (const [node, { says, ends, turn, left }] of this.clocks) {
      const other = turn === "claim" ? `the challenger has ${duration(left[1])}` : `the claim has ${duration(left[0])}`;
      const text = `${waiting([says, ends], now)}; ${other}.`;
      say(node, text[0].toUpperCase() + text.slice(1));
    }
  }
}

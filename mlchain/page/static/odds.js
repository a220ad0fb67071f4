// The odds of a job: sliders, the numbers of `ape run odds`, and the curves of its plot.

import { ask, el, row, say, section, table } from "./elements.js";
import { chart } from "./charts.js";

const COLUMNS = [["Chance"], ["Without a referee", "number"], ["With a referee", "number"]];
const COLOURS = ["good", "second", "accent", "third", "bad"];
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const REST = 120; // milliseconds without a move before the server is asked

function power(value) {
  const exponent = Math.round(Math.log10(value));
  return exponent ? `10${exponent < 0 ? "⁻" : ""}${[...String(Math.abs(exponent))].map((digit) => SUPERSCRIPTS[digit]).join("")}` : "1";
}

export function showOdds(where, store) {
  const now = store.get("now");
  const pool = Math.max(3, now?.drawn_from ?? 100);
  const sliders = {
    pool: slider("pool", "Workers in the pool", 1, 1000, pool),
    share: slider("share", "Evil, in percent of the pool", 0, 100, 20),
    committee: slider("committee", "Seats of the committee", 1, 256, Math.min(7, pool)),
    quorum: slider("quorum", "Quorum", 1, 256, 4),
    audit: slider("audit", "Undisputed jobs that are audited, in percent", 0, 100, 0),
  };
  const said = el("p", { class: "quiet", role: "status" });
  const list = table("Odds of a job", COLUMNS, []);
  const panels = el("div", { class: "charts" });
  where.append(el("h1", {}, "Odds"),
    el("p", { class: "lead" }, "How likely a job is to end right or wrong, if all evil workers tell the same lie and all honest seats answer."),
    el("div", { class: "sliders" }, Object.values(sliders).map((it) => it.node)), said, section("The job", list),
    section("Committees of other sizes", el("p", { class: "quiet" }, "By the seats of the committee, for a quorum of a bare majority."), panels));
  let charts = [], timer = null, turn = 0, isOver = false;

  function settle() {
    const { committee, quorum } = sliders;
    committee.limit(1, Math.min(256, sliders.pool.value));
    quorum.limit(Math.floor(committee.value / 2) + 1, committee.value);
    for (const it of Object.values(sliders)) it.show();
    clearTimeout(timer);
    timer = setTimeout(refresh, REST);
  }

  async function refresh() {
    const mine = ++turn;
    const values = { pool: sliders.pool.value, evil: Math.round((sliders.pool.value * sliders.share.value) / 100), committee: sliders.committee.value, quorum: sliders.quorum.value, audit: sliders.audit.value };
    try {
      const found = await ask(`/odds?${new URLSearchParams(values)}`);
      if (mine !== turn || isOver) return;
      say(said, `${values.evil} of ${values.pool} workers are evil; ${values.quorum} of ${values.committee} seats make a quorum.`);
      list.querySelector("tbody").replaceChildren(...found.rows.map((cells) => row(COLUMNS, cells)));
      draw(found.panels);
    } catch (error) {
      say(said, error.message);
    }
  }

  function draw(found) {
    const names = found[0].curves.map(([name]) => name).join();
    if (!charts.length || charts.names !== names) {
      for (const it of charts) it.end();
      charts = found.map((panel) => chart(panel.title, "seats", "probability", panel.curves.map(([name], at) => [name, COLOURS[at]]), {
        isLogarithmic: panel.logarithmic,
        range: panel.logarithmic ? (_plot, least) => [Math.max(1e-12, least / 3), 2] : [0, 1.05],
        values: (_plot, ticks) => ticks.map((it) => (it === null ? "" : panel.logarithmic ? power(it) : `${Math.round(100 * it)} %`)),
        steps: [2, 4, 10, 20, 40],
      }));
      charts.names = names;
      panels.replaceChildren(...charts.map((it, at) => el("figure", {}, el("figcaption", {}, found[at].title), it.node)));
    }
    found.forEach((panel, at) => charts[at].update([panel.seats, ...panel.curves.map(([, chances]) => chances.map((it) => (panel.logarithmic && it <= 0 ? null : it)))]));
  }

  function slider(id, label, least, most, first) {
    const input = el("input", { type: "range", id, min: least, max: most, step: 1 });
    input.value = first;
    const output = el("output", { for: id });
    input.addEventListener("input", settle);
    return {
      node: el("div", { class: "slider" }, el("label", { for: id }, label), input, output),
      get value() {
        return Number(input.value);
      },
      limit(from, to) {
        [input.min, input.max] = [from, to];
        input.value = Math.min(to, Math.max(from, Number(input.value)));
      },
      show: () => say(output, input.value),
    };
  }

  settle();
  return {
    end() {
      isOver = true;
      clearTimeout(timer);
      for (const it of charts) it.end();
    },
  };
}

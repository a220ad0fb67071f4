// The last hundred events, filtered by worker, job or kind.

import { announce, ask, clock, counted, el, explored, jobLink, linked, moment, say } from "./elements.js";

const MOST = 100;

export function showEvents(where, store, [key, value]) {
  const worker = el("input", { id: "by-worker", size: 44, placeholder: "0x…", spellcheck: "false", autocomplete: "off", value: key === "worker" ? value : "" });
  const job = el("input", { id: "by-job", size: 44, placeholder: "0x…", spellcheck: "false", autocomplete: "off", value: key === "job" ? value : "" });
  const kind = el("select", { id: "by-kind" }, el("option", { value: "" }, "all kinds"));
  const clear = el("button", { type: "button" }, "Show all");
  const said = el("p", { class: "quiet", role: "status" });
  const list = el("ol", { class: "events", reversed: true });
  where.append(el("h1", {}, "Events"),
    el("div", { class: "filters" },
      el("div", {}, el("label", { for: "by-worker" }, "Worker"), worker), el("div", {}, el("label", { for: "by-job" }, "Job"), job),
      el("div", {}, el("label", { for: "by-kind" }, "Kind"), kind), clear), said, list);
  const shown = new Map(); // by number
  let asked = 0;

  const wanted = () => [worker.value.trim(), job.value.trim(), kind.value];
  const isAddress = (text) => /^0x[0-9a-fA-F]{40}$/.test(text);
  const isFiltered = () => wanted().some(Boolean);
  const isWrong = () => wanted().slice(0, 2).some((text) => text && !isAddress(text));
  const fits = (it) => {
    const [who, which, what] = wanted();
    const same = (one, other) => one?.toLowerCase() === other.toLowerCase();
    return (!who || it.people.some((each) => same(each, who))) && (!which || same(it.job, which)) && (!what || it.kind === what);
  };

  function add(number, it) {
    if (shown.has(number)) return;
    const place = store.get("place");
    const line = el("li", {},
      el("time", { datetime: new Date(it.time * 1000).toISOString(), title: `${moment(it.time)} UTC` }, clock(it.time)),
      el("span", { class: "block" }, explored(place, "block", it.block, `block ${it.block}`)),
      el("span", { class: "kind" }, it.kind),
      el("span", { class: "says" }, linked(it.says, it.people.filter((who) => store.get(`worker/${who}`))), it.job ? [" ", jobLink(it.job, "job")] : null,
        it.transaction && place?.explorer ? [" ", explored(place, "tx", it.transaction, "transaction")] : null));
    const newer = [...shown.keys()].filter((other) => other > number);
    if (newer.length) shown.get(Math.min(...newer)).after(line);
    else list.prepend(line);
    shown.set(number, line);
    const oldest = [...shown.keys()].sort((one, other) => other - one).slice(MOST);
    for (const other of oldest) {
      shown.get(other).remove();
      shown.delete(other);
    }
  }

  async function refill() {
    const turn = ++asked;
    list.replaceChildren();
    shown.clear();
    const [who, which, what] = wanted();
    for (const [field, text] of [[worker, who], [job, which]]) field.setAttribute("aria-invalid", String(Boolean(text) && !isAddress(text)));
    if (isFiltered() && !isWrong()) {
      try {
        const found = await ask(`/events?${new URLSearchParams({ worker: who, job: which, kind: what })}`);
        if (turn !== asked) return;
        for (const [number, it] of found) add(number, it);
      } catch (error) {
        say(said, error.message);
        return;
      }
    }
    update(null);
    announce(said.textContent);
  }

  function update(changed) {
    const place = store.get("place");
    if (place && kind.options.length !== place.kinds.length + 1) {
      const chosen = kind.value;
      kind.replaceChildren(el("option", { value: "" }, "all kinds"), ...place.kinds.map((it) => el("option", { value: it }, it)));
      kind.value = chosen;
    }
    for (const [number, it] of store.all("event/")) {
      if ((!changed || changed.has(`event/${number}`)) && fits(it)) add(Number(number), it);
    }
    say(said, isWrong() ? "An address has 0x and 40 digits." : shown.size ? `${counted(shown.size, "event")}, the newest first; times are UTC.` : "No such event yet.");
  }

  worker.addEventListener("change", refill);
  job.addEventListener("change", refill);
  kind.addEventListener("change", refill);
  clear.addEventListener("click", () => {
    for (const field of [worker, job, kind]) field.value = "";
    refill();
  });
  if (isFiltered()) refill();
  return { update };
}

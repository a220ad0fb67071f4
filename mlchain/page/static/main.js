// Chooses the section by the address, and lets it follow what changes.

import { announce, duration, el, moment, say } from "./elements.js";
import { Store } from "./store.js";
import { showEvents } from "./events.js";
import { showJob, showWorker } from "./details.js";
import { showModel } from "./model.js";
import { showMoney } from "./money.js";
import { showNow } from "./now.js";
import { showOdds } from "./odds.js";
import { showTry } from "./try.js";

const SECTIONS = { "": showNow, model: showModel, try: showTry, money: showMoney, events: showEvents, odds: showOdds };
const DETAILS = { worker: showWorker, job: showJob };
const MOST_RATE = 100; // milliseconds between two drawings

const store = new Store();
const content = document.getElementById("content");
let current = null; // what is shown: {update(changed), tick()}
let pending = new Set();
let timer = null;

function route() {
  const [name = "", key, ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  current?.end?.();
  const show = DETAILS[name] && key ? (where, its) => DETAILS[name](where, its, key) : (SECTIONS[name] ?? showNow);
  content.replaceChildren();
  current = show(content, store, [key, ...rest]);
  for (const link of document.querySelectorAll("nav a")) {
    const isHere = link.getAttribute("href").replace(/^#\/?/, "") === (SECTIONS[name] ? name : "");
    if (isHere && !DETAILS[name]) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const heading = content.querySelector("h1, h2");
  document.title = heading ? `${heading.textContent} · ml-on-blockchain` : "ml-on-blockchain";
  current.update?.(null);
}

function draw() {
  timer = null;
  const changed = pending;
  pending = new Set();
  showPlace();
  showHealth();
  current?.update?.(changed);
}

store.listeners.add((changed) => {
  for (const key of changed) pending.add(key);
  timer ??= setTimeout(draw, document.hidden ? 1000 : MOST_RATE);
});

const place = document.getElementById("place");
const health = document.getElementById("health");
const trouble = document.getElementById("trouble");
const light = el("span", { class: "light", "aria-hidden": "true" });
const blockText = el("span");
const agoText = el("span", { class: "ago", "aria-hidden": "true" });
health.append(light, blockText, agoText);

function showPlace() {
  const its = store.get("place");
  if (its) say(place, `${its.network}, chain ${its.chain}`);
}

function showHealth() {
  const its = store.get("health");
  if (!its) {
    say(blockText, store.isConnected ? "Reading the chain …" : "Connecting …");
    return;
  }
  const age = store.now === null ? null : store.now - its.block_time;
  say(blockText, `Block ${its.block.toLocaleString("en")}`);
  say(agoText, age === null ? "" : `${duration(age)} ago`);
  agoText.title = `${moment(its.block_time)} UTC`;
  const texts = [];
  if (!store.isConnected) texts.push("The page's server does not answer: what is shown may be old. Trying again …");
  else if (its.trouble) texts.push(`Trouble with the chain: ${its.trouble}. What is shown may be old; it is tried again.`);
  if (its.replaced) texts.push(`The chain was replaced${its.replaced > 1 ? ` ${its.replaced} times` : ""} since this page began: everything was read again.`);
  const text = texts.join(" ");
  if (trouble.textContent !== text) trouble.textContent = text;
  trouble.hidden = !text;
  light.className = `light ${!store.isConnected || its.trouble ? "bad" : "good"}`;
}

setInterval(() => {
  showHealth();
  current?.tick?.();
}, 500);

addEventListener("hashchange", () => {
  if (location.hash === "#content") return;
  route();
  content.focus({ preventScroll: true });
  scrollTo(0, 0);
  announce(document.title);
});

route();
store.follow("/changes");

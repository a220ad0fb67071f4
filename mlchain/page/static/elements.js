// Elements and texts. Whatever comes from the chain, a recipe or a node is text here, never markup.

export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "value") made.value = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

// Sets a text only where it is another one, so that nothing moves and nothing is read out again.
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
  return node;
}

export const short = (address) => `${address.slice(0, 6)}…${address.slice(-4)}`;

export const counted = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;

export const percent = (share, digits = 2) => (share === null ? "–" : `${(100 * share).toFixed(digits)} %`);

// Money comes as a text to read and the exact wei.
export function money([text, wei]) {
  return el("span", { class: "money", title: `${wei} wei` }, text);
}

export function setMoney(node, [text, wei]) {
  say(node, text);
  node.title = `${wei} wei`;
}

export function address(value, href) {
  const shown = href ? el("a", { href, title: value }, short(value)) : el("span", { title: value }, short(value));
  return el("span", { class: "address" }, shown, copyButton(value));
}

export function copyButton(value) {
  const button = el("button", { type: "button", class: "copy", title: "Copy", "aria-label": `Copy ${short(value)}` });
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(value);
      announce(`Copied ${value}`);
      button.classList.add("done");
      setTimeout(() => button.classList.remove("done"), 900);
    } catch {
      announce(`Could not copy; it is ${value}`);
    }
  });
  return button;
}

export function announce(text) {
  say(document.getElementById("announce"), text);
}

// A text with the workers that it names, by their shortened addresses, as links.
export function linked(text, workers) {
  const found = workers.filter((worker) => text.includes(short(worker)));
  if (!found.length) return [text];
  const [worker, ...others] = found;
  return text.split(short(worker)).flatMap((part, at) => [at ? el("a", { href: `#/worker/${worker}`, title: worker }, short(worker)) : null, ...linked(part, others)]);
}

export const workerLink = (worker) => address(worker, `#/worker/${worker}`);
export const person = (store, who) => (store.get(`worker/${who}`) ? workerLink(who) : address(who));
export const jobLink = (job, text) => el("a", { href: `#/job/${job}`, title: job }, text);

// A link to the explorer of the network, where one is configured.
export function explored(place, kind, value, text) {
  if (!place?.explorer) return el("span", {}, text);
  return el("a", { href: `${place.explorer}/${kind}/${value}`, rel: "noreferrer noopener", target: "_blank" }, text);
}

export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${String(minutes).padStart(2, "0")} min`;
  return minutes ? `${minutes} min ${String(whole % 60).padStart(2, "0")} s` : `${whole} s`;
}

// Whose turn it is, and what the clock has left that runs out then.
export function waiting([turn, ends], now) {
  if (now === null) return turn;
  return `${turn}, ${ends > now ? `${duration(ends - now)} left` : "time is up"}`;
}

export const moment = (time) => new Date(time * 1000).toISOString().slice(0, 19).replace("T", " ");
export const clock = (time) => new Date(time * 1000).toISOString().slice(11, 19);

export function section(title, ...children) {
  return el("section", {}, el("h2", {}, title), ...children);
}

// A table that scrolls by itself where it is too wide; `columns` are [name, "number" or "text", if it is long].
export function table(caption, columns, rows) {
  const head = el("tr", {}, columns.map(([name, kind]) => el("th", { scope: "col", class: kind }, name)));
  const body = el("tbody", {}, rows);
  return el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": caption },
    el("table", {}, el("caption", { class: "unseen" }, caption), el("thead", {}, head), body));
}

export function row(columns, cells) {
  return el("tr", {}, cells.map((cell, at) => el("td", { class: columns[at][1] }, cell)));
}

export async function ask(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(await answer.text());
  return answer.headers.get("content-type").startsWith("application/json") ? answer.json() : new Uint8Array(await answer.arrayBuffer());
}

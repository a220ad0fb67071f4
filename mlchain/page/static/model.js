// The versions of the model: accuracy and loss, what each came out of, and what its first layer has learned.

import { ask, copyButton, counted, el, jobLink, money, percent, row, say, section, table } from "./elements.js";
import { chart } from "./charts.js";
import { firstPictures, readModel, readRecipe } from "./network.js";

const COLUMNS = [["Version", "number"], ["Accuracy", "number"], ["Loss", "number"], ["Made by", "text"], ["Bytes", "number"], ["Hash"], ["Details"]];
const MOST_PICTURES = 64;

export function showModel(where, store) {
  const accuracy = chart("Accuracy by version", "version", "accuracy", [["accuracy on the test samples", "accent"]], { values: (_plot, found) => found.map((it) => `${Math.round(1000 * it) / 10} %`) });
  const loss = chart("Training loss by version", "version", "bits a sample", [["loss of the training it came out of", "second"]]);
  const note = el("p", { class: "quiet" });
  const choice = el("select", { id: "pictured" });
  const pictures = el("div", { class: "pictures" });
  const pictured = section("What the first layer has learned",
    el("p", {}, el("label", { for: "pictured" }, "Version "), choice, el("span", { class: "quiet" }, " Blue weights speak for an output, red ones against it.")), pictures);
  pictured.hidden = true;
  const versions = table("Versions of the model, the newest first", COLUMNS, []);
  where.append(el("h1", {}, "Model"), note, el("div", { class: "charts" }, accuracy.node, loss.node), section("Versions", versions), pictured);
  const body = versions.querySelector("tbody");
  const rows = new Map();
  choice.addEventListener("change", () => draw(choice.value));
  let drawn = null;

  function update(changed) {
    const all = store.all("version/").map(([, it]) => it);
    const known = all.filter((it) => it.accuracy !== null);
    say(note, all.length ? all.find((it) => it.note)?.note ? `Accuracy unknown: ${all.find((it) => it.note).note}.` : "" : "No model has been announced yet.");
    accuracy.node.hidden = !known.length;
    accuracy.update([known.map((it) => it.number), known.map((it) => it.accuracy)]);
    const lossy = all.filter((it) => it.loss !== null);
    loss.node.hidden = !lossy.length;
    loss.update([lossy.map((it) => it.number), lossy.map((it) => it.loss)]);
    for (const it of all) {
      if (changed && rows.has(it.number) && !changed.has(`version/${it.number}`)) continue;
      const made = versionRow(it);
      if (rows.has(it.number)) rows.get(it.number).replaceWith(made);
      else body.prepend(made);
      rows.set(it.number, made);
      if (it.complete && !choice.querySelector(`option[value="${it.number}"]`)) choice.prepend(el("option", { value: it.number }, `version ${it.number}`));
    }
    const newest = all.filter((it) => it.complete).at(-1);
    if (newest && store.get("now").round !== null && drawn === null) {
      choice.value = newest.number;
      draw(newest.number);
    }
  }

  async function draw(number) {
    drawn = String(number);
    try {
      const [task, recipeBytes, modelBytes] = await Promise.all([`/task/${number}`, `/recipe/${number}`, `/model/${number}`].map(ask));
      if (drawn !== String(number)) return;
      pictured.hidden = !task.image;
      if (!task.image) return;
      const recipe = readRecipe(recipeBytes);
      const found = firstPictures(recipe, readModel(recipe, modelBytes)).slice(0, MOST_PICTURES);
      const isNamed = recipe.layers.length === 1;
      pictures.replaceChildren(...found.map((channels, output) => el("figure", {}, picture(channels), el("figcaption", {}, isNamed ? task.classes[output] : `output ${output}`))));
    } catch (error) {
      drawn = null;
      pictured.hidden = true;
      say(note, error.message);
    }
  }
  return { update, end: () => (accuracy.end(), loss.end()) };
}

function versionRow(it) {
  const made = it.refuted ? "refuted: not what was accepted" : it.round === null ? "the first" : `${counted(it.merged, "job")} of round ${it.round}`;
  const details = el("td", { colspan: COLUMNS.length, class: "details" });
  const button = el("button", { type: "button", "aria-expanded": "false", "aria-label": `Jobs and gas of version ${it.number}` }, "Jobs and gas");
  const line = row(COLUMNS, [
    `${it.number}`, percent(it.accuracy), it.loss === null ? "–" : it.loss.toFixed(3), made,
    it.complete ? it.size.toLocaleString("en") : `${it.published.toLocaleString("en")} of ${it.size.toLocaleString("en")}`,
    el("span", { class: "address" }, el("code", { title: it.hash }, `${it.hash.slice(0, 10)}…`), copyButton(it.hash)), button,
  ]);
  const more = el("tr", { hidden: true }, details);
  button.addEventListener("click", async () => {
    more.hidden = !more.hidden;
    button.setAttribute("aria-expanded", String(!more.hidden));
    if (more.hidden) return;
    line.after(more);
    try {
      const found = await ask(`/version/${it.number}`);
      const { gas, fee, transactions } = found.publication;
      details.replaceChildren(
        el("p", {}, it.parent ? `Differs from version ${it.parent} by the average of ${counted(it.merged, "result")}. ` : "The first version. ",
          `Publishing it took ${counted(transactions, "transaction")}, ${gas.toLocaleString("en")} gas for `, money(fee), "."),
        el("ul", { class: "joblist" }, found.jobs.map((job) => el("li", {}, jobLink(job.address, `job ${job.job}`), `: ${job.decision ?? "open"}`))));
    } catch (error) {
      details.replaceChildren(error.message);
    }
  });
  return line;
}

// Draws weights: three channels as one picture each.
function picture(channels) {
  const greatest = Math.max(1, ...channels.flatMap(({ weights }) => Array.from(weights, Math.abs)));
  const [{ width, height }] = channels;
  const canvas = el("canvas", { width: width * channels.length, height, class: "weights", role: "img", "aria-label": "Weights as colours" });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width * channels.length, height);
  channels.forEach(({ weights }, channel) => weights.forEach((weight, place) => {
    const share = Math.abs(weight) / greatest;
    const [red, green, blue] = weight < 0 ? [200, 50, 60] : [50, 90, 220];
    const at = 4 * (Math.floor(place / width) * width * channels.length + channel * width + (place % width));
    image.data.set([255 - share * (255 - red), 255 - share * (255 - green), 255 - share * (255 - blue), 255], at);
  }));
  context.putImageData(image, 0, 0);
  return canvas;
}

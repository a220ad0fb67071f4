// Try it: a drawing, a test sample or a form, and what the chosen version says. Nothing leaves the browser for a drawing.

import { ask, el, percent, say } from "./elements.js";
import { classOf, logits, probabilities, readModel, readRecipe } from "./network.js";
import { sampleOf } from "./drawing.js";

const SIDE = 280; // pixels of the drawing
const PEN = 22;
const SHOWN = 10; // classes

export function showTry(where, store) {
  const choice = el("select", { id: "version" });
  const said = el("p", { class: "quiet", role: "status" });
  const input = el("div", { class: "trying" });
  const verdict = el("p", { class: "verdict", role: "status" });
  const bars = el("ol", { class: "bars" });
  const exact = el("details", {}, el("summary", {}, "The exact numbers"), el("p", { class: "quiet" }, "Logits to the base 2, the integers that decide:"), el("code", { class: "logits" }));
  const answer = el("div", { class: "answer" }, verdict, bars, exact);
  where.append(el("h1", {}, "Try it"), el("p", { class: "lead" }, "The model as it is on the chain, computed here in exact integers: every machine says the same."),
    el("p", {}, el("label", { for: "version" }, "Version "), choice), said, el("div", { class: "two" }, input, answer));
  answer.hidden = true;
  let current = null; // {task, recipe, model}
  let sample = null;
  let turn = 0;
  let listed = "";
  choice.addEventListener("change", () => load(choice.value));

  function update() {
    const versions = store.all("version/").map(([, it]) => it).filter((it) => it.complete);
    const isNew = choice.options.length !== versions.length;
    const texts = versions.toReversed().map((it) => [it.number, `${it.number}${it.accuracy === null ? "" : ` (${percent(it.accuracy)})`}`]);
    if (JSON.stringify(texts) !== listed) {
      listed = JSON.stringify(texts);
      const [chosen, wasNewest] = [choice.value, choice.selectedIndex <= 0];
      choice.replaceChildren(...texts.map(([number, text]) => el("option", { value: number }, text)));
      if (!wasNewest) choice.value = chosen;
    }
    const round = store.get("now")?.round ?? null;
    if (!versions.length || round === null) say(said, "There is nothing to try yet: the first round names what the model is of.");
    else if (isNew && (!current || current.number !== choice.value)) load(choice.value);
  }

  async function load(number) {
    const mine = ++turn;
    try {
      const [task, recipeBytes, modelBytes] = await Promise.all([`/task/${number}`, `/recipe/${number}`, `/model/${number}`].map(ask));
      if (mine !== turn) return;
      const recipe = readRecipe(recipeBytes);
      const before = current;
      current = { number, task, recipe, model: readModel(recipe, modelBytes) };
      say(said, "");
      if (!before || JSON.stringify(before.task) !== JSON.stringify(task)) build();
      else if (sample) tell(sample);
    } catch (error) {
      say(said, error.message);
    }
  }

  function build() {
    const { task, recipe } = current;
    sample = null;
    answer.hidden = true;
    const random = el("button", { type: "button", id: "take" }, "Take a test sample");
    random.addEventListener("click", async () => {
      const found = await ask(`/sample/${current.number}/${Math.floor(Math.random() * task.samples)}`);
      input.querySelector(".pad")?.dispatchEvent(new CustomEvent("sample", { detail: found.bytes }));
      tell(found.bytes, found.label);
    });
    const buttons = task.samples ? [random] : [];
    if (task.image) input.replaceChildren(...pad(recipe.inputs, buttons));
    else if (task.columns.length || task.text) input.replaceChildren(form(task, buttons));
    else input.replaceChildren(el("p", {}, "The data set is not here, so nobody knows what its columns are called: start the page where it is."), ...buttons);
  }

  // A drawing, and beside it what the model sees of it.
  function pad(inputs, buttons) {
    const canvas = el("canvas", { width: SIDE, height: SIDE, class: "pad", tabindex: "0", role: "img", "aria-label": "Drawing; with the keyboard: arrows move the pen, space puts it down or lifts it, Delete clears" });
    const seen = el("canvas", { width: inputs.width, height: inputs.height, class: "seen", role: "img", "aria-label": "What the model sees" });
    const clear = el("button", { type: "button" }, "Clear");
    const context = canvas.getContext("2d", { willReadFrequently: true });
    let last = null, isDown = false, pen = [SIDE / 2, SIDE / 2];
    const empty = () => {
      context.fillStyle = "#000";
      context.fillRect(0, 0, SIDE, SIDE);
    };
    const reset = () => {
      empty();
      show(new Array(inputs.size).fill(0));
      answer.hidden = true;
      sample = null;
    };
    function line(from, to) {
      Object.assign(context, { strokeStyle: "#fff", lineWidth: PEN, lineCap: "round", lineJoin: "round" });
      context.beginPath();
      context.moveTo(...from);
      context.lineTo(to[0] + 0.01, to[1]); // a line of no length would not be drawn
      context.stroke();
    }
    function take() {
      const { data } = context.getImageData(0, 0, SIDE, SIDE);
      const made = sampleOf(Float64Array.from({ length: SIDE * SIDE }, (_, at) => data[4 * at] / 255), SIDE, inputs);
      if (!made) return;
      show(made);
      tell(made);
    }
    function show(bytes) {
      const small = seen.getContext("2d");
      const image = small.createImageData(inputs.width, inputs.height);
      const plane = inputs.width * inputs.height;
      for (let at = 0; at < plane; at++) {
        const colours = [0, 1, 2].map((channel) => (255 * bytes[inputs.channels === 3 ? channel * plane + at : at]) / inputs.greatest);
        image.data.set([...colours, 255], 4 * at);
      }
      small.putImageData(image, 0, 0);
    }
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [((event.clientX - box.left) * SIDE) / box.width, ((event.clientY - box.top) * SIDE) / box.height];
    };
    canvas.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      last = place(event);
      line(last, last);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!last) return;
      const next = place(event);
      line(last, next);
      last = next;
    });
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => {
      if (last) take();
      last = null;
    });
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-12, 0], ArrowRight: [12, 0], ArrowUp: [0, -12], ArrowDown: [0, 12] }[event.key];
      if (event.key === "Delete" || event.key === "Backspace") reset();
      else if (event.key === " ") {
        isDown = !isDown;
        if (isDown) line(pen, pen);
        take();
      } else if (step) {
        const next = pen.map((value, axis) => Math.min(SIDE, Math.max(0, value + step[axis])));
        if (isDown) {
          line(pen, next);
          take();
        }
        pen = next;
      } else return;
      event.preventDefault();
    });
    canvas.addEventListener("sample", (event) => {
      show(event.detail);
      Object.assign(context, { imageSmoothingEnabled: false });
      context.drawImage(seen, 0, 0, SIDE, SIDE);
    });
    clear.addEventListener("click", reset);
    reset();
    return [el("div", { class: "pads" }, el("figure", {}, canvas, el("figcaption", {}, "Draw here")), el("figure", {}, seen, el("figcaption", {}, "What the model sees"))),
      el("p", { class: "buttons" }, clear, buttons)];
  }

  // A form with the columns of a table, or a text.
  function form(task, buttons) {
    const fields = task.text
      ? [el("div", {}, el("label", { for: "text" }, `A text; the model tells the next character from the last ${current.recipe.inputs.size}`), el("textarea", { id: "text", rows: 4 }))]
      : task.columns.map((column, at) => {
        const field = column.categories.length
          ? el("select", { id: `column-${at}` }, column.categories.map((it) => el("option", { value: it }, it)))
          : el("input", { id: `column-${at}`, inputmode: "decimal", value: column.low });
        const range = column.low === null ? null : el("span", { class: "quiet" }, ` ${column.low} to ${column.high}`);
        return el("div", {}, el("label", { for: `column-${at}` }, column.name, range), field);
      });
    const made = el("form", { class: "columns" }, fields, el("p", { class: "buttons" }, el("button", { type: "submit" }, "Ask the model"), buttons));
    made.addEventListener("submit", async (event) => {
      event.preventDefault();
      const query = new URLSearchParams(fields.map((field) => ["cell", field.querySelector("input, select, textarea").value]));
      try {
        tell(await ask(`/encoded/${current.number}?${query}`));
      } catch (error) {
        say(said, error.message);
      }
    });
    return made;
  }

  function tell(bytes, label = null) {
    const { task, recipe, model } = current;
    sample = bytes;
    say(said, "");
    const found = logits(recipe, model, bytes);
    const chances = probabilities(recipe, found);
    const best = classOf(found);
    say(verdict, `It is ${named(task.classes[best])}, with ${percent(chances[best], 1)}${label === null ? "" : label === task.classes[best] ? "; right" : `; wrong, it is ${named(label)}`}.`);
    const order = chances.map((chance, at) => [chance, at]).sort(([one, first], [other, second]) => other - one || first - second).slice(0, SHOWN);
    const shown = task.classes.length > SHOWN ? order : order.sort(([, one], [, other]) => one - other);
    bars.replaceChildren(...shown.map(([chance, at]) => el("li", { class: at === best ? "best" : "" },
      el("span", { class: "label" }, named(task.classes[at])), el("meter", { min: 0, max: 1, value: chance, "aria-label": `Probability of ${task.classes[at]}` }), el("span", { class: "number" }, percent(chance, 1)))));
    const code = exact.querySelector("code");
    code.textContent = found.join(" ");
    code.dataset.sample = Array.from(bytes).join(" ");
    code.dataset.version = current.number;
    answer.hidden = false;
  }

  return { update };
}

const named = (text) => (text.trim() ? text : JSON.stringify(text));

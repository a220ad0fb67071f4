// Charts by uPlot, from this server; where it is missing, the tables beside them say the same.

import { el } from "./elements.js";

const HEIGHT = 240;
const library = import("/static/uPlot.esm.js").then((its) => its.default, () => null);
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Powers of ten for an axis, about six.
function powers(_plot, _axis, least, most) {
  const [from, to] = [Math.ceil(Math.log10(least)), Math.floor(Math.log10(most))];
  const step = Math.max(1, Math.ceil((to - from) / 6));
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, at) => 10 ** (to - at * step)).reverse();
}

// Bars say how much by their length: so zero is where they begin.
function fromZero(_plot, least, most) {
  const [low, high] = [Math.min(0, least ?? 0), Math.max(0, most ?? 0)];
  const room = 0.08 * (high - low || 1);
  return [low && low - room, high && high + room];
}

// A chart of columns [x, y, …]; `lines` are [label, colour name, isBars]. Returns {node, update(columns), end()}.
export function chart(label, x, y, lines, options = {}) {
  const node = el("div", { class: "chart", role: "img", "aria-label": label });
  const height = options.height ?? HEIGHT;
  node.style.minHeight = `${height + 46}px`; // so that nothing moves once it is drawn
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const inside = () => node.clientWidth - 16; // without its padding
  let plot = null, columns = null, isOver = false;

  async function draw() {
    const Plot = await library;
    if (!Plot || isOver || !columns || !node.isConnected) return;
    plot?.destroy();
    const hasBars = lines.some(([, , isBars]) => isBars);
    const [ink, grid] = [style("--quiet"), style("--line")];
    const axis = (text, more) => ({ label: text, stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, font: "12px system-ui", labelFont: "12px system-ui", ...more });
    plot = new Plot({
      width: inside(), height, legend: { live: false }, cursor: { drag: { x: false, y: false } },
      scales: { x: { time: false, range: hasBars ? (_plot, least, most) => [least - 0.6, most + 0.6] : undefined }, y: { distr: options.isLogarithmic ? 3 : 1, range: options.range ?? (hasBars ? fromZero : undefined) } },
      axes: [axis(x, { size: 32, labelSize: 20, incrs: options.steps ?? [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] }), axis(y, { size: 60, labelSize: 20, values: options.values, splits: options.isLogarithmic ? powers : undefined })],
      series: [{ label: x }, ...lines.map(([name, colour, isBars]) => ({
        label: name, stroke: style(`--${colour}`), width: 2, points: { show: columns[0].length < 40, size: 6 },
        ...(isBars ? { fill: style(`--${colour}`), paths: Plot.paths.bars({ size: [0.6, 40] }), points: { show: false } } : {}),
      }))],
    }, columns, node);
  }
  const resize = new ResizeObserver(() => {
    if (plot && inside() > 0 && plot.width !== inside()) plot.setSize({ width: inside(), height });
  });
  resize.observe(node);
  dark.addEventListener("change", draw);
  return {
    node,
    update(newest) {
      const isSame = JSON.stringify(newest) === JSON.stringify(columns);
      columns = newest;
      if (isSame && plot) return;
      if (plot && newest[0].length) plot.setData(newest);
      else draw();
    },
    end() {
      isOver = true;
      plot?.destroy();
      resize.disconnect();
      dark.removeEventListener("change", draw);
    },
  };
}

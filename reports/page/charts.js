// Draws figures with Plotly, in the reader's theme, those in view first.
import { open } from "./data.js";
import { make } from "./dom.js";

const styles = getComputedStyle(document.documentElement);
const drawn = new Map(); // element → figure
const waiting = new Set(); // elements, those in view first
let working;
let begin;
const begun = new Promise((resolve) => (begin = resolve));
let plotly;

// Plotly comes compressed; as an inline script with a known hash the page's policy lets it run.
const ready = () =>
  (plotly ??= begun.then(() => open("data-plotly")).then((source) => {
    document.head.append(make("script", { textContent: source }));
  }));

// Figures name their colours by the style sheet's variables; only keys about colour are looked up.
const coloured = (value, key = "") => {
  if (typeof value === "string")
    return /color/i.test(key) && value.startsWith("--") ? styles.getPropertyValue(value).trim() : value;
  if (Array.isArray(value)) return value.map((one) => coloured(one, key));
  if (value && typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([name, held]) => [name, coloured(held, name)]));
  return value;
};

const paint = async (plot) => {
  if (!plot.isConnected) return drawn.delete(plot);
  const { data, layout } = coloured(drawn.get(plot));
  await Plotly.react(plot, data, layout, { responsive: true, displayModeBar: false });
};

const near = (plot) => {
  const { top, bottom } = plot.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
};

// One by one, so that the page answers in between; what is in view comes before the rest.
const work = async () => {
  await ready();
  while (waiting.size) {
    await new Promise((next) => setTimeout(next));
    const plot = [...waiting].find(near) ?? waiting.values().next().value;
    waiting.delete(plot);
    await paint(plot);
  }
  working = undefined;
};

// Draws a figure, or draws it again, as soon as there is time.
export const draw = (plot, figure) => {
  drawn.set(plot, figure);
  waiting.add(plot);
  working ??= work();
};

// When every figure asked for so far is drawn.
export const settled = async () => {
  while (working) await working;
};

// A figure of our own in the frame of the others; `figure` may be drawn into `.plot` later.
export const chart = (label, height, props = {}) => {
  const plot = make("div", { className: "plot", role: "img", "aria-label": label });
  plot.style.height = `${height}px`;
  return {
    plot,
    node: make("figure", { className: "chart", ...props }, make("figcaption", { textContent: label }), plot),
  };
};

const axis = { gridcolor: "--grid", zerolinecolor: "--axis", linecolor: "--axis", tickcolor: "--axis", automargin: true, fixedrange: true };

export const layout = ({ xaxis = {}, yaxis = {}, ...rest } = {}) => ({
  paper_bgcolor: "rgba(0,0,0,0)",
  plot_bgcolor: "rgba(0,0,0,0)",
  font: { family: "system-ui, sans-serif", size: 12, color: "--ink" },
  margin: { l: 52, r: 8, t: 8, b: 40 },
  hoverlabel: { bgcolor: "--card", bordercolor: "--axis", font: { color: "--ink" }, align: "left" },
  dragmode: false,
  showlegend: false,
  xaxis: { ...axis, ...xaxis },
  yaxis: { ...axis, ...yaxis },
  ...rest,
});

// Text for a chart: Plotly reads some HTML and LaTeX in labels.
const ESCAPED = { "&": "&amp;", "<": "&lt;", ">": "&gt;", $: "&#36;" };
export const label = (words) => String(words).replace(/[&<>$]/g, (letter) => ESCAPED[letter]);

const again = () => {
  for (const [plot, figure] of drawn) draw(plot, figure);
  return settled();
};

// The figures that stand in the page; its theme, and paper. Nothing is drawn before: text and tables come first.
export const startCharts = () => {
  begin();
  for (const script of document.querySelectorAll(".chart > script"))
    draw(script.parentElement.querySelector(".plot"), JSON.parse(script.textContent));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  // On paper a chart is as wide as the paper and light, whatever the screen was. Printing waits for nothing, and
  // begins before the style is paper's: under `data-paper` the colours and widths are, and all is drawn at once.
  const print = matchMedia("print");
  const fit = () => {
    for (const plot of drawn.keys()) if (plot.isConnected && plot.data) Plotly.Plots.resize(plot);
  };
  print.addEventListener("change", () => again().then(fit));
  addEventListener("beforeprint", () => {
    document.documentElement.setAttribute("data-paper", "");
    for (const plot of drawn.keys()) if (plot.data) paint(plot);
  });
  addEventListener("afterprint", () => {
    document.documentElement.removeAttribute("data-paper");
    again().then(fit);
  });
};

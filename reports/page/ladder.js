// The ladder as waterfalls, with its switches: view, unit, summed or per token.
import { chart, draw, label, layout } from "./charts.js";
import { data } from "./data.js";
import { byId, make, signed } from "./dom.js";
import { state } from "./state.js";
import { choice } from "./switches.js";

const PER = { token: "per token", target: "summed over the answer", character: "per character" };

// Where each bar begins: at the sum of those before it; at 0 where a missing one breaks the sum.
const starts = (values, total) => {
  const known = values.map((value) => value ?? 0);
  const sum = known.reduce((a, b) => a + b, 0);
  if (total === null || Math.abs(sum - total) > 1e-6 * Math.max(1, ...known.map(Math.abs))) return known.map(() => 0);
  return known.map((_, k) => known.slice(0, k).reduce((a, b) => a + b, 0));
};

const bases = (steps) => [...starts(steps.slice(0, -1).map((one) => one.estimate), steps.at(-1).estimate), 0];

// Lowest and highest point of a waterfall, intervals included.
const reach = (steps) => {
  const begin = bases(steps);
  const ends = steps.flatMap((one, k) => [one.estimate, one.low, one.high].filter((end) => end !== null).map((end) => begin[k] + end));
  return [Math.min(0, ...ends), Math.max(0, ...ends)];
};

const length = (low, high) => (low === null || high === null ? 0 : Math.max(0, high - low));

const waterfall = (steps, span, unit) => {
  const begin = bases(steps);
  const ends = steps.map((one, k) => begin[k] + (one.estimate ?? 0));
  const about = (one) =>
    one.estimate === null
      ? `not estimated: ${label(one.why)}`
      : `<b>${signed(one.estimate)}</b> ${one.low === null ? "no interval" : `[${signed(one.low)}, ${signed(one.high)}]`} ${unit}` +
        (one.n ? `<br>n = ${one.n}` : "");
  const bars = {
    type: "bar",
    x: steps.map((_, k) => k),
    y: steps.map((one) => one.estimate),
    base: begin,
    width: 0.62,
    // The total is an outline: filled it would be as dark as its whisker.
    marker: {
      color: steps.map((one) => (one.key === "total" ? "rgba(128, 128, 128, 0.2)" : one.colour)),
      line: { color: "--total", width: steps.map((one) => (one.key === "total" ? 1.5 : 0)) },
    },
    error_y: {
      type: "data",
      symmetric: false,
      array: steps.map((one) => length(one.estimate, one.high)),
      arrayminus: steps.map((one) => length(one.low, one.estimate)),
      color: "--ink",
      thickness: 1.4,
      width: 4,
    },
    hovertext: steps.map((one) => `${one.name}<br>${about(one)}`),
    hoverinfo: "text",
  };
  const dotted = { color: "--axis", width: 1, dash: "dot" };
  const joined = begin.some(Boolean);
  const lines = ends.slice(0, -1).map((end, k) => ({ type: "line", x0: k, x1: k + 1, y0: end, y1: end, line: dotted }));
  const room = 0.06 * (span[1] - span[0]) || 1;
  const ticks = steps.map((one) => `<b>${one.estimate === null ? "n/a" : signed(one.estimate, 2)}</b><br>${one.name.replaceAll(" ", "<br>")}`);
  return {
    data: [bars],
    layout: layout({
      shapes: joined ? lines : [],
      margin: { l: 56, r: 8, t: 8, b: 68 },
      xaxis: { tickvals: bars.x, ticktext: ticks, tickangle: 0, tickfont: { size: 11 }, showgrid: false, zeroline: false },
      yaxis: { title: { text: unit }, range: [span[0] - room, span[1] + room], zeroline: true },
    }),
  };
};

// Nats as bits.
const inBits = (steps) => {
  const bits = (value) => (value === null ? null : value / Math.LN2);
  return steps.map((one) => ({ ...one, estimate: bits(one.estimate), low: bits(one.low), high: bits(one.high) }));
};

export const startLadder = async () => {
  const held = await data("ladder");
  if (!held) return;
  const has = (view) => held.models.some((model) => Object.values(model.views[view]).some((steps) => steps.length));
  const views = Object.keys(held.titles).filter(has);
  const pers = (view) => Object.keys(PER).filter((per) => held.models.some((model) => model.views[view][per]?.length));
  const chosen = () => {
    const view = views.includes(state.get("ladder.view")) ? state.get("ladder.view") : views[0];
    const per = pers(view).includes(state.get("ladder.per")) ? state.get("ladder.per") : held.per;
    return { view, per, bits: state.get("ladder.unit") === "bits" };
  };
  const box = byId("ladder-charts");
  if (!views.length) {
    const why = held.models[0].views.fact[held.per]?.[0]?.why;
    box.replaceChildren(make("p", { className: "none", textContent: `The ladder could not be estimated${why ? `: ${why}` : ""}.` }));
    return;
  }

  const show = () => {
    const { view, per, bits } = chosen();
    byId("ladder-switches").replaceChildren(
      choice("view", "ladder.view", views.map((key) => [key, held.titles[key].toLowerCase()]), view),
      choice("unit", "ladder.unit", [["nats", "nats"], ["bits", "bits"]], bits ? "bits" : "nats"),
      choice("length", "ladder.per", pers(view).map((key) => [key, PER[key]]), per),
    );
    const models = held.models
      .filter((model) => !state.get("model") || model.name === state.get("model"))
      .map((model) => ({ name: model.name, steps: model.views[view][per] ?? [] }))
      .map(({ name, steps }) => ({ name, steps: bits ? inBits(steps) : steps }));
    const ends = models.filter(({ steps }) => steps.length).map(({ steps }) => reach(steps));
    const span = [Math.min(...ends.map(([low]) => low)), Math.max(...ends.map(([, high]) => high))];
    const unit = `${bits ? "bits" : "nats"}${per === "target" ? "" : `/${per}`}`;
    const many = models.length > 4;
    box.className = `multiples${many ? " many" : ""}`;
    const made = models.map(({ name, steps }) => {
      if (!steps.length) return { node: make("p", { className: "none", textContent: `${name}: not estimated in this view; the tables below say why.` }) };
      const { plot, node } = chart(`${name}: ${held.titles[view].toLowerCase()}, ${unit}`, many ? 260 : 330);
      return { node, plot, figure: waterfall(steps, span, unit) };
    });
    box.replaceChildren(...made.map(({ node }) => node));
    for (const { plot, figure } of made) if (plot) draw(plot, figure);
  };
  state.on(["model", "ladder.view", "ladder.unit", "ladder.per"], show);
  show();
};

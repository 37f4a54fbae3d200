// One target through the layers: log-probability and rank of base and tuned, and the difference with its interval.
import { chart, draw, layout } from "./charts.js";
import { tokenFigures } from "./contexts.js";
import { byId, details, figure, make, plain, signed, tableOf } from "./dom.js";
import { places, visible } from "./places.js";
import { state } from "./state.js";

// Student's t at 97.5%, by degrees of freedom from 1; beyond, the normal's with a first correction.
const T = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086];
const quantile = (df) => T[df - 1] ?? 1.96 + 2.37 / df;

const less = (after, before) => (after === null || before === null ? null : after - before);

// Mean and 95% interval of lists [items][layers], layer by layer; no interval for one item.
const means = (rows) =>
  (rows[0] ?? []).map((_, layer) => {
    const values = rows.map((row) => row[layer]).filter((value) => value !== null);
    const n = values.length;
    const mean = values.reduce((a, b) => a + b, 0) / n;
    if (n < 2) return { mean: n ? mean : null, half: null, n };
    const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1));
    return { mean, half: (quantile(n - 1) * spread) / Math.sqrt(n), n };
  });

const line = (name, layers, values, colour, more = {}) => ({
  type: "scatter",
  mode: "lines+markers",
  name,
  x: layers,
  y: values,
  line: { color: colour, width: 2, dash: more.dash ?? "solid" },
  marker: { size: 6, symbol: more.symbol ?? "circle" },
  hovertemplate: `${name}, layer %{x}: %{y:.3~f}<extra></extra>`,
});

// A logarithmic axis of ranks from 1, best on top, with whole numbers at its marks.
const ranks = (...rows) => {
  const last = Math.max(...rows.flat().map((one) => one ?? 1));
  const marks = [...Array(7).keys()].flatMap((k) => [10 ** k, 3 * 10 ** k]).filter((mark) => mark < 3 * last);
  return { type: "log", autorange: "reversed", tickvals: marks, ticktext: marks.map((mark) => mark.toLocaleString("en")) };
};

const layered = (layers, title, yaxis = {}) =>
  layout({
    showlegend: true,
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, font: { size: 11 } },
    xaxis: { title: { text: "layer" }, tickvals: layers.filter((_, k) => (layers.length - 1 - k) % Math.ceil(layers.length / 12) === 0) },
    yaxis: { title: { text: title }, ...yaxis },
  });

const band = (layers, found) => {
  const held = layers.map((layer, k) => ({ layer, ...found[k] })).filter(({ half }) => half !== null);
  const back = [...held].reverse();
  return {
    type: "scatter",
    mode: "none",
    fill: "toself",
    fillcolor: "--knowledge",
    opacity: 0.18,
    hoverinfo: "skip",
    name: "95% interval",
    x: [...held, ...back].map(({ layer }) => layer),
    y: [...held.map(({ mean, half }) => mean + half), ...back.map(({ mean, half }) => mean - half)],
  };
};

export const startLayers = async () => {
  const box = byId("layers-token");
  if (!box) return;
  const held = await places();
  if (!held) return box.replaceChildren(make("p", { className: "none", textContent: "No passage is on this page, so no token can be followed." }));
  const { raw, layers } = held;
  const labels = ["Log-probability by layer, nats", "Rank by layer (1 is best)", "Difference by layer, tuned less base, nats"];
  const charts = labels.map((label) => chart(label, 280)); // drawn again and again: quicker than new ones
  const row = make("div", { className: "multiples thirds" }, ...charts.map(({ node }) => node));

  // What base and tuned say of the chosen token at each layer; of the whole target where no token was read alone.
  const chosen = () => {
    const place = held.chosen();
    const model = held.model();
    const read = held.reading(place);
    const token = state.get("token") === "" ? -1 : Number(state.get("token"));
    if (read?.models[model].lens && read.starts[token] !== undefined) {
      const side = (one) => held.token(one, place, token);
      const words = held.text(place).slice(read.starts[token], read.ends[token]).join("");
      // The only token of a target is the target.
      const whole = raw.tokens[place] === 1 && read.starts[token] < raw.end[place] && read.ends[token] > raw.start[place];
      return { place, model, token, words, whole, base: side(0), tuned: side(model) };
    }
    const side = (one) => ({ lens: held.lens(one, place), rank: held.rank(one, place) });
    const words = raw.text ? held.text(place).slice(raw.start[place], raw.end[place]).join("") : held.name(held.conceptOf(place));
    return { place, model, token: -1, words, whole: true, base: side(0), tuned: side(model) };
  };

  const reached = (rank) => {
    const k = rank.findIndex((one) => one !== null && one < 10);
    return k < 0 ? "at no layer" : `from layer ${layers[k]}`;
  };

  const show = () => {
    const place = held.chosen();
    if (place < 0) return box.replaceChildren(make("p", { className: "none", textContent: "No place of this term is on the page." }));
    const { model, token, words, whole, base, tuned } = chosen();
    const name = raw.models[model];
    const title = make("p", {}, make("b", {}, make("bdi", { textContent: `“${visible(words.trim() || words)}”` })), ` in ${name}, ${token >= 0 ? "one token" : `the whole target${raw.tokens[place] > 1 ? `, ${raw.tokens[place]} tokens; the rank is its first one's` : ""}`}`);
    const said = tokenFigures(held, place, token, model);
    if (!base.lens?.length || !tuned.lens?.length) {
      const why = layers.length ? "The layers of this place are not on the page; they are in the run's scores." : "This run read no layers (--lens none).";
      return box.replaceChildren(title, said, make("p", { className: "none", textContent: why }));
    }
    const concept = held.conceptOf(place);
    const rows = held.byConcept.get(concept).map((one) => [held.lens(0, one), held.lens(model, one)]).filter(([a, b]) => a && b);
    const found = means(rows.map(([a, b]) => a.map((value, k) => less(b[k], value))));
    const gain = base.lens.map((value, k) => less(tuned.lens[k], value));
    // The mean is of whole targets: beside a token that is a part of one it would be another quantity.
    const many = whole && found.some(({ half }) => half !== null);
    const top = make("p", { textContent: `In the top 10: base ${reached(base.rank)}, tuned ${reached(tuned.rank)}.` });
    const spread = !whole ? [] : [many ? make("p", { className: "quiet", textContent: `The band is the 95% interval of the mean difference over the ${rows.length} places of ${held.name(concept)} on this page (Student's t).` }) : make("p", { className: "quiet", textContent: "One place of this term is on the page, so the difference has no interval." })];
    const pair = (before, after) => [
      line("base", layers, before, "--drift", { dash: "dash", symbol: "square" }),
      line("tuned", layers, after, "--shift"),
    ];
    const [before, after] = [base.rank, tuned.rank].map((rank) => rank.map((one) => (one === null ? null : one + 1)));
    const mean = [band(layers, found), line("mean over its places", layers, found.map((one) => one.mean), "--knowledge", { dash: "dot", symbol: "diamond" })];
    const figures = [
      { data: pair(base.lens, tuned.lens), layout: layered(layers, "nats") },
      { data: pair(before, after), layout: layered(layers, "rank", ranks(before, after)) },
      { data: [...(many ? mean : []), line("this place", layers, gain, "--ink")], layout: layered(layers, "nats", { zeroline: true, zerolinewidth: 2 }) },
    ];
    const number = (value, digits = 2) => figure(value, plain(value, digits));
    const twin = details(
      "As a table",
      tableOf(
        `“${visible(words.trim())}” by layer, nats; ranks from 0`,
        ["layer", "base", "tuned", "difference", "base rank", "tuned rank", ...(whole ? ["mean difference over its places", "95% interval"] : [])],
        layers.map((layer, k) => [
          `layer ${layer}`,
          number(base.lens[k]),
          number(tuned.lens[k]),
          signed(gain[k], 2),
          number(base.rank[k], 0),
          number(tuned.rank[k], 0),
          ...(whole ? [signed(found[k].mean, 2), found[k].half === null ? "–" : `${signed(found[k].mean - found[k].half, 2)} to ${signed(found[k].mean + found[k].half, 2)}`] : []),
        ]),
      ),
    );
    const back = make("p", {}, make("a", { href: "#contexts", textContent: "Back to the contexts" }));
    box.replaceChildren(title, said, top, row, ...spread, twin, back);
    charts.forEach(({ plot }, k) => draw(plot, figures[k]));
  };
  state.on(["place", "token", "concept", "model"], show);
  show();
};

// Terms where they stand: each token with three strips, what base and tuned gave it and the difference.
import { byId, figure, make, plain, signed } from "./dom.js";
import { places, visible } from "./places.js";
import { linkTo, state } from "./state.js";
import { tips } from "./tip.js";

const AT_ONCE = 4;
const END = 8; // nats at which the scale ends
const TICKS = [-8, -4, -1, 0, 1, 4, 8];

// One diverging scale for all strips, zero in the middle; by the root, so that tenths of a nat can be seen.
const depth = (value) => Math.sign(value) * Math.sqrt(Math.min(Math.abs(value), END) / END);
const colour = (value) => {
  const share = Math.round(100 * Math.abs(depth(value)));
  return `color-mix(in oklab, var(${value > 0 ? "--high" : "--low"}) ${share}%, var(--mid))`;
};

const strips = (values) => {
  const box = make("span", { className: "strips", "aria-hidden": "true" });
  for (const value of values) {
    const strip = make("span");
    if (value !== null) strip.style.background = colour(value);
    else strip.className = "empty";
    box.append(strip);
  }
  return box;
};

const legend = () => {
  const bar = make("span", { className: "ramp", role: "img", "aria-label": "Scale: blue below zero, orange above, in nats" });
  for (const tick of TICKS) {
    const mark = make("span", { textContent: tick === 0 ? "0" : plain(tick, 0).replace(/^(?=\d)/, "+") });
    mark.style.left = `${50 + 50 * depth(tick)}%`;
    bar.append(mark);
  }
  const steps = Array.from({ length: 33 }, (_, k) => ((k - 16) / 16) ** 2 * Math.sign(k - 16) * END);
  bar.style.background = `linear-gradient(to right in oklab, ${steps.map(colour).join(", ")})`;
  return make("div", { className: "legend" }, make("span", { textContent: "strips, top to bottom: base, tuned, difference" }), bar, make("span", { textContent: "nats" }));
};

// A guess of the model, with the spaces at its ends to be seen.
const spaced = (text) => visible(text).replace(/^ +| +$/g, (spaces) => "␣".repeat(spaces.length));

const difference = (before, after) => (before === null || after === null ? null : after - before);

// What base and tuned say of a token of a place; of the whole target where `token` is none (-1).
export const tokenFigures = (held, place, token, model) => {
  const { raw } = held;
  const side = (one, name) => {
    if (token < 0) return { name, logprob: held.score(one, place), rank: held.rank(one, place)?.at(-1) };
    const read = held.reading(place).models[one];
    const words = read.top[token].map((code, n) => `${spaced(raw.readings.words[code]) || "∅"} ${plain(read.topLogprob[token][n] / raw.layerScale, 2)}`);
    return { name, logprob: read.logprob[token] === null ? null : read.logprob[token] / raw.lensScale, rank: read.rank[token], top: words.join(" · ") };
  };
  const sides = [side(0, "base"), side(model, "tuned")];
  const rows = sides.map(({ name, logprob, rank, top }) =>
    make(
      "tr",
      {},
      make("th", { scope: "row", textContent: name }),
      make("td", {}, figure(logprob, plain(logprob))),
      make("td", { textContent: rank === null || rank === undefined ? "–" : rank }),
      make("td", { textContent: top ?? "" }),
    ),
  );
  const gain = difference(sides[0].logprob, sides[1].logprob);
  return make(
    "div",
    { className: "figures" },
    make(
      "table",
      {},
      make("thead", {}, make("tr", {}, ...["", "log p", "rank", sides.some((one) => one.top) ? "likeliest there" : ""].map((text) => make("th", { scope: "col", textContent: text })))),
      make("tbody", {}, ...rows),
    ),
    make("p", { textContent: `difference ${signed(gain)} nats${token < 0 ? "; the whole target; rank of its first token" : ""}` }),
  );
};

export const startContexts = async () => {
  const held = await places();
  const bar = byId("contexts-bar");
  if (!held || !bar) return;
  const { raw } = held;
  const list = byId("contexts-list");
  let limit = AT_ONCE;

  // A passage token by token, or with its target alone.
  const passage = (place, model) => {
    const text = held.text(place);
    const [start, end] = [raw.start[place], raw.end[place]];
    const box = make("p", { className: "tokens", dir: "auto" });
    const link = (token, words, target, values) => {
      const node = make("a", { className: target ? "token target" : "token", href: linkTo("layers", { place, token, concept: held.conceptOf(place) }), tabIndex: target ? 0 : -1 }, make("bdi", { textContent: visible(words) }), strips(values));
      node.dataset.place = place;
      node.dataset.token = token;
      return node;
    };
    const read = held.reading(place);
    // Of a target that was not read token by token, the value a token: strips share one scale.
    const each = (value) => (value === null ? null : value / raw.tokens[place]);
    const [before, after] = [held.score(0, place), held.score(model, place)].map(each);
    const whole = [before, after, difference(before, after)];
    if (!raw.text) {
      box.append(link("", "(text left out)", true, whole));
    } else if (read?.models[model].logprob) {
      let at = 0;
      let word = null; // tokens of one word stay on one line
      read.starts.forEach((from, k) => {
        const to = read.ends[k];
        if (from > at) box.append(visible(text.slice(at, from).join("")));
        if (!word || from > at || /\s/.test(text[from] ?? "")) box.append((word = make("span", { className: "word" })));
        const [before, after] = [0, model].map((one) => read.models[one].logprob[k]).map((one) => (one === null ? null : one / raw.lensScale));
        const words = text.slice(Math.max(from, at), to).join("");
        if (words) word.append(link(k, words, from < end && to > start, [before, after, difference(before, after)]));
        at = Math.max(at, to);
      });
      box.append(visible(text.slice(at).join("")));
    } else {
      box.append(
        make("span", { textContent: visible(text.slice(0, start).join("")) }),
        link("", text.slice(start, end).join(""), true, whole),
        make("span", { textContent: visible(text.slice(end).join("")) }),
      );
    }
    return box;
  };

  const card = (place, model) => {
    const [before, after] = [held.score(0, place), held.score(model, place)];
    const at = raw.begin[raw.passage[place]] + raw.start[place];
    const document_ = raw.passages.document[raw.passage[place]];
    const head = make(
      "p",
      { className: "quiet" },
      raw.text ? make("bdi", { textContent: document_ }) : "a place",
      raw.text ? `, character ${at.toLocaleString("en")}: ` : ": ",
      "base ",
      figure(before, plain(before)),
      ", tuned ",
      figure(after, plain(after)),
      ` (difference ${signed(difference(before, after))}), nats over ${raw.tokens[place]} ${raw.tokens[place] === 1 ? "token" : "tokens"}`,
    );
    return make("article", { className: "context" }, head, passage(place, model));
  };

  const show = () => {
    const model = held.model();
    const id = held.concept();
    const own = held.byConcept.get(id) ?? [];
    const name = raw.models[model];
    const gain = held.names.get(id)?.gain.get(name);
    const chosen = state.get("concept") !== "";
    if (!own.length) {
      const words = `${held.name(state.get("concept"))}: none of its places is on this page; they are in the run's places.parquet.`;
      bar.replaceChildren(make("p", { className: "none", textContent: words }));
      return list.replaceChildren();
    }
    const title = make("h3", {}, make("bdi", { textContent: held.name(id) }));
    const said = make("p", {}, "in ", make("b", { textContent: name }), gain === undefined || gain === null ? "" : `: mean gain ${signed(gain)} ${raw.unit}`, `, ${own.length} ${own.length === 1 ? "place" : "places"} here`);
    if (!chosen) said.append(" (nothing is chosen, so this is the term that gained most; choose another in the table of terms)");
    bar.replaceChildren(title, said, make("p", {}, make("a", { href: "#terms", textContent: "Back to the terms" })), legend());
    // The chosen place comes first in view, however many there are.
    const first = held.chosen();
    const order = [first, ...own.filter((place) => place !== first)];
    list.replaceChildren(...order.slice(0, limit).map((place) => card(place, model)));
    if (own.length > limit) {
      const more = make("button", { type: "button", textContent: `Show ${Math.min(AT_ONCE * 3, own.length - limit)} more of ${own.length}` });
      more.addEventListener("click", () => ((limit += AT_ONCE * 3), show()));
      list.append(more);
    }
    mark();
  };
  const mark = () => {
    const [place, token] = [state.get("place"), state.get("token")];
    for (const node of list.querySelectorAll(".token"))
      node.toggleAttribute("data-chosen", place !== "" && node.dataset.place === place && node.dataset.token === token);
  };

  tips(list, ".token", (node) => {
    const { place, token } = node.dataset;
    const title = node.querySelector("bdi").textContent;
    const words = make("b", { textContent: `“${title.trim() || spaced(title)}”` });
    return make("div", {}, words, tokenFigures(held, Number(place), token === "" ? -1 : Number(token), held.model()));
  });

  // Left and right walk the tokens of a passage.
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const node = event.target.closest?.(".token");
    if (!step || !node) return;
    const all = [...node.closest(".tokens").querySelectorAll(".token")];
    event.preventDefault();
    all[all.indexOf(node) + step]?.focus();
  });

  state.on(["model", "concept"], () => ((limit = AT_ONCE), show()));
  state.on(["place", "token"], mark);
  show();
};

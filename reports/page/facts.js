// The table of facts, and of the chosen one every candidate before and after.
import { data } from "./data.js";
import { byId, figure, make, plain, signed, tableOf } from "./dom.js";
import { linkTo, state } from "./state.js";
import { table } from "./table.js";

const percent = (logprob) => {
  const share = 100 * Math.exp(logprob);
  return share >= 0.1 ? `${share.toFixed(1)} %` : share >= 0.001 ? `${share.toFixed(3)} %` : "< 0.001 %";
};

// A log-probability, the probability it is, and a bar as long as that is among the candidates.
const probability = (logprob, share, css) => {
  const bar = make("i", { className: `share ${css}` });
  bar.style.width = `${100 * share}%`;
  return make("div", { className: "probability" }, figure(logprob, plain(logprob)), make("span", { className: "ci", textContent: percent(logprob) }), make("span", { className: "track" }, bar));
};

const shares = (logprobs) => {
  const best = Math.max(...logprobs);
  const weights = logprobs.map((one) => Math.exp(one - best));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((one) => one / sum);
};

export const startFacts = async () => {
  const held = await data("facts");
  if (!held) return;
  const { table: raw, candidates } = held;
  const column = (key) => raw.columns.find((one) => one.key === key);
  const word = (row, key) => {
    const { words, values } = column(key);
    return words[values[row]] ?? "";
  };
  const rows = new Map();
  for (let row = 0; row < raw.rows; row++) rows.set(`${word(row, "model")}\n${word(row, "item")}`, row);
  const chosen = () => {
    const item = state.get("fact");
    if (!item) return -1;
    const models = [state.get("fact-of"), state.get("model"), ...column("model").words];
    return models.map((model) => rows.get(`${model}\n${item}`)).find((row) => row !== undefined) ?? -1;
  };
  const link = (row) => linkTo("facts-one", { "fact-of": word(row, "model"), fact: word(row, "item") });
  // Other parts name facts that the table may have had no room for: these lead nowhere.
  for (const to of document.querySelectorAll('a[href^="#facts-one?"]')) {
    const query = new URLSearchParams(to.getAttribute("href").split("?")[1]);
    if (!rows.has(`${query.get("fact-of")}\n${query.get("fact")}`)) to.replaceWith(...to.childNodes);
  }
  const shown = table("facts", raw, { sort: "-margin_gain", link, chosen });

  const box = byId("facts-one");
  const show = () => {
    const row = chosen();
    if (row < 0) return box.replaceChildren();
    const strings = candidates.strings[row].map((code) => candidates.words[code]);
    const [before, after] = ["base", "tuned"].map((side) => candidates[side][row]?.map((one) => one / 10000));
    const title = make("h4", { textContent: `${word(row, "cue")} …` });
    const about = make("p", { textContent: `${word(row, "model")}: ${word(row, "group")} fact, ${word(row, "state").replace("never", "never known")}` });
    const close = make("button", { type: "button", textContent: "Close" });
    close.addEventListener("click", () => state.set({ fact: "", "fact-of": "" }));
    const list = before && after
      ? tableOf(
          "Candidates: log-probability (nats, whole answer), probability, and share among the candidates",
          ["candidate", "base", "tuned", "gain"],
          strings.map((text, k) => [
            make("span", { className: k ? "wrong" : "true", textContent: `${k ? "✗" : "✓"} ${text}` }),
            probability(before[k], shares(before)[k], "base"),
            probability(after[k], shares(after)[k], "tuned"),
            make("span", { textContent: signed(after[k] - before[k]) }),
          ]),
        )
      : make("p", { textContent: `Candidates: ${strings.join(", ")}. This run keeps no log-probability of each.` });
    box.replaceChildren(make("div", { className: "card one" }, title, about, list, close));
  };
  state.on(["fact", "fact-of", "model"], () => (show(), shown.mark()));
  show();
};

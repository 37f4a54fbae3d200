// The places of terms on the page, as contexts.js and layers.js ask for them.
import { data } from "./data.js";
import { state } from "./state.js";
import { concepts } from "./terms.js";

const none = (value, scale) => (value === null || value === undefined ? null : value / scale);

// `scale` and layouts are those of reports/contexts.py; the base's model index is 0. Null where the page has no places.
export const places = async () => {
  const raw = await data("contexts");
  if (!raw?.shown) return null;
  const names = await concepts();
  const byConcept = new Map();
  raw.concept.forEach((code, place) => {
    const id = raw.concepts[code];
    if (!byConcept.has(id)) byConcept.set(id, []);
    byConcept.get(id).push(place);
  });
  const reading = new Map(raw.readings.passages.map((one) => [one.passage, one]));
  const depth = raw.layers.length;

  // A tuned model's layers are kept as what they add to the base's.
  const grid = (held, scale, model, place) => {
    if (place >= raw.layered || !held[0] || !held[model]) return null;
    const [base, own] = [held[0], held[model]].map((every) => every.slice(place * depth, (place + 1) * depth));
    const whole = model ? own.map((one, k) => (one === null || base[k] === null ? null : base[k] + one)) : base;
    return whole.map((one) => none(one, scale));
  };

  return {
    raw,
    byConcept,
    names,
    layers: raw.layers,
    model: () => Math.max(1, raw.models.indexOf(state.get("model"))),
    name: (id) => names.get(id)?.name ?? id,
    conceptOf: (place) => raw.concepts[raw.concept[place]],
    text: (place) => Array.from(raw.passages.text[raw.passage[place]]),
    reading: (place) => reading.get(raw.passage[place]),
    score: (model, place) => (raw.scores[model] ? none(raw.scores[model][place], raw.scale) : null),
    // [layers] of the whole target, nats summed over its tokens; and the rank of its first token.
    lens: (model, place) => grid(raw.lens, raw.layerScale, model, place),
    rank: (model, place) => grid(raw.rank, 1, model, place),
    // [layers] of one token of a passage that was read whole: what `lens` and `rank` are of a target.
    token(model, place, token) {
      const [base, own] = [0, model].map((one) => reading.get(raw.passage[place]).models[one]);
      const column = (rows, of, scale) =>
        rows[of].map((row, k) => {
          const [first, more] = [base[of][k][token], row[token]];
          return none(!model || first === null || more === null ? more : first + more, scale);
        });
      return { lens: column(own, "lens", raw.layerScale), rank: column(own, "lensRank", 1) };
    },
    // The place that is shown: the chosen one, else the first of the chosen concept, else of the one that gained most.
    chosen() {
      const wanted = state.get("place");
      const place = /^\d+$/.test(wanted) ? Number(wanted) : -1;
      const concept = this.concept();
      const own = byConcept.get(concept) ?? [];
      return own.includes(place) ? place : (own[0] ?? -1);
    },
    concept() {
      if (byConcept.has(state.get("concept"))) return state.get("concept");
      if (state.get("concept")) return "";
      const model = raw.models[this.model()];
      const gain = (id) => names.get(id)?.gain.get(model) ?? -Infinity;
      const read = [...byConcept.keys()].filter((id) => byConcept.get(id).some((place) => reading.has(raw.passage[place])));
      return (read.length ? read : [...byConcept.keys()]).reduce((best, id) => (gain(id) > gain(best) ? id : best));
    },
  };
};

// A token as a person can see it.
export const visible = (text) => text.replaceAll("\n", "↵").replaceAll("\r", "␍").replaceAll("\t", "⇥");

// The table of terms; a row leads to the places where its term stands.
import { data } from "./data.js";
import { linkTo } from "./state.js";
import { table } from "./table.js";

const columns = (raw, ...keys) => keys.map((key) => raw.columns.find((one) => one.key === key));

export const startTerms = async () => {
  const raw = await data("terms");
  if (!raw) return;
  const [models, ids] = columns(raw, "model", "concept");
  const word = ({ words, values }, row) => words[values[row]] ?? "";
  const link = (row) => linkTo("contexts", { model: word(models, row), concept: word(ids, row), place: "", token: "" });
  table("terms", raw, { sort: "-gain", link });
};

let named;

// Of each concept, by id: its name, and its gain by model.
export const concepts = async () => {
  if (named) return named;
  const raw = await data("terms");
  named = new Map();
  if (!raw) return named;
  const [names, ids, models, gains] = columns(raw, "name", "concept", "model", "gain");
  for (let row = 0; row < raw.rows; row++) {
    const id = ids.words[ids.values[row]];
    if (!named.has(id)) named.set(id, { name: names.words[names.values[row]] ?? id, gain: new Map() });
    const gain = gains.values[row];
    named.get(id).gain.set(models.words[models.values[row]], gain === null ? null : gain / gains.scale);
  }
  return named;
};

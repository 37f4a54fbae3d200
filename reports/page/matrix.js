// The matrix: which of its views is shown, and its rows sorted by a model.
import { byId, make } from "./dom.js";
import { state } from "./state.js";
import { choice } from "./switches.js";

const KEY = "matrix.view";

const valueOf = (row, column) => {
  const held = row.children[column]?.querySelector("data");
  return held ? Number(held.value) : NaN;
};

export const startMatrix = () => {
  const box = byId("matrix-switches");
  if (!box) return;
  const views = [...document.querySelectorAll(`[data-choice^="${KEY}="]`)].map((node) => ({
    node,
    key: node.dataset.choice.slice(KEY.length + 1),
    name: node.dataset.name,
    empty: "empty" in node.dataset,
    rows: [...node.querySelectorAll("tbody tr")],
  }));
  const first = views.find(({ empty }) => !empty) ?? views[0];

  for (const { node } of views)
    [...node.querySelectorAll("thead th")].forEach((th, column) => {
      const button = make("button", { type: "button", textContent: th.textContent });
      button.addEventListener("click", () => {
        const key = column ? th.textContent : "";
        const now = state.get("matrix.sort");
        state.set({ "matrix.sort": key === "" ? "" : now === `-${key}` ? `+${key}` : now === `+${key}` ? "" : `-${key}` });
      });
      th.replaceChildren(button);
    });

  const show = () => {
    const chosen = views.find(({ key }) => key === state.get(KEY)) ?? first;
    box.replaceChildren(choice("what the cells hold", KEY, views.map(({ key, name }) => [key, name]), chosen.key));
    const wanted = state.get("matrix.sort");
    for (const view of views) {
      view.node.hidden = view !== chosen;
      const heads = [...view.node.querySelectorAll("thead th")];
      const column = heads.findIndex((th, k) => k && th.textContent === wanted.slice(1));
      const sign = wanted[0] === "+" ? 1 : -1;
      heads.forEach((th, k) => th.setAttribute("aria-sort", k && k === column ? (sign > 0 ? "ascending" : "descending") : "none"));
      const keyed = view.rows.map((row) => [row, column > 0 ? valueOf(row, column) : 0]);
      if (column > 0)
        keyed.sort(([, a], [, b]) => (Number.isNaN(a) || Number.isNaN(b) ? Number.isNaN(a) - Number.isNaN(b) : sign * (a - b)));
      view.node.querySelector("tbody")?.append(...keyed.map(([row]) => row));
    }
  };
  state.on("matrix.", show);
  show();
};

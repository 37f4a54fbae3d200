// A choice of a few: a group of buttons of which one is pressed; and what the chosen model hides.
import { byId, make } from "./dom.js";
import { state } from "./state.js";

// `options` are [value, words]; the chosen one is kept in the state under `key`. One option alone is no choice.
export const choice = (title, key, options, chosen) => {
  if (options.length < 2) return make("span", { hidden: true });
  const group = make("div", { className: "choice", role: "group", "aria-label": title });
  for (const [value, words] of options) {
    const button = make("button", { type: "button", textContent: words, "aria-pressed": String(value === chosen) });
    button.addEventListener("click", () => {
      state.set({ [key]: value });
      // The group is made anew; the keyboard stays where it was.
      [...document.querySelectorAll(`.choice[aria-label="${title}"] button`)].find((one) => one.textContent === words)?.focus();
    });
    group.append(button);
  }
  return group;
};

// The page's menu of models, and charts and lists that are one model's.
export const startModels = () => {
  const select = byId("model");
  if (!select) return;
  const show = () => {
    select.value = state.get("model");
    if (select.selectedIndex < 0) select.value = "";
    for (const node of document.querySelectorAll("[data-model]"))
      node.hidden = select.value !== "" && node.dataset.model !== select.value;
  };
  select.addEventListener("change", () => state.set({ model: select.value }, true));
  state.on(["model"], show);
  show();
};

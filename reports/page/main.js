// The page: every part started, what is in view first.
import { settled, startCharts } from "./charts.js";
import { startContexts } from "./contexts.js";
import { startContents } from "./contents.js";
import { open } from "./data.js";
import { byId, make, save } from "./dom.js";
import { startFacts } from "./facts.js";
import { startLadder } from "./ladder.js";
import { startLayers } from "./layers.js";
import { startMatrix } from "./matrix.js";
import { arrive, startState } from "./state.js";
import { startModels } from "./switches.js";
import { startTerms } from "./terms.js";

byId("save-comparison")?.addEventListener("click", async () => {
  save("comparison.json", "application/json", await open("data-comparison"));
});

const start = async () => {
  startState();
  startModels();
  startMatrix();
  startContents();
  await Promise.all([startLadder(), startTerms(), startFacts(), startContexts(), startLayers()]);
  arrive();
  document.documentElement.setAttribute("data-ready", "");
  startCharts();
  await settled();
  document.documentElement.setAttribute("data-drawn", document.querySelectorAll(".plot").length);
};
start().catch((error) => {
  const words = `The tables and charts of this page could not be shown (${error.message}); open it in a browser of 2023 or later.`;
  document.querySelector("header").append(make("p", { className: "notice", role: "alert", textContent: words }));
  throw error;
});

// A table of many rows: searched, filtered, sorted, its columns chosen, saved as CSV. Only rows in view are elements.
import { make, plain, save } from "./dom.js";
import { state } from "./state.js";

const ROW = 34; // pixels, as style.css has it
const AROUND = 8; // rows kept above and below those in view
const WIDTH = { text: 13, long: 24, filter: 9.5, set: 13, number: 6, count: 5.2, probability: 5.4 }; // em
const TALL = 600; // pixels of rows before the first layout
const PRINTED = 25; // rows on paper, as style.css has it
const collator = new Intl.Collator("en", { numeric: true });

const wide = ({ kind, width }) => width || WIDTH[kind];

// Reads columns as reports/pack.py writes them.
const column = (raw) => {
  const { kind, scale, values, words } = raw;
  const isNumber = kind === "number" || kind === "count" || kind === "probability";
  const shown = (value) =>
    kind === "probability" && value < 0.0005 ? "<0.001" : plain(value / scale, kind === "count" ? 0 : 3);
  const ranks = words && new Float64Array(words.length);
  if (words) words.map((_, k) => k).sort((a, b) => collator.compare(words[a], words[b])).forEach((k, rank) => (ranks[k] = rank));
  const text = isNumber
    ? (row) => (values[row] === null ? "–" : shown(values[row]))
    : kind === "set"
      ? (row) => values[row].map((code) => words[code]).join(", ")
      : (row) => words[values[row]] ?? "";
  // What rows are sorted by; rows without a value come last, whichever way.
  const sortKey = isNumber
    ? (row) => (values[row] === null ? NaN : values[row])
    : kind === "set"
      ? (row) => (values[row].length ? ranks[values[row][0]] : NaN)
      : (row) => (values[row] < 0 ? NaN : ranks[values[row]]);
  const exact = isNumber ? (row) => (values[row] === null ? "" : values[row] / scale) : text;
  return { ...raw, isNumber, text, sortKey, exact };
};

const lower = (words) => words.map((word) => word.toLowerCase());

// RFC 4180; what a spreadsheet would run as a formula is kept as text.
const quoted = (value) => {
  const cell = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
};

// Fills the box `NAME-records`. `link(row)` is where a row leads; `sort` how rows come at first, `-key` largest first.
// A filter on a column whose key is in `shared` is the page's (`model`), every other is the table's own.
export const table = (name, raw, { link, sort, shared = ["model"], chosen = () => -1 }) => {
  const box = document.getElementById(`${name}-records`);
  const label = box.dataset.label;
  const columns = raw.columns.map(column);
  const own = (key) => (shared.includes(key) ? key : `${name}.${key}`);
  const every = Int32Array.from({ length: raw.rows }, (_, row) => row);
  const value = (row, key) => columns.find((one) => one.key === key).text(row);

  // Search, menus, columns, CSV.
  const bar = make("div", { className: "bar" });
  const search = make("input", { type: "search", placeholder: "any text", "aria-label": `Search ${label}` });
  const menus = columns
    .filter(({ kind, key }) => (kind === "filter" || kind === "set") && !shared.includes(key))
    .filter(({ words }) => words.length > 1)
    .map((held) => {
      const select = make("select", {}, make("option", { value: "", textContent: "all" }));
      for (const word of [...held.words].sort(collator.compare)) select.append(make("option", { value: word, textContent: word }));
      select.addEventListener("change", () => state.set({ [own(held.key)]: select.value }));
      return { ...held, select };
    });
  const count = make("output", {});
  const toCsv = make("button", { type: "button", textContent: "Save as CSV" });
  const boxes = columns.map(({ key, title, about }) => {
    const tick = make("input", { type: "checkbox" });
    tick.addEventListener("change", () => {
      const hidden = columns.filter((_, k) => !boxes[k].checked).map((one) => one.key);
      state.set({ [`${name}.without`]: String(hidden) || "none" });
    });
    tick.name = key;
    tick.title = about;
    tick.dataset.title = title;
    return tick;
  });
  const chooser = make(
    "details",
    { className: "columns" },
    make("summary", { textContent: "Columns" }),
    make("div", {}, ...boxes.map((tick) => make("label", {}, tick, tick.dataset.title))),
  );
  const reset = make("button", { type: "button", textContent: "Clear filters" });
  bar.append(
    make("label", {}, "Search", search),
    ...menus.map(({ title, select }) => make("label", {}, title, select)),
    chooser,
    toCsv,
    reset,
    count,
  );

  const head = make("tr");
  const body = make("tbody");
  const grid = make("table", {}, make("caption", { textContent: label }), make("colgroup"), make("thead", {}, head), body);
  const view = make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": label, "aria-description": "Arrow keys walk the rows." }, grid);
  const paper = make("p", { className: "paper quiet" });
  box.replaceChildren(bar, view, paper);

  const heads = columns.map(({ key, title, isNumber, about }) => {
    const button = make("button", { type: "button", textContent: title, title: about });
    button.addEventListener("click", () => {
      const [now, sign] = order();
      state.set({ [`${name}.sort`]: (now === key ? sign > 0 : isNumber) ? `-${key}` : key });
    });
    return make("th", { scope: "col", className: isNumber ? "figure" : "" }, button);
  });

  const order = () => {
    const wanted = state.get(`${name}.sort`) || sort;
    const key = wanted.replace(/^-/, "");
    return columns.some((one) => one.key === key) ? [key, wanted.startsWith("-") ? -1 : 1] : [sort.replace(/^-/, ""), -1];
  };
  const shownColumns = () => {
    const without = state.get(`${name}.without`);
    const hidden = new Set(without ? without.split(",") : columns.filter((one) => !one.shown).map((one) => one.key));
    const left = columns.filter(({ key }) => !hidden.has(key));
    return left.length ? left : columns.slice(0, 1);
  };

  // Each condition is looked up once a distinct text, not once a row.
  const passes = () => {
    const tests = [];
    for (const held of columns.filter(({ kind }) => kind === "filter" || kind === "set")) {
      const wanted = state.get(own(held.key));
      if (!wanted) continue;
      const code = held.words.indexOf(wanted);
      tests.push(held.kind === "set" ? (row) => held.values[row].includes(code) : (row) => held.values[row] === code);
    }
    for (const { key } of columns.filter(({ kind }) => kind === "text")) {
      const wanted = state.get(own(key));
      if (wanted) tests.push((row) => value(row, key) === wanted);
    }
    const texts = columns.filter(({ isNumber }) => !isNumber);
    for (const word of state.get(`${name}.q`).toLowerCase().split(/\s+/).filter(Boolean)) {
      const found = texts.map(({ words }) => lower(words).map((text) => text.includes(word)));
      tests.push((row) =>
        texts.some(({ kind, values }, k) =>
          kind === "set" ? values[row].some((code) => found[k][code]) : values[row] >= 0 && found[k][values[row]],
        ),
      );
    }
    return tests;
  };

  let rows = every;
  let shown = [];
  const find = () => {
    const tests = passes();
    rows = tests.length ? every.filter((row) => tests.every((test) => test(row))) : every.slice();
    const [key, sign] = order();
    const held = columns.find((one) => one.key === key);
    const keys = Float64Array.from(rows, held.sortKey);
    const places = Int32Array.from(rows, (_, k) => k).sort((a, b) => {
      const [x, y] = [keys[a], keys[b]];
      if (x === y) return a - b;
      return Number.isNaN(x) || Number.isNaN(y) ? Number.isNaN(x) - Number.isNaN(y) || a - b : sign * (x - y);
    });
    rows = places.map((k) => rows[k]);
    count.textContent = `${rows.length.toLocaleString("en")} of ${raw.rows.toLocaleString("en")} rows`;
    heads.forEach((th, k) => {
      const sorted = columns[k].key === key;
      th.setAttribute("aria-sort", sorted ? (sign < 0 ? "descending" : "ascending") : "none");
    });
  };

  // Rows in view are elements; those that stay in view stay the same elements, so that none loses the focus.
  const elements = new Map();
  const rowOf = (place) => {
    const row = rows[place];
    const cells = shown.map((held, k) => {
      const text = held.text(row);
      const inside = k ? make("div", { textContent: text, title: text.length > 16 ? text : undefined }) : make("a", { href: link(row), textContent: text, title: text, tabIndex: -1 });
      return make(k ? "td" : "th", { className: held.isNumber ? "figure" : held.kind, scope: k ? undefined : "row" }, inside);
    });
    const tr = make("tr", { "aria-rowindex": place + 2 }, ...cells);
    tr.dataset.place = place;
    if (row === chosen()) tr.setAttribute("aria-current", "true");
    return tr;
  };
  const space = (rows) => {
    const tr = make("tr", { "aria-hidden": "true", className: "space" });
    tr.style.height = `${rows * ROW}px`;
    return tr;
  };
  const above = space(0);
  const below = space(0);
  let span = [0, 0];
  let here = 0; // the row that Tab leads to; arrow keys walk from it
  const stop = () => {
    const at = Math.min(Math.max(here, span[0]), span[1] - 1);
    for (const [place, tr] of elements) tr.querySelector("a").tabIndex = place === at ? 0 : -1;
  };
  const paint = (fresh) => {
    const first = Math.max(0, Math.floor(view.scrollTop / ROW) - AROUND);
    const last = Math.min(rows.length, Math.ceil((view.scrollTop + Math.max(view.clientHeight, TALL)) / ROW) + AROUND);
    if (!fresh && first === span[0] && last === span[1]) return;
    span = [first, last];
    const printed = rows.length ? `${(first + 1).toLocaleString("en")} to ${Math.min(last, first + PRINTED).toLocaleString("en")}` : "none";
    paper.textContent = `On paper: rows ${printed} of ${rows.length.toLocaleString("en")}, of ${raw.rows.toLocaleString("en")} in all.`;
    if (fresh) elements.clear();
    for (const place of elements.keys()) if (place < first || place >= last) elements.delete(place);
    for (let place = first; place < last; place++) if (!elements.has(place)) elements.set(place, rowOf(place));
    above.style.height = `${first * ROW}px`;
    below.style.height = `${(rows.length - last) * ROW}px`;
    const wanted = [above, ...Array.from({ length: last - first }, (_, k) => elements.get(first + k)), below];
    // Only what is new is put in, in its place.
    for (const node of [...body.children]) if (!wanted.includes(node)) node.remove();
    wanted.forEach((node, k) => body.children[k] !== node && body.insertBefore(node, body.children[k] ?? null));
    stop();
  };

  const show = () => {
    shown = shownColumns();
    head.replaceChildren(...shown.map((held) => heads[columns.indexOf(held)]));
    grid.querySelector("colgroup").replaceChildren(
      ...shown.map((held) => {
        const col = make("col");
        col.style.width = `${wide(held)}em`;
        return col;
      }),
    );
    grid.style.minWidth = `${shown.reduce((sum, held) => sum + wide(held), 0)}em`;
    columns.forEach((held, k) => (boxes[k].checked = shown.includes(held)));
    if (document.activeElement !== search) search.value = state.get(`${name}.q`);
    for (const { key, select } of menus) {
      select.value = state.get(own(key));
      if (select.selectedIndex < 0) select.value = "";
    }
    find();
    grid.setAttribute("aria-rowcount", rows.length + 1);
    view.scrollTop = here = 0;
    paint(true);
  };

  search.addEventListener("input", () => state.set({ [`${name}.q`]: search.value }));
  view.addEventListener("scroll", () => paint(false), { passive: true });
  reset.addEventListener("click", () => {
    const keys = columns.map(({ key }) => own(key)).concat(`${name}.q`);
    state.set(Object.fromEntries(keys.map((key) => [key, ""])));
    search.value = "";
  });

  // Arrow keys walk the rows; the row walked to is scrolled into view, then focused.
  const go = (place) => {
    const to = Math.min(Math.max(place, 0), rows.length - 1);
    if (to < 0) return;
    const room = head.offsetHeight;
    if (to * ROW < view.scrollTop) view.scrollTop = to * ROW;
    else if ((to + 1) * ROW > view.scrollTop + view.clientHeight - room) view.scrollTop = (to + 1) * ROW - view.clientHeight + room;
    paint(false);
    elements.get(to)?.querySelector("a").focus({ preventScroll: true });
  };
  view.addEventListener("keydown", (event) => {
    const at = Number(event.target.closest?.("tr[data-place]")?.dataset.place ?? -1);
    const page = Math.max(1, Math.floor(view.clientHeight / ROW) - 2);
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -rows.length, End: rows.length }[event.key];
    if (step === undefined || event.target.closest?.("thead")) return;
    event.preventDefault();
    go(at < 0 ? 0 : at + step);
  });
  body.addEventListener("focusin", (event) => {
    here = Number(event.target.closest("tr").dataset.place);
    stop();
  });
  body.addEventListener("click", (event) => {
    if (!event.target.closest("a")) event.target.closest("tr[data-place]")?.querySelector("a").click();
  });

  toCsv.addEventListener("click", () => {
    const lines = [shown.map(({ title }) => quoted(title))];
    for (const row of rows) lines.push(shown.map((held) => quoted(held.exact(row))));
    const text = lines.map((line) => line.join(",") + "\r\n").join("");
    save(`${label.toLowerCase().replaceAll(" ", "-")}.csv`, "text/csv;charset=utf-8", "\ufeff", text);
  });

  state.on(`${name}.`, show);
  state.on(shared, show);
  show();
  return { columns, value, mark: () => paint(true) };
};

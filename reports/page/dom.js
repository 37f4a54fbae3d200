// What every module makes its elements and figures with. Text goes in as text, never as HTML.

export const make = (tag, props = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (name in node && name !== "list") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
};

export const byId = (id) => document.getElementById(id);

// `+0.123`, with a true minus sign; zero has no sign. `plain` leaves a plus away.
export const signed = (value, digits = 3) => {
  if (value === null || value === undefined) return "–";
  const text = Math.abs(value).toFixed(digits);
  return Number(text) === 0 ? text : (value < 0 ? "−" : "+") + text;
};
export const plain = (value, digits = 3) =>
  value === null || value === undefined ? "–" : value.toFixed(digits).replace("-", "−");

// A figure with its whole value, as `<data value>` holds it elsewhere on the page.
export const figure = (value, shown) =>
  value === null || value === undefined ? make("span", { textContent: "–" }) : make("data", { value: String(value), textContent: shown });

export const tableOf = (caption, head, rows) =>
  make(
    "div",
    { className: "scroll", tabIndex: 0, role: "region", "aria-label": caption },
    make(
      "table",
      {},
      make("caption", { textContent: caption }),
      make("thead", {}, make("tr", {}, ...head.map((title) => make("th", { scope: "col", textContent: title })))),
      make(
        "tbody",
        {},
        ...rows.map(([first, ...rest]) =>
          make("tr", {}, make("th", { scope: "row" }, first), ...rest.map((cell) => make("td", {}, cell))),
        ),
      ),
    ),
  );

export const details = (summary, ...content) => make("details", {}, make("summary", { textContent: summary }), ...content);

// A file for the reader to keep.
export const save = (name, type, ...parts) => {
  const href = URL.createObjectURL(new Blob(parts, { type }));
  make("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 1000);
};

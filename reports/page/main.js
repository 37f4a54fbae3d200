"use strict";
(() => {
  const styles = getComputedStyle(document.documentElement);

  // Figures name their colours by the style sheet's variables; only keys about colour are looked up.
  const coloured = (value, key = "") => {
    if (typeof value === "string")
      return /color/i.test(key) && value.startsWith("--") ? styles.getPropertyValue(value).trim() : value;
    if (Array.isArray(value)) return value.map((one) => coloured(one, key));
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([name, held]) => [name, coloured(held, name)]));
    return value;
  };

  const figures = [...document.querySelectorAll(".chart")].map((chart) => ({
    plot: chart.querySelector(".plot"),
    figure: JSON.parse(chart.querySelector("script").textContent),
  }));
  const draw = () =>
    Promise.all(
      figures.map(({ plot, figure }) => {
        const { data, layout } = coloured(figure);
        return Plotly.react(plot, data, layout, { responsive: true, displayModeBar: false });
      }),
    );
  draw().then(() => document.documentElement.setAttribute("data-drawn", figures.length));
  for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", draw);

  const make = (tag, props = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), props);
    node.append(...children);
    return node;
  };

  // Rows are put in as text nodes, a hundred at a time.
  for (const box of document.querySelectorAll(".records")) {
    const { columns, rows, sort, label } = JSON.parse(box.querySelector("script").textContent);
    const [head, body, bar] = ["thead", "tbody", ".bar"].map((name) => box.querySelector(name));
    const texts = rows.map((row) => row.filter((_, k) => columns[k][1] !== "number").join("\n").toLowerCase());
    let order = { column: sort, sign: -1 };
    let limit = 100;

    const search = make("input", { type: "search", placeholder: "any text" });
    const menus = columns.flatMap(([title, kind], column) => {
      const values = [...new Set(rows.map((row) => row[column]))];
      if (kind !== "filter" || values.length < 2) return [];
      const select = make("select", {}, make("option", { value: "", textContent: "all" }));
      for (const value of values) select.append(make("option", { value, textContent: value }));
      return [{ column, title, select }];
    });
    const count = make("output");
    const more = make("button", { type: "button", textContent: "Show 100 more" });
    bar.append(make("label", {}, "Search", search), ...menus.map(({ title, select }) => make("label", {}, title, select)), count);
    box.querySelector(".scroll").after(more);

    const heads = columns.map(([title, kind], column) => {
      const button = make("button", { type: "button", textContent: title });
      button.addEventListener("click", () => {
        order = { column, sign: order.column === column ? -order.sign : kind === "number" ? -1 : 1 };
        show();
      });
      return make("th", { scope: "col", className: kind === "number" ? "figure" : "" }, button);
    });
    head.append(make("tr", {}, ...heads));

    const compare = (a, b) => {
      const [x, y] = [rows[a][order.column], rows[b][order.column]];
      if (x === null || y === null) return (x === null) - (y === null);
      return order.sign * (typeof x === "number" ? x - y : String(x).localeCompare(String(y))) || a - b;
    };
    // As many decimals as a column has, three at most, so that its numbers stand under each other.
    const decimals = (value) => (String(value).split(".")[1] ?? "").length;
    const digits = columns.map((_, k) => Math.min(3, Math.max(0, ...rows.map((row) => decimals(row[k] ?? "")))));
    const cell = (value, k) =>
      columns[k][1] === "number"
        ? make("td", { className: "figure", textContent: value === null ? "–" : value.toFixed(digits[k]).replace("-", "−") })
        : make("td", { className: columns[k][1] }, make("div", { textContent: value ?? "" }));

    const chosen = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      return rows
        .map((_, k) => k)
        .filter((k) => menus.every(({ column, select }) => !select.value || rows[k][column] === select.value))
        .filter((k) => words.every((word) => texts[k].includes(word)))
        .sort(compare);
    };
    const show = () => {
      const found = chosen();
      heads.forEach((th, k) =>
        th.setAttribute("aria-sort", k !== order.column ? "none" : order.sign < 0 ? "descending" : "ascending"),
      );
      body.replaceChildren(...found.slice(0, limit).map((k) => make("tr", {}, ...rows[k].map(cell))));
      count.textContent = `${found.length} of ${rows.length} rows`;
      more.hidden = found.length <= limit;
    };
    const again = () => ((limit = 100), show());
    search.addEventListener("input", again);
    for (const { select } of menus) select.addEventListener("change", again);
    more.addEventListener("click", () => ((limit += 100), show()));
    search.setAttribute("aria-label", `Search ${label}`);

    // The rows in view as a file (RFC 4180), every number whole.
    const quoted = (value) => (/[",\r\n]/.test(value ?? "") ? `"${String(value).replaceAll('"', '""')}"` : (value ?? ""));
    const save = make("button", { type: "button", textContent: "Save as CSV" });
    save.addEventListener("click", () => {
      const lines = [columns.map(([title]) => title), ...chosen().map((k) => rows[k])];
      const text = lines.map((line) => line.map(quoted).join(",") + "\r\n").join("");
      const href = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" }));
      make("a", { href, download: `${label.toLowerCase().replaceAll(" ", "-")}.csv` }).click();
      URL.revokeObjectURL(href);
    });
    bar.append(save);
    show();
  }

  // The contents bar marks the section in view.
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const seen = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        for (const link of links.values()) link.removeAttribute("aria-current");
        links.get(target.id)?.setAttribute("aria-current", "true");
      }
    },
    { rootMargin: "-20% 0px -75% 0px" },
  );
  for (const part of document.querySelectorAll("main section")) seen.observe(part);
})();

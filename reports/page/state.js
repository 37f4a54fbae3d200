// What a person has chosen, kept in the address's hash so that a link opens the same view: `#terms?model=a&terms.q=b`.
//
// A key is a component's (`terms.q`) or the page's (`model`, `concept`, `place`, `token`). A link inside the page adds
// its keys to the view; those of a component it names replace all that this component had.

const held = new Map();
const listeners = [];

const text = (value) => {
  try {
    return decodeURIComponent(value.replaceAll("+", " "));
  } catch {
    return ""; // an address that is no address chooses nothing
  }
};

const parse = (hash) => {
  const [anchor, query = ""] = hash.replace(/^#/, "").split(/\?(.*)/s);
  const pairs = query
    .split("&")
    .filter((part) => part.includes("="))
    .map((part) => [text(part.slice(0, part.indexOf("="))), text(part.slice(part.indexOf("=") + 1))]);
  return { anchor: text(anchor), pairs };
};

let anchor = parse(location.hash).anchor;

const write = (push) => {
  const query = [...held].map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`).join("&");
  const hash = `#${encodeURIComponent(anchor)}${query ? `?${query}` : ""}`;
  if (hash !== location.hash) history[push ? "pushState" : "replaceState"](null, "", hash);
};

const tell = (changed) => {
  for (const { keys, listen } of listeners) if (changed.some((key) => keys(key))) listen(changed);
};

// A model that the page does not have is none, as its menu says.
const known = (key, value) => key !== "model" || [...(document.getElementById("model")?.options ?? [])].some((one) => one.value === value);

const replace = (pairs) => {
  const before = new Map(held);
  held.clear();
  for (const [key, value] of pairs) if (value !== "" && known(key, value)) held.set(key, value);
  tell([...new Set([...before.keys(), ...held.keys()])].filter((key) => before.get(key) !== held.get(key)));
};

const scroll = () => {
  const target = document.getElementById(anchor);
  if (!target) return;
  target.scrollIntoView();
  (document.getElementById(`${anchor}-title`) ?? target).focus({ preventScroll: true });
};

export const state = {
  get: (key) => held.get(key) ?? "",

  // Changes keys ("" drops one); `push` leaves a step to come back to.
  set(changes, push = false) {
    const changed = Object.entries(changes).filter(([key, value]) => (held.get(key) ?? "") !== String(value ?? ""));
    for (const [key, value] of changed) String(value ?? "") === "" ? held.delete(key) : held.set(key, String(value));
    write(push);
    tell(changed.map(([key]) => key));
  },

  // Calls `listen` after a change of a key of the list, or that begins with the prefix.
  on(keys, listen) {
    const wanted = Array.isArray(keys) ? (key) => keys.includes(key) : (key) => key.startsWith(keys);
    listeners.push({ keys: wanted, listen });
  },

  // Goes where a link of the page leads.
  follow(hash) {
    const { anchor: to, pairs } = parse(hash);
    const own = new Set(pairs.filter(([key]) => key.includes(".")).map(([key]) => `${key.split(".")[0]}.`));
    const kept = [...held].filter(([key]) => ![...own].some((prefix) => key.startsWith(prefix)));
    anchor = to;
    const next = new Map([...kept, ...pairs]);
    replace([...next]);
    write(true);
    scroll();
  },
};

// Reads the address, and follows it and the page's links from now on.
export const startState = () => {
  replace(parse(location.hash).pairs);
  addEventListener("popstate", () => {
    const now = parse(location.hash);
    anchor = now.anchor;
    replace(now.pairs);
    scroll();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#"]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    // What is chosen stays chosen; the link to the content only moves the focus.
    if (link.classList.contains("skip")) document.getElementById("content").focus();
    else state.follow(link.getAttribute("href"));
  });
};

export const linkTo = (to, pairs) => `#${to}?${new URLSearchParams(pairs)}`;

// The place that the address names, once the page is filled.
export const arrive = () => anchor && scroll();

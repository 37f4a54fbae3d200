// Opens the page's compressed blocks (reports/pack.py).

export const open = async (id) => {
  const held = document.getElementById(id);
  if (!held) return null;
  const bytes = Uint8Array.from(atob(held.textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
};

const opened = new Map();

// The value of block `data-NAME`, opened once; null where the page has none.
export const data = (name) => {
  if (!opened.has(name)) opened.set(name, open(`data-${name}`).then((text) => (text === null ? null : JSON.parse(text))));
  return opened.get(name);
};

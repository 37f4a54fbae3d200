// The contents bar marks the section in view.
export const startContents = () => {
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const seen = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        for (const link of links.values()) link.removeAttribute("aria-current");
        const link = links.get(target.id);
        link?.setAttribute("aria-current", "true");
        // On a narrow screen the bar moves along, itself alone.
        const bar = link?.closest("ul");
        if (bar) bar.scrollLeft = link.offsetLeft - bar.offsetLeft - 24;
      }
    },
    { rootMargin: "-20% 0px -75% 0px" },
  );
  for (const part of document.querySelectorAll("main section")) seen.observe(part);
};

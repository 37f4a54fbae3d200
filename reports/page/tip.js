// What the pointer or the keyboard is on, in words, beside it.
import { byId } from "./dom.js";

let of = null;

export const hideTip = () => {
  const tip = byId("tip");
  tip.hidden = true;
  of?.removeAttribute("aria-describedby");
  of = null;
};

const show = (target, content) => {
  hideTip();
  const tip = byId("tip");
  tip.replaceChildren(content);
  tip.hidden = false;
  const box = target.getBoundingClientRect();
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(8, Math.min(box.left, innerWidth - width - 8))}px`;
  tip.style.top = `${box.bottom + height + 8 < innerHeight ? box.bottom + 6 : Math.max(8, box.top - height - 6)}px`;
  target.setAttribute("aria-describedby", "tip");
  of = target;
};

// Elements of `box` for which `words(element)` gives content show it while pointed at or focused; Escape hides it.
export const tips = (box, selector, words) => {
  const on = (event) => {
    const target = event.target.closest?.(selector);
    if (target && target !== of) show(target, words(target));
  };
  box.addEventListener("pointerover", on);
  box.addEventListener("focusin", on);
  box.addEventListener("pointerout", (event) => !event.relatedTarget?.closest?.(selector) && hideTip());
  box.addEventListener("focusout", hideTip);
  addEventListener("keydown", (event) => event.key === "Escape" && hideTip());
  addEventListener("scroll", hideTip, { passive: true });
};

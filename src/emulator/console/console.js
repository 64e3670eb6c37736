// What needs a script: buttons that copy, and a word when the emulator is gone.
"use strict";

document.documentElement.classList.add("scripted");

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
  } catch {
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    button.textContent = "Selected: copy it now";
  }
});

const reachable = (is) => document.documentElement.classList.toggle("unreachable", !is);
document.addEventListener("htmx:sendError", () => reachable(false));
document.addEventListener("htmx:afterOnLoad", () => reachable(true));

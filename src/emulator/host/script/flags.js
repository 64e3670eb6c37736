// Messages in the corner, as the product shows an app's flags.
const DISMISSED_AFTER = 8_000;
const MOST = 5;

const place = document.getElementById("flags");
const shown = new Map(); // id of a flag → its element

const element = (tag, text) => {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
};

export const takeDown = (id) => {
  const there = shown.has(id);
  shown.get(id)?.remove();
  shown.delete(id);
  return there;
};

const putUp = (id, className, parts) => {
  takeDown(id);
  if (shown.size >= MOST) takeDown(shown.keys().next().value);
  const box = document.createElement("section");
  box.className = `flag ${className}`;
  const dismiss = element("button", "×");
  dismiss.ariaLabel = "Dismiss";
  dismiss.onclick = () => takeDown(id);
  box.append(...parts, dismiss);
  shown.set(id, box);
  place.append(box);
  return box;
};

// `showFlag` of the bridge.
export const flag = (options, entry, frame) => {
  const { id, title, description, type, appearance, actions, isAutoDismiss } = options;
  const parts = [element("strong", title ?? "")];
  if (description) parts.push(element("p", description));
  for (const { text, onClick } of actions ?? []) {
    const button = element("button", text);
    button.className = "action";
    button.onclick = () => frame.call(onClick);
    parts.push(button);
  }
  const kind = appearance ?? type;
  const known = ["info", "success", "warning", "error"].includes(kind) ? kind : "info";
  const box = putUp(id, known, parts);
  box.dataset.flag = id;
  if (isAutoDismiss) {
    setTimeout(() => shown.get(id) === box && takeDown(id), DISMISSED_AFTER);
  }
};

// What the product would do where the emulator has nothing to go to.
export const say = (words, { text, href } = {}) => {
  const parts = [element("p", words)];
  if (href) {
    const link = element("a", text);
    link.href = href;
    parts.push(link);
  } else if (text) {
    parts.push(element("code", text));
  }
  putUp("emulator", "emulated", parts);
};

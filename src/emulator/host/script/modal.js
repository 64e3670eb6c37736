// Dialogues: another page of the app over this one, with a bridge of its own.
import { app, forget, frameOf } from "./frame.js";

const { pages } = document.body.dataset;
const SIZES = ["small", "medium", "large", "xlarge", "max", "fullscreen", "resizable"];

const addressOf = (resource) => {
  if (!resource) return app.element.src;
  if (typeof resource !== "string") {
    throw new Error("A dialogue's `resource` is the key of a resource, a string.");
  }
  const [key, document = "index.html"] = resource.split("/");
  return `${pages}/${encodeURIComponent(key)}/${encodeURIComponent(document)}`;
};

const frameIn = (dialog, { title }) => {
  const element = document.createElement("iframe");
  element.title = title || "Dialogue of the app";
  element.sandbox.value = document.getElementById("app").sandbox.value;
  dialog.append(element);
  return element;
};

const sized = (dialog, size) => {
  if (SIZES.includes(size)) dialog.dataset.size = size;
  else Object.assign(dialog.style, { width: size?.width, height: size?.height ?? "" });
};

export const openModal = (options, entry, opener) => {
  if (!app.element || app.element.hidden) {
    throw new Error("UI Kit opens dialogues by its `Modal` component, which is drawn in place.");
  }
  // Before anything is there to see: the page may name what is no resource.
  const address = addressOf(options.resource);
  const dialog = document.createElement("dialog");
  dialog.className = "modal";
  sized(dialog, options.size);
  document.body.append(dialog);
  const element = frameIn(dialog, options);
  const modal = { context: options.context, onClose: undefined };
  const frame = frameOf(element, modal);
  modal.close = (payload) => {
    forget(frame);
    dialog.remove();
    opener.call(options.onClose, payload);
  };
  const dismiss = () => {
    frame.call(modal.onClose);
    modal.close();
  };
  modal.escape = () => options.closeOnEscape !== false && dismiss();
  dialog.oncancel = (event) => {
    event.preventDefault();
    modal.escape();
  };
  dialog.onclick = ({ target }) => {
    if (target === dialog && options.closeOnOverlayClick !== false) dismiss();
  };
  dialog.showModal();
  element.src = address;
  entry.words("The dialogue is another frame, with calls of its own.");
  return true;
};

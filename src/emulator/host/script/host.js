// The product around an app's page: it answers what the page asks of its bridge, and writes
// down what it answered.
import { begin } from "./calls.js";
import { commands } from "./commands.js";
import { app, sender, sendToAll } from "./frame.js";
import { followTheme } from "./session.js";

const unknown = (command) => {
  throw Object.assign(
    new Error(`The emulator's host page does not know the bridge call "${command}".`),
    { unknown: true },
  );
};

const answer = async (frame, { id, command, payload }) => {
  const entry = begin(String(command), payload);
  try {
    const known = Object.hasOwn(commands, command) ? commands[command] : () => unknown(command);
    const value = await known(payload, entry, frame);
    frame.send({ forge: "settled", id, value });
    entry.settled();
  } catch (error) {
    frame.send({ forge: "settled", id, failed: true, message: error.message });
    entry.failed(error);
  }
};

// A dialogue has a size of its own.
const grow = ({ element, modal }, { height }) => {
  if (!modal && Number.isFinite(height)) element.height = Math.min(Math.max(height, 40), 10_000);
};

const escape = ({ modal }) => modal?.escape();

const received = { call: answer, height: grow, escape };

window.addEventListener("message", (event) => {
  const frame = sender(event);
  const kind = event.data?.forge;
  if (frame && Object.hasOwn(received, kind)) received[kind](frame, event.data);
});

followTheme((mode) => sendToAll({ forge: "theme", mode }));

// Only now: the page may speak as soon as it is there.
if (app.element) app.element.src = app.element.dataset.src;

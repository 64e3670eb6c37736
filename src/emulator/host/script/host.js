// The product around an app's page: it answers what the page asks of its bridge, and writes
// down what it answered.
import { begin } from "./calls.js";
import { commands } from "./commands.js";
import { app, send } from "./frame.js";
import { followTheme } from "./session.js";

const { pages } = document.body.dataset;

const unknown = (command) => {
  throw Object.assign(
    new Error(`The emulator's host page does not know the bridge call "${command}".`),
    { unknown: true },
  );
};

const answer = async ({ id, command, payload }) => {
  const entry = begin(String(command), payload);
  try {
    const known = Object.hasOwn(commands, command) ? commands[command] : () => unknown(command);
    const value = await known(payload, entry);
    send({ forge: "settled", id, value });
    entry.settled();
  } catch (error) {
    send({ forge: "settled", id, failed: true, message: error.message });
    entry.failed(error);
  }
};

const grow = ({ height }) => {
  if (Number.isFinite(height)) app.height = Math.min(Math.max(height, 40), 10_000);
};

const received = { call: answer, height: grow };

window.addEventListener("message", (event) => {
  if (event.source !== app?.contentWindow || event.origin !== pages) return;
  const kind = event.data?.forge;
  if (Object.hasOwn(received, kind)) received[kind](event.data);
});

followTheme((mode) => send({ forge: "theme", mode }));

// Only now: the page may speak as soon as it is there.
if (app) app.src = app.dataset.src;

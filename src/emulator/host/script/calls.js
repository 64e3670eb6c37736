// The list of what the page asked for, and what came of it.
const MOST = 200;

const list = document.getElementById("calls");
const count = document.getElementById("count");
let number = 0;

const element = (tag, className, text) => {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
};

const summaries = {
  invoke: (payload) => `${payload?.method ?? ""} ${payload?.path ?? payload?.functionKey ?? ""}`,
  fetchRemote: ({ remoteKey, fetchRequestInit: init }) =>
    `${remoteKey}: ${init?.method ?? "GET"} ${init?.path ?? ""}`,
  navigate: ({ url, target }) => url ?? target,
  showFlag: ({ title }) => title,
  changeWindowTitle: (title) => title,
  emit: ({ event }) => event,
  on: ({ event }) => event,
};

const summary = (command, payload) => {
  try {
    return String(summaries[command]?.(payload) ?? "").slice(0, 200);
  } catch {
    return "";
  }
};

// The names that developers know them by.
const nameOf = (command, payload) => {
  if (command === "fetchRemote") return "requestRemote";
  if (command === "invoke" && payload?.invokeType === "ui-remote-fetch") return "invokeRemote";
  return command;
};

export const begin = (command, payload) => {
  const began = performance.now();
  const item = element("li", "pending", "");
  const outcome = element("span", "outcome", "…");
  item.append(
    outcome,
    element("code", "", nameOf(command, payload)),
    element("span", "summary", summary(command, payload)),
  );
  item.dataset.command = command;
  list.prepend(item);
  if (list.children.length > MOST) list.lastChild.remove();
  count.textContent = String(++number);

  let said = "ok";
  const end = (tone, text) => {
    item.className = tone;
    outcome.textContent = text;
    item.append(element("span", "time", `${Math.round(performance.now() - began)} ms`));
  };
  const words = (text) => item.append(element("p", "words", text));
  return {
    // What stands in place of `ok`.
    outcome: (text) => (said = String(text)),
    words,
    invocation: (id) => {
      const link = element("a", "", `#${id}`);
      link.href = `/invocations/${id}`;
      item.append(link);
    },
    settled: () => end(Number(said) >= 400 ? "warn" : "good", said),
    failed: (error) => {
      end(error.unknown ? "unknown" : "bad", error.unknown ? "unknown" : "rejects");
      words(error.message);
    },
  };
};

// The platform's script inside an app's page: `window.__bridge`, through which
// `@forge/bridge` and `@forge/react` speak to the product around the page.
(() => {
  "use strict";
  if (window.parent === window) return;
  const host = document.currentScript.dataset.host;
  const FUNCTION = "__emulatorFunction";

  let lastId = 0;
  const waiting = new Map(); // id of a call → how its promise is settled
  const functions = new Map(); // handle → a function of the page that the host may call
  const handles = new WeakMap();
  const drawings = []; // handles in each of the last UI Kit documents
  const MOST_DRAWINGS = 8;

  const send = (message) => window.parent.postMessage(message, host);

  // Functions do not cross to another origin: the host gets a handle for each.
  const handleOf = (fn) => {
    if (!handles.has(fn)) handles.set(fn, ++lastId);
    const handle = handles.get(fn);
    functions.set(handle, fn);
    return handle;
  };

  const isPlain = (value) => {
    const prototype = Object.getPrototypeOf(value);
    return prototype === Object.prototype || prototype === null;
  };

  const encode = (value, used, above = []) => {
    if (typeof value === "function") {
      const handle = handleOf(value);
      used.add(handle);
      return { [FUNCTION]: handle };
    }
    if (typeof value === "symbol") return undefined;
    if (value === null || typeof value !== "object" || above.includes(value)) {
      return above.includes(value) ? undefined : value;
    }
    const path = [...above, value];
    if (Array.isArray(value)) return value.map((item) => encode(item, used, path));
    if (!isPlain(value)) return value;
    const entries = Object.entries(value).map(([key, item]) => [key, encode(item, used, path)]);
    return Object.fromEntries(entries);
  };

  const call = (command, payload) =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      const used = new Set();
      const encoded = encode(payload, used);
      if (command === "reconcile") forgetDrawn(used);
      send({ forge: "call", id, command, payload: encoded });
      waiting.set(id, { resolve, reject });
    });

  // Each drawing brings functions of its own. The host may still call those of the one
  // before: a key was pressed while the next was on its way.
  const forgetDrawn = (used) => {
    drawings.push(used);
    if (drawings.length <= MOST_DRAWINGS) return;
    for (const handle of drawings.shift()) {
      if (!drawings.some((later) => later.has(handle))) functions.delete(handle);
    }
  };

  const subscribe = async (command, payload) => {
    const handle = await call(command, payload);
    return { unsubscribe: () => call("unsubscribe", { handle }).then(() => undefined) };
  };

  // The history of a page that routes by itself, in the shape of the `history` package.
  const createHistory = async () => {
    const listeners = new Set();
    const parsed = (to, state) => {
      const parts = typeof to === "string" ? new URL(to, "http://path.invalid") : to;
      const { pathname = history.location.pathname, search = "", hash = "" } = parts;
      return { pathname, search, hash, state, key: Math.random().toString(36).slice(2, 8) };
    };
    const show = (action, location) => {
      Object.assign(history, { action, location });
      listeners.forEach((listener) => listener(location, action));
    };
    const go = (action) => (to, state) => {
      const location = parsed(to, state ?? to?.state);
      if (action === "PUSH") history.length += 1;
      show(action, location);
      call("moveHistory", { replace: action === "REPLACE", location });
    };
    const history = {
      action: "POP",
      length: 1,
      location: await call("createHistory"),
      push: go("PUSH"),
      replace: go("REPLACE"),
      go: (delta) => void call("goHistory", { delta }),
      goBack: () => history.go(-1),
      goForward: () => history.go(1),
      back: () => history.go(-1),
      forward: () => history.go(1),
      block: () => () => {},
      createHref: ({ pathname = "", search = "", hash = "" }) => pathname + search + hash,
      listen: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    popped = (location) => show("POP", location);
    return history;
  };
  let popped = () => {};

  // Theming: the page asks once, and follows from then on.
  let themed = false;
  const wear = (mode) => {
    if (!themed) {
      const style = document.createElement("link");
      style.rel = "stylesheet";
      style.href = "/-/theme.css";
      document.head.append(style);
      themed = true;
    }
    const root = document.documentElement;
    root.dataset.theme = "light:light dark:dark spacing:spacing typography:typography";
    root.dataset.colorMode = mode;
  };
  const enableTheming = async () => wear(await call("enableTheming"));

  const own = { createHistory, enableTheming };
  for (const command of ["on", "onPublic", "subscribeRealtimeChannel"]) {
    own[command] = (payload) => subscribe(command, payload);
  }
  const callBridge = (command, payload) =>
    Object.hasOwn(own, command) ? own[command](payload) : call(command, payload);

  const settle = ({ id, value, message, failed }) => {
    const promise = waiting.get(id);
    waiting.delete(id);
    if (!promise) return;
    if (failed) promise.reject(new Error(message));
    else promise.resolve(value);
  };

  const received = {
    settled: settle,
    called: ({ handle, values }) => functions.get(handle)?.(...values),
    theme: ({ mode }) => themed && wear(mode),
    popped: ({ location }) => popped(location),
  };

  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || event.origin !== host) return;
    const kind = event.data?.forge;
    if (Object.hasOwn(received, kind)) received[kind](event.data);
  });

  // The key goes to the frame that has the focus, and the product's dialogue is around it.
  window.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) send({ forge: "escape" });
  });

  // The product gives a page the height of its content.
  const watchHeight = () => {
    let last = 0;
    let chases = 0;
    new ResizeObserver(() => {
      const style = getComputedStyle(document.body);
      const margins = parseFloat(style.marginTop) + parseFloat(style.marginBottom);
      const height = Math.ceil(document.body.offsetHeight + margins);
      // A body as high as the frame plus its margins would grow for ever.
      chases = height > last && height - window.innerHeight <= margins ? chases + 1 : 0;
      if (height === last || chases > 3) return;
      last = height;
      send({ forge: "height", height });
    }).observe(document.body);
  };
  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", watchHeight);
  } else {
    watchHeight();
  }

  Object.defineProperty(window, "__bridge", { value: Object.freeze({ callBridge }) });
})();

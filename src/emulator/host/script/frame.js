// Frames that the app's pages are in, and the way back into each.
const { pages } = document.body.dataset;
const FUNCTION = "__emulatorFunction";

const frames = new Map(); // window → frame

// `modal` is what a dialogue's frame has besides.
export const frameOf = (element, modal) => {
  const window = () => element?.contentWindow;
  const frame = {
    element,
    modal,
    send: (message) => window()?.postMessage(message, pages),
    // A function of the page comes as a handle.
    call: (fn, ...values) => {
      if (isFunction(fn)) frame.send({ forge: "called", handle: fn[FUNCTION], values });
    },
  };
  if (window()) frames.set(window(), frame);
  return frame;
};

export const isFunction = (value) => Number.isInteger(value?.[FUNCTION]);

export const forget = (frame) => {
  for (const [window, known] of frames) if (known === frame) frames.delete(window);
};

export const sender = ({ source, origin }) => (origin === pages ? frames.get(source) : undefined);

export const sendToAll = (message) => frames.forEach((frame) => frame.send(message));

// The module's own page, where it was built.
export const app = frameOf(document.getElementById("app"));

// The frame that the app's page is in, and the way back into it.
const { pages } = document.body.dataset;
const FUNCTION = "__emulatorFunction";

export const app = document.getElementById("app");

export const send = (message) => app?.contentWindow?.postMessage(message, pages);

// A function of the page comes as a handle.
export const handleIn = (value) => value?.[FUNCTION];

export const isFunction = (value) => Number.isInteger(handleIn(value));

export const callBack = (fn, ...values) => {
  if (isFunction(fn)) send({ forge: "called", handle: handleIn(fn), values });
};

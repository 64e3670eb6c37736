// What the bridge's calls do here. One that stands nowhere below is refused by its name.
import { ask, context } from "./doors.js";
import { fetchRemote } from "./fetch-remote.js";
import { flag, say, takeDown } from "./flags.js";
import { createHistory, goHistory, moveHistory } from "./history.js";
import { openModal } from "./modal.js";
import { draw } from "./ui-kit.js";

const { site } = document.body.dataset;

// Subscriptions to events, by what the page gets to end them with.
const listeners = new Map();
let lastListener = 0;
const MOST_LISTENERS = 1_000;

const listen = (scope) => ({ event, callback }, entry, frame) => {
  if (listeners.size >= MOST_LISTENERS) throw new Error("The page listens to too many events.");
  listeners.set(++lastListener, { key: `${scope} ${event}`, callback, frame });
  return lastListener;
};

const emit = (scope) => ({ event, payload }) => {
  for (const { key, callback, frame } of listeners.values()) {
    if (key === `${scope} ${event}`) frame.call(callback, payload);
  }
};

const invoke = async (payload, entry) => {
  const answer = await ask("invoke", payload);
  if (answer.invocation) entry.invocation(answer.invocation);
  if (answer.rejects) throw new Error(answer.rejects);
  entry.outcome(answer.status);
  return { success: answer.success, payload: answer.payload, error: answer.error };
};

// Where the product would go. What has a place here goes there.
const addresses = {
  contentView: ({ contentId }) => `/wiki/pages/viewpage.action?pageId=${contentId}`,
  contentEdit: ({ contentId }) => `/wiki/pages/editpage.action?pageId=${contentId}`,
  contentList: ({ spaceKey, contentType }) => `/wiki/spaces/${spaceKey}/${contentType}s`,
  spaceView: ({ spaceKey }) => `/wiki/spaces/${spaceKey}`,
  userProfile: ({ accountId }) => `/wiki/people/${accountId}`,
  dashboard: ({ dashboardId }) => `/jira/dashboards/${dashboardId}`,
  issue: ({ issueKey }) => `/browse/${issueKey}`,
  projectSettingsDetails: ({ projectKey }) => `/jira/software/projects/${projectKey}/settings/details`,
  module: ({ moduleKey }) => `/apps/${moduleKey}`,
};

const addressOf = ({ url, target, ...rest }) => {
  if (target && !Object.hasOwn(addresses, target)) {
    throw new Error(`The emulator's host page does not know the navigation target "${target}".`);
  }
  return new URL(target ? addresses[target](rest) : url, site).href;
};

const navigate = (location, entry) => {
  const address = addressOf(location);
  const where = location.type === "new-tab" ? "in a new tab" : "in this tab";
  entry.words(`The product would go to ${address} ${where}.`);
  if (location.target === "module") {
    const page = `/host/${encodeURIComponent(location.moduleKey)}`;
    say("The app opens another of its pages.", { text: page, href: page });
  } else {
    say(`The product would go there ${where}; the emulator has no such page.`, { text: address });
  }
};

const refuse = (words) => () => {
  throw Object.assign(new Error(words), { unknown: true });
};

const notHere = (words) => (payload, entry) => {
  entry.outcome("no");
  entry.words(words);
  return false;
};

// A dialogue can be closed, a page not.
const inModal = (act) => (payload, entry, frame) => {
  if (frame.modal) return act(frame.modal, payload);
  return notHere("Only a dialogue can be closed, and this page is none.")(payload, entry);
};

const contextOf = async (payload, entry, frame) => {
  const here = await context();
  if (frame.modal) here.extension.modal = frame.modal.context;
  return here;
};

export const commands = {
  invoke,
  fetchRemote,
  fetchProduct: refuse(
    "The emulator's host page does not play `fetchProduct` (requestConfluence, requestJira, " +
      "requestBitbucket): ask the product through the remote.",
  ),
  getContext: contextOf,
  enableTheming: () => document.body.dataset.theme,
  showFlag: flag,
  closeFlag: ({ id }) => takeDown(id),
  navigate,
  getUrl: addressOf,
  reload: (payload, entry) => {
    entry.words("The page is loaded again.");
    setTimeout(() => location.reload(), 50);
  },
  changeWindowTitle: (title) => {
    document.title = String(title);
  },
  createHistory,
  goHistory,
  moveHistory,
  emit: emit("app"),
  on: listen("app"),
  emitPublic: emit("public"),
  onPublic: listen("public"),
  unsubscribe: ({ handle }) => void listeners.delete(handle),
  emitReadyEvent: () => undefined,
  resize: () => undefined,
  getFrameId: () => "app",
  openModal,
  close: inModal((modal, payload) => {
    // The page in it hears first that it was heard.
    setTimeout(() => modal.close(payload));
    return true;
  }),
  onClose: inModal((modal, callback) => {
    modal.onClose = callback;
    return true;
  }),
  open: notHere("Nothing of this module can be opened."),
  submit: notHere("Nothing of this module can be submitted."),
  refresh: notHere("Nothing of this module can be refreshed."),
  isRovoEnabled: () => false,
  getCookieConsentPreferences: () => null,
  reconcile: draw,
  onError: ({ error }, entry) => entry.words(String(error?.message ?? error)),
};

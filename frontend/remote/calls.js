// The remote's routes that the pages use, each by its name.

import { invokeRemote, requestRemote } from '@forge/bridge';

import { problemOf, readFetched, readInvoked } from './answer.js';

/** Key of the remote in manifest.yml. */
const REMOTE = 'backend';

/** Browsers keep to themselves why they sent no request, or do not show its answer. */
const UNREACHED =
  'A call straight from the browser needs this site among the origins that the remote allows: its setting server.cors_origins.';

/** Through the platform, with tokens: what is asked of a product needs them. */
async function invoke(method, path) {
  try {
    return readInvoked(await invokeRemote({ method, path }));
  } catch (cause) {
    throw problemOf(cause);
  }
}

/** Straight from the browser, with the invocation token alone: quicker, and enough to be known. */
async function request(path) {
  try {
    return await readFetched(await requestRemote(REMOTE, { path, method: 'GET' }));
  } catch (cause) {
    throw problemOf(cause, UNREACHED);
  }
}

const page = (path, cursor) => {
  const query = new URLSearchParams({ limit: '5', ...(cursor ? { cursor } : {}) });
  return invoke('GET', `${path}?${query}`);
};

/** The verified invocation: `{claims, appToken, userToken, traceId}`. */
export const invocation = () => request('/api/invocation');

/** The user in session, as the product knows them. */
export const me = () => invoke('GET', '/api/me');

/** `{results, cursor}`: pages that the user may see. */
export const ownContent = (cursor) => page('/api/content', cursor);

/** The same as `account` sees them; for site administrators. */
export const contentOf = (account, cursor) =>
  page(`/api/accounts/${encodeURIComponent(account)}/content`, cursor);

/** A Jira issue, as the user sees it. */
export const issue = (key) => invoke('GET', `/api/issues/${encodeURIComponent(key)}`);

/** Whether the user gets a digest. */
export const isSubscribed = async () => (await invoke('GET', '/api/subscription')).subscribed;

export const subscribe = () => invoke('PUT', '/api/subscription');

export const unsubscribe = () => invoke('DELETE', '/api/subscription');

/** The last digest, `{at, pages}`; `undefined` if there is none yet. */
export async function digest() {
  try {
    return await invoke('GET', '/api/digest');
  } catch (problem) {
    if (problem.missing) {
      return undefined;
    }
    throw problem;
  }
}

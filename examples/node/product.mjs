// Calls of the product's API, with a token that came with the request.

import { Refusal } from './refusal.mjs';

/**
 * Asks the product that the token in hand belongs to. `app.apiBaseUrl` says where it lives, and
 * a token goes to an origin that we know and nowhere else.
 */
export async function ask({ claims, token, path, apiOrigins }) {
  const base = claims.app.apiBaseUrl;
  if (!apiOrigins.includes(new URL(base).origin)) {
    throw new Refusal(502, 'unknown_api_host', 'The product is at a host that this remote was not told of.');
  }
  let answer;
  try {
    answer = await fetch(base + path, {
      headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
      redirect: 'error', // it would take the token along
      signal: AbortSignal.timeout(20_000), // Forge waits 25 s
    });
    if (answer.ok) return await answer.json();
  } catch (error) {
    const late = error.name === 'TimeoutError';
    throw late
      ? new Refusal(504, 'deadline_exceeded', 'The product took too long: try again.')
      : new Refusal(502, 'upstream_error', 'The product could not be reached, or answered no JSON: try again.');
  }
  await answer.body?.cancel();
  // A product's 401 is never passed on as one: Forge would take it for ours.
  throw new Refusal(
    { 403: 403, 404: 404, 429: 429 }[answer.status] ?? 502,
    'upstream_error',
    `The product answered ${answer.status}.`,
  );
}

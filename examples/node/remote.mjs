// A small Forge remote on node:http. It runs under `forge-remote dev --remote URL` and on Forge.
//
//   APP_ID       the manifest's app.id; required
//   JWKS_URL     the key set that invocation tokens are verified with
//   API_ORIGINS  where products may be, separated by commas
//   HOST, PORT   where it listens; 127.0.0.1 and 8080 by default, port 0 takes any free one
//   EVENTS_FILE  what came is kept there, a line each; events.jsonl by default

import { appendFile } from 'node:fs/promises';
import { createServer } from 'node:http';

import { isOfAPage, verifier } from './fit.mjs';
import { ask } from './product.mjs';
import { Refusal } from './refusal.mjs';

const {
  APP_ID: appId,
  JWKS_URL: jwksUrl = 'https://forge.cdn.prod.atlassian-dev.net/.well-known/jwks.json',
  API_ORIGINS = 'https://api.atlassian.com,https://api.bitbucket.org',
  HOST = '127.0.0.1',
  PORT = '8080',
  EVENTS_FILE = 'events.jsonl',
} = process.env;
if (!appId) {
  console.error('APP_ID is missing: it is app.id of manifest.yml, ari:cloud:ecosystem::app/…');
  process.exit(2);
}
const apiOrigins = API_ORIGINS.split(',');
const verify = verifier({ jwksUrl, appId });
const MAX_BODY_BYTES = 5 * 1024 * 1024;

const routes = {
  'GET /api/mine': mine,
  'POST /forge/events': keep,
  'POST /forge/lifecycle': keep,
  'POST /forge/scheduled/digest-hourly': keep,
  'POST /forge/uninstall': keep,
};

/** A page of the app asks: what may this user see? */
async function mine({ claims, request }) {
  const token = request.headers['x-forge-oauth-user'];
  if (!token) {
    throw new Refusal(403, 'missing_user_token', 'Set auth.appUserToken.enabled of the endpoint in manifest.yml.');
  }
  const path = '/wiki/rest/api/content?limit=25';
  return { status: 200, body: await ask({ claims, token, path, apiOrigins }) };
}

/** Something happened, or time has passed: on disk first, acknowledged then, worked on later. */
async function keep({ claims, path, body }) {
  if (isOfAPage(claims)) {
    throw new Refusal(403, 'forbidden', 'Only Forge itself says that something happened.');
  }
  const line = JSON.stringify({ path, installation: claims.app.installationId, body });
  await appendFile(EVENTS_FILE, `${line}\n`, { flush: true, mode: 0o600 });
  return { status: 202 };
}

async function handle(request) {
  const path = request.url.split('?')[0];
  const claims = await verify(request);
  const route = routes[`${request.method} ${path}`];
  if (!route) throw new Refusal(404, 'not_found', 'This remote has no such path and method.');
  return route({ claims, request, path, body: await json(request) });
}

/** The body as JSON; null if there is none. */
async function json(request) {
  let text = '';
  let bytes = 0;
  request.setEncoding('utf8');
  for await (const chunk of request) {
    bytes += Buffer.byteLength(chunk);
    if (bytes > MAX_BODY_BYTES) throw new Refusal(413, 'payload_too_large', 'Send 5 MB at most.');
    text += chunk;
  }
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    throw new Refusal(400, 'bad_request', 'Send JSON.');
  }
}

const server = createServer(async (request, response) => {
  const answer = await handle(request).catch((error) => {
    if (error instanceof Refusal) return error;
    console.error(error.stack);
    return new Refusal(500, 'internal_error', 'Something is wrong in the remote: its log says what.');
  });
  const body = answer.body && JSON.stringify(answer.body);
  response.writeHead(answer.status, body ? { 'content-type': 'application/json' } : {});
  response.end(body);
  // The trace is what Atlassian's support asks for. No token and no body is ever logged.
  console.log(request.method, request.url.split('?')[0], answer.status, request.headers['x-b3-traceid'] ?? '');
});
server.listen(Number(PORT), HOST, () => {
  console.log(`listening on http://${HOST}:${server.address().port}`);
});
process.once('SIGTERM', () => server.close());

// A Forge remote as most teams write it: express, jose, Node's own fetch, one process.
//
// Settings come from the environment: PORT, APP_ID, JWKS_URL, GRAPHQL_URL.
import express from 'express';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const { PORT, APP_ID, JWKS_URL, GRAPHQL_URL } = process.env;

// Made once: jose keeps the set in memory and looks for new keys by itself.
const keys = createRemoteJWKSet(new URL(JWKS_URL));

const app = express();
app.disable('x-powered-by');
// No answer is ever asked for again by its ETag: do not compute one.
app.disable('etag');

app.use(async (request, response, next) => {
  const [scheme, token] = (request.headers.authorization ?? '').split(' ');
  if (scheme.toLowerCase() !== 'bearer' || !token) {
    return refuse(response, 401, 'missing_token', 'There is no Forge Invocation Token.');
  }
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ['RS256'],
      issuer: 'forge/invocation-token',
      audience: APP_ID,
      clockTolerance: 5,
      requiredClaims: ['exp', 'nbf'],
    });
    request.claims = payload;
  } catch {
    return refuse(response, 401, 'bad_token', 'The Forge Invocation Token is not valid.');
  }
  request.appToken = request.headers['x-forge-oauth-system'];
  request.userToken = request.headers['x-forge-oauth-user'];
  next();
});

app.get('/api/invocation', (request, response) => {
  response.json({
    claims: request.claims,
    appToken: Boolean(request.appToken),
    userToken: Boolean(request.userToken),
    traceId: request.headers['x-b3-traceid'],
  });
});

app.get('/api/content', async (request, response) => {
  if (!request.userToken) {
    return refuse(response, 403, 'missing_user_token', 'The user has not consented.');
  }
  response.json(await content(request.claims, request.userToken));
});

app.get('/api/accounts/:account/content', async (request, response) => {
  const { claims, appToken, userToken } = request;
  if (!appToken || !userToken) {
    return refuse(response, 403, 'missing_token', 'The manifest asks for too few tokens.');
  }
  if (!(await administers(claims, userToken))) {
    return refuse(response, 403, 'forbidden', 'Only a site administrator may do this.');
  }
  const token = await impersonate(claims, appToken, request.params.account);
  response.json(await content(claims, token));
});

// Express knows an error handler by its four parameters.
// eslint-disable-next-line no-unused-vars
app.use((error, request, response, next) => {
  console.error(error);
  refuse(response, 502, 'upstream_error', 'The product did not answer.');
});

app.listen(Number(PORT), '127.0.0.1');

async function content(claims, token) {
  const listed = await product(claims, '/wiki/rest/api/content?limit=25', token);
  const { next } = listed._links;
  const query = next && new URL(next, claims.app.apiBaseUrl).searchParams;
  const cursor = query ? (query.get('cursor') ?? query.get('start')) : null;
  return { results: listed.results, limit: 25, cursor };
}

async function product(claims, path, token) {
  const answer = await fetch(claims.app.apiBaseUrl + path, {
    headers: { accept: 'application/json', authorization: `Bearer ${token}` },
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

const administrators = new Map();

// The product's word, remembered for a minute.
async function administers(claims, userToken) {
  const key = `${claims.app.installationId} ${claims.principal}`;
  const known = administrators.get(key);
  if (known && known.until > Date.now()) return known.may;
  const path = '/wiki/rest/api/user/current?expand=operations';
  const user = await product(claims, path, userToken);
  const may = user.operations.some(
    ({ operation, targetType }) => operation === 'administer' && targetType === 'application',
  );
  administrators.set(key, { may, until: Date.now() + 60_000 });
  return may;
}

const accountTokens = new Map();

const MUTATION = `
  mutation forge_remote_offlineUserAuthToken($input: OfflineUserAuthTokenInput!) {
    offlineUserAuthToken(input: $input) {
      success
      errors { message }
      authToken { token ttl }
    }
  }`;

// Exchanges the app's token for one of the account, and keeps it for as long as it lives.
async function impersonate(claims, appToken, account) {
  const key = `${claims.app.installationId} ${account}`;
  const kept = accountTokens.get(key);
  if (kept && kept.until > Date.now()) return kept.token;
  const { cloudId } = claims.app.installation.contexts.find(({ name }) => name === 'confluence');
  const answer = await fetch(GRAPHQL_URL, {
    method: 'POST',
    headers: {
      accept: 'application/json',
      authorization: `Bearer ${appToken}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      query: MUTATION,
      variables: {
        input: { contextIds: [`ari:cloud:confluence::site/${cloudId}`], userId: account },
      },
    }),
  });
  if (!answer.ok) throw new Error(`gateway: ${answer.status}`);
  const { data } = await answer.json();
  const exchanged = data?.offlineUserAuthToken;
  if (!exchanged?.success) throw new Error('the gateway refused');
  const { token, ttl } = exchanged.authToken;
  accountTokens.set(key, { token, until: Date.now() + ttl * 1000 });
  return token;
}

function refuse(response, status, code, message) {
  response.status(status).json({ error: { code, message } });
}

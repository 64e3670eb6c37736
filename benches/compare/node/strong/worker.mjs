// One worker: the routes.
import Fastify from 'fastify';
import { Keys } from './keys.mjs';
import { Kept } from './kept.mjs';
import * as schemas from './schemas.mjs';
import { Upstream } from './upstream.mjs';

const ADMINISTRATOR_FOR = 60_000;
// An exchanged token is not used in the last minute of its life.
const MARGIN = 60_000;

export async function serve({ PORT, APP_ID, JWKS_URL, API_ORIGIN, GRAPHQL_URL }) {
  const keys = new Keys(JWKS_URL, APP_ID);
  const upstream = new Upstream(API_ORIGIN, GRAPHQL_URL);
  const administrators = new Kept(10_000);
  const accountTokens = new Kept(100_000);
  await keys.refetch();

  const app = Fastify();
  app.decorateRequest('claims', null);
  // With callbacks: most of the time there is nothing to wait for.
  app.addHook('onRequest', (request, reply, done) => {
    const { authorization = '' } = request.headers;
    if (authorization.slice(0, 7).toLowerCase() !== 'bearer ') {
      return refuse(reply, 401, 'missing_token', 'There is no Forge Invocation Token.');
    }
    const verified = (claims) => {
      request.claims = claims;
      done();
    };
    const bad = () => refuse(reply, 401, 'bad_token', 'The Forge Invocation Token is not valid.');
    let claims;
    try {
      claims = keys.verify(authorization.slice(7));
    } catch {
      return bad();
    }
    if (claims instanceof Promise) claims.then(verified, bad);
    else verified(claims);
  });

  app.get('/api/invocation', { schema: schemas.invocation }, (request, reply) => {
    const { headers, claims } = request;
    reply.send({
      claims,
      appToken: headers['x-forge-oauth-system'] !== undefined,
      userToken: headers['x-forge-oauth-user'] !== undefined,
      traceId: headers['x-b3-traceid'],
    });
  });

  app.get('/api/content', { schema: schemas.content }, async (request, reply) => {
    const userToken = request.headers['x-forge-oauth-user'];
    if (!userToken) {
      return refuse(reply, 403, 'missing_user_token', 'The user has not consented.');
    }
    return content(request.claims, userToken);
  });

  const ofAccount = '/api/accounts/:account/content';
  app.get(ofAccount, { schema: schemas.content }, async (request, reply) => {
    const { claims, headers, params } = request;
    const appToken = headers['x-forge-oauth-system'];
    const userToken = headers['x-forge-oauth-user'];
    if (!appToken || !userToken) {
      return refuse(reply, 403, 'missing_token', 'The manifest asks for too few tokens.');
    }
    if (!(await administers(claims, userToken))) {
      return refuse(reply, 403, 'forbidden', 'Only a site administrator may do this.');
    }
    return content(claims, await impersonate(claims, appToken, params.account));
  });

  app.setErrorHandler((error, request, reply) => {
    console.error(error);
    return refuse(reply, 502, 'upstream_error', 'The product did not answer.');
  });

  await app.listen({ port: Number(PORT), host: '127.0.0.1' });

  async function content({ app: { apiBaseUrl } }, token) {
    const listed = await upstream.get(apiBaseUrl, '/wiki/rest/api/content?limit=25', token);
    return { results: listed.results, limit: 25, cursor: cursor(listed._links?.next) };
  }

  function administers({ app: { installationId, apiBaseUrl }, principal }, userToken) {
    return administrators.get(`${installationId} ${principal}`, async () => {
      const path = '/wiki/rest/api/user/current?expand=operations';
      const { operations } = await upstream.get(apiBaseUrl, path, userToken);
      const value = operations.some(
        ({ operation, targetType }) => operation === 'administer' && targetType === 'application',
      );
      return { value, milliseconds: ADMINISTRATOR_FOR };
    });
  }

  function impersonate({ app: { installationId, installation } }, appToken, account) {
    return accountTokens.get(`${installationId} ${account}`, async () => {
      const { cloudId } = installation.contexts.find(({ name }) => name === 'confluence');
      const context = `ari:cloud:confluence::site/${cloudId}`;
      const { token, ttl } = await upstream.exchange(appToken, context, account);
      return { value: token, milliseconds: ttl * 1000 - MARGIN };
    });
  }
}

function cursor(next) {
  if (!next) return null;
  const query = new URLSearchParams(next.slice(next.indexOf('?') + 1));
  return query.get('cursor') ?? query.get('start');
}

function refuse(reply, status, code, message) {
  return reply.code(status).send({ error: { code, message } });
}

// The strongest Forge remote that Node is known to allow: a worker for each of two cores,
// Fastify with compiled serialisation, fast-jwt with its own cache of verified tokens, a
// pool of kept-alive connections to each upstream, and every answer kept that may be.
//
// Settings come from the environment: PORT, APP_ID, JWKS_URL, API_ORIGIN, GRAPHQL_URL.
import cluster from 'node:cluster';

const WORKERS = 2;

if (cluster.isPrimary) {
  for (let worker = 0; worker < WORKERS; worker += 1) cluster.fork();
  cluster.on('exit', () => cluster.fork());
} else {
  const { serve } = await import('./strong/worker.mjs');
  await serve(process.env);
}

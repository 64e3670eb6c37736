// The product and the GraphQL gateway.
import { Pool } from 'undici';

const MUTATION =
  'mutation forge_remote_offlineUserAuthToken($input: OfflineUserAuthTokenInput!) ' +
  '{ offlineUserAuthToken(input: $input) { success errors { message } authToken { token ttl } } }';

// More connections than requests at once are never needed; one that waits for an answer is
// given no second request, which would wait for the first one's.
const POOL = { connections: 64, pipelining: 1, keepAliveTimeout: 60_000 };

export class Upstream {
  #product;
  #productOrigin;
  #gateway;
  #gatewayPath;

  constructor(productOrigin, gatewayUrl) {
    const { origin, pathname } = new URL(gatewayUrl);
    this.#product = new Pool(productOrigin, POOL);
    this.#productOrigin = productOrigin;
    this.#gateway = origin === productOrigin ? this.#product : new Pool(origin, POOL);
    this.#gatewayPath = pathname;
  }

  // The product's JSON; a token is sent to the configured origin only.
  async get(apiBaseUrl, path, token) {
    if (!apiBaseUrl.startsWith(`${this.#productOrigin}/`)) throw new Error('unexpected API base');
    const { statusCode, body } = await this.#product.request({
      method: 'GET',
      path: apiBaseUrl.slice(this.#productOrigin.length) + path,
      headers: { accept: 'application/json', authorization: `Bearer ${token}` },
    });
    if (statusCode !== 200) {
      await body.dump();
      throw new Error(`product: ${statusCode}`);
    }
    return body.json();
  }

  // A token of the account, and its time to live in seconds.
  async exchange(appToken, contextId, account) {
    const { statusCode, body } = await this.#gateway.request({
      method: 'POST',
      path: this.#gatewayPath,
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${appToken}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        query: MUTATION,
        variables: { input: { contextIds: [contextId], userId: account } },
      }),
    });
    if (statusCode !== 200) {
      await body.dump();
      throw new Error(`gateway: ${statusCode}`);
    }
    const { data } = await body.json();
    const exchanged = data?.offlineUserAuthToken;
    if (!exchanged?.success) throw new Error('the gateway refused');
    return exchanged.authToken;
  }
}

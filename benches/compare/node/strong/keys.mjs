// The key set, and a fast-jwt verifier for each key in it.
//
// fast-jwt parses a key that a function hands it on every verification, and one that it is
// given at the start only once: hence a verifier per key.
import { createPublicKey } from 'node:crypto';
import { createVerifier } from 'fast-jwt';
import { request } from 'undici';

const REFETCH_AFTER = 30_000;

export class Keys {
  #url;
  #options;
  #verifiers = new Map();
  #fetched = 0;
  #fetching;

  constructor(url, audience) {
    this.#url = url;
    this.#options = {
      algorithms: ['RS256'],
      allowedIss: 'forge/invocation-token',
      allowedAud: audience,
      requiredClaims: ['iss', 'aud', 'exp', 'nbf'],
      clockTolerance: 5_000,
      cache: 10_000,
    };
  }

  // The claims of a token. It is a promise only where a key has to be fetched first.
  verify(token) {
    const kid = keyId(token);
    const verifier = this.#verifiers.get(kid);
    return verifier ? verifier(token) : this.#verifyByNewKey(kid, token);
  }

  async #verifyByNewKey(kid, token) {
    await this.refetch();
    const verifier = this.#verifiers.get(kid);
    if (!verifier) throw new Error('unknown key');
    return verifier(token);
  }

  // Callers share one fetch, and there is at most one in thirty seconds.
  async refetch() {
    if (Date.now() - this.#fetched < REFETCH_AFTER) return;
    this.#fetching ??= this.#fetch().finally(() => (this.#fetching = undefined));
    await this.#fetching;
  }

  async #fetch() {
    const { statusCode, body } = await request(this.#url);
    if (statusCode !== 200) throw new Error(`key set: ${statusCode}`);
    const { keys } = await body.json();
    const verifiers = new Map();
    for (const jwk of keys) {
      if (jwk.kty !== 'RSA') continue;
      const kept = this.#verifiers.get(jwk.kid);
      const key = createPublicKey({ key: jwk, format: 'jwk' });
      const pem = key.export({ type: 'spki', format: 'pem' });
      verifiers.set(jwk.kid, kept ?? createVerifier({ ...this.#options, key: pem }));
    }
    this.#verifiers = verifiers;
    this.#fetched = Date.now();
  }
}

function keyId(token) {
  const header = token.slice(0, token.indexOf('.'));
  return JSON.parse(Buffer.from(header, 'base64url').toString()).kid;
}

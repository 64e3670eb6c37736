// The Forge Invocation Token: the proof that a request comes from Forge, and for whom.

import { createRemoteJWKSet, errors, jwtVerify } from 'jose';

import { Refusal } from './refusal.mjs';

/**
 * Makes the function that verifies a request: it resolves to the token's claims, and rejects
 * with the refusal that the request is to be answered with.
 */
export function verifier({ jwksUrl, appId }) {
  // Keys are kept, and asked for again when one is missing, at most every 30 s.
  const keys = createRemoteJWKSet(new URL(jwksUrl), { cooldownDuration: 30_000, timeoutDuration: 4_000 });
  return async (request) => {
    const [scheme, token] = (request.headers.authorization ?? '').split(' ');
    if (scheme.toLowerCase() !== 'bearer' || !token) {
      throw new Refusal(401, 'missing_token', 'Call this remote through Forge: the request has no invocation token.');
    }
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ['RS256'], // never what the token says
      issuer: 'forge/invocation-token',
      audience: appId,
      requiredClaims: ['exp', 'iat'],
      clockTolerance: 5,
    }).catch(refuse);
    if (payload.app?.id !== appId || !payload.app.installationId || !payload.app.apiBaseUrl) {
      throw new Refusal(401, 'inconsistent_claims', 'The invocation token does not say what it is for.');
    }
    return payload;
  };
}

/** Whether a browser may hold this token: then it proves nothing that only Forge may say. */
export function isOfAPage(claims) {
  return claims.principal !== undefined || claims.context !== undefined;
}

function refuse(error) {
  // A token that is bad is 401, and nothing else is: keys that cannot be had are our trouble.
  const ofTheToken =
    error instanceof errors.JWTExpired ||
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys;
  if (ofTheToken) {
    throw new Refusal(401, 'bad_token', 'The invocation token could not be verified.');
  }
  throw new Refusal(503, 'keys_unavailable', 'The key set cannot be reached: try again in a moment.');
}

// Schemas of the answers, which Fastify compiles into serialisers.

const text = { type: 'string' };
const open = { type: 'object', additionalProperties: true };

const contexts = {
  type: 'array',
  items: {
    type: 'object',
    properties: { name: text, cloudId: text, workspaceId: text, apiBaseUrl: text },
  },
};

const claims = {
  type: 'object',
  properties: {
    app: {
      type: 'object',
      properties: {
        id: text,
        version: text,
        appVersion: text,
        installationId: text,
        apiBaseUrl: text,
        installation: { type: 'object', properties: { id: text, contexts } },
        environment: { type: 'object', properties: { type: text, id: text } },
        module: { type: 'object', properties: { type: text, key: text } },
        license: open,
      },
    },
    context: {
      type: 'object',
      properties: {
        localId: text,
        cloudId: text,
        workspaceId: text,
        moduleKey: text,
        siteUrl: text,
        extension: open,
      },
    },
    principal: text,
    iat: { type: 'integer' },
    nbf: { type: 'integer' },
    exp: { type: 'integer' },
    jti: text,
  },
};

export const invocation = {
  response: {
    200: {
      type: 'object',
      properties: {
        claims,
        appToken: { type: 'boolean' },
        userToken: { type: 'boolean' },
        traceId: text,
      },
    },
  },
};

export const content = {
  response: {
    200: {
      type: 'object',
      properties: {
        // Any JSON: what the product lists is passed on as it is.
        results: { type: 'array', items: {} },
        limit: { type: 'integer' },
        cursor: { type: 'string', nullable: true },
      },
    },
  },
};

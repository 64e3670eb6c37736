// A remote that answers as it is told, right or wrong.

import { once } from 'node:events';
import { createServer } from 'node:http';

/**
 * @param {Record<string, (request: import('node:http').IncomingMessage,
 *   response: import('node:http').ServerResponse) => void>} answers by path; every other path, and
 *   each event, is answered with 204
 */
export async function startOddRemote(answers) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://remote.invalid');
    if (Object.hasOwn(answers, pathname)) {
      answers[pathname](request, response);
    } else {
      response.writeHead(204).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    answers,
    stop: async () => {
      // Who was left waiting waits no more.
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export const json = (status, body) => (_request, response) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

export const html = (status) => (_request, response) => {
  response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>An error page of a proxy</h1>');
};

export const text = (status, words) => (_request, response) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(words);
};

/** No answer, however long somebody waits. */
export const silence = () => () => {};

/** The connection ends without an answer. */
export const hangUp = () => (request) => request.socket.destroy();

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { problemOf, readFetched, readInvoked, RemoteProblem } from '../remote/answer.js';

const REFUSAL = {
  error: { code: 'forbidden', message: 'Only a site administrator may.', traceId: '4bf9', upstreamTraceId: 'a1' },
};

function problemIn(call) {
  try {
    call();
  } catch (problem) {
    assert.ok(problem instanceof RemoteProblem);
    return problem;
  }
  assert.fail('nothing was thrown');
}

test('a 2xx is its body, with or without one', () => {
  assert.deepEqual(readInvoked({ status: 200, headers: {}, body: { subscribed: true } }), { subscribed: true });
  assert.equal(readInvoked({ status: 204, headers: {} }), undefined);
});

test('a refusal keeps the words and the ids of the remote', () => {
  const problem = problemIn(() => readInvoked({ status: 403, body: REFUSAL }));
  assert.equal(problem.message, 'Only a site administrator may.');
  assert.deepEqual(
    [problem.status, problem.code, problem.traceId, problem.upstreamTraceId],
    [403, 'forbidden', '4bf9', 'a1'],
  );
  assert.ok(problem.denied);
  assert.ok(!problem.missing);
});

test('only the remote’s own not_found is a thing that is missing', () => {
  const missing = (body) => problemIn(() => readInvoked({ status: 404, body })).missing;
  assert.ok(missing({ error: { code: 'not_found', message: 'There is no digest yet.' } }));
  assert.ok(!missing({ message: 'no such route' }));
  assert.ok(!missing(undefined));
});

test('a refusal in other words is told by its status', () => {
  for (const body of [undefined, null, [], {}, { error: 'x' }, { error: { message: 7 } }, { error: { message: ' ' } }]) {
    const problem = problemIn(() => readInvoked({ status: 502, body }));
    assert.equal(problem.message, 'The remote answered with 502.');
    assert.equal(problem.code, undefined);
  }
});

test('what the platform says in the remote’s place is shown as it is', () => {
  const sentence = 'Remote could not verify the Forge Invocation Token';
  // The bridge resolves with what the platform gave as the error, where it does not reject.
  for (const problem of [
    problemIn(() => readInvoked({ message: sentence })),
    problemOf(new Error(sentence)),
    problemOf(sentence),
  ]) {
    assert.equal(problem.message, sentence);
    assert.equal(problem.status, undefined);
    assert.ok(!problem.denied);
  }
});

test('what says nothing is unexpected', () => {
  for (const answer of [undefined, null, {}, { status: '200' }]) {
    assert.equal(problemIn(() => readInvoked(answer)).message, 'An unexpected error happened');
  }
  assert.equal(problemOf(undefined).message, 'An unexpected error happened');
});

test('a problem stays the one that it was', () => {
  const problem = new RemoteProblem('x', { status: 403 });
  assert.equal(problemOf(problem, 'a hint'), problem);
});

test('nobody having answered comes with a hint', () => {
  assert.equal(problemOf(new TypeError('Failed to fetch'), 'look at CORS').hint, 'look at CORS');
});

test('a fetched answer is read by its status and its JSON', async () => {
  assert.deepEqual(await readFetched(new Response('{"a":1}')), { a: 1 });
  await assert.rejects(readFetched(new Response(JSON.stringify(REFUSAL), { status: 403 })), { code: 'forbidden' });
  await assert.rejects(readFetched(new Response('<html>', { status: 502 })), { message: 'The remote answered with 502.' });
  await assert.rejects(readFetched(new Response('<html>')), { message: 'The answer is no JSON.' });
});

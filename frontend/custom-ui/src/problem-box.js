// Something went wrong, in the words of whoever knows, with the ids that support asks for.

import { element } from './element.js';

/**
 * @param {import('../../remote/answer.js').RemoteProblem} problem
 * @param {() => void} [retry] not offered where asking again changes nothing
 */
export function problemBox(problem, retry) {
  const offered = retry && !problem.denied;
  return element('div', { class: `note ${problem.denied ? 'note-denied' : 'note-error'}` }, [
    element('p', { class: 'note-title' }, [problem.denied ? 'You may not see this' : 'This did not work']),
    element('p', {}, [problem.message]),
    problem.hint && element('p', { class: 'quiet' }, [problem.hint]),
    ids(problem),
    offered ? element('button', { type: 'button', class: 'button', onclick: retry }, ['Try again']) : undefined,
  ]);
}

function ids(problem) {
  const known = [
    ['Status', problem.status],
    ['Code', problem.code],
    ['Trace', problem.traceId],
    ['Atlassian’s trace', problem.upstreamTraceId],
  ].filter(([, value]) => value !== undefined);
  if (known.length === 0) {
    return undefined;
  }
  const pairs = known.map(([name, value]) =>
    element('div', {}, [element('dt', {}, [name]), element('dd', {}, [String(value)])]),
  );
  return element('dl', { class: 'ids' }, pairs);
}

/** There is nothing, and what to do about it. */
export function emptyBox(title, sentence) {
  return element('div', { class: 'note note-empty' }, [
    element('p', { class: 'note-title' }, [title]),
    element('p', {}, [sentence]),
  ]);
}

// What a part of the panel asks the remote for, and what it shows meanwhile and instead.

import { Button, Inline, SectionMessage, Spinner, Stack, Text } from '@forge/react';
import React, { useCallback, useEffect, useRef, useState } from 'react';

import { problemOf } from '../../remote/answer.js';

const LOADING = { loading: true };

/**
 * Asks once it is drawn, and again when told to. Of two that overlap the later one counts.
 *
 * @template T
 * @param {() => Promise<T>} ask
 * @returns {{loading?: boolean, value?: T, problem?: import('../../remote/answer.js').RemoteProblem,
 *   again: () => void}}
 */
export function useRemote(ask) {
  const [state, setState] = useState(LOADING);
  const asking = useRef(ask);
  const turn = useRef(0);
  const again = useCallback(async () => {
    turn.current += 1;
    const mine = turn.current;
    const settle = (next) => mine === turn.current && setState(next);
    setState(LOADING);
    try {
      settle({ value: await asking.current() });
    } catch (cause) {
      settle({ problem: problemOf(cause) });
    }
  }, []);
  useEffect(() => {
    again();
    return () => {
      turn.current += 1;
    };
  }, [again]);
  return { ...state, again };
}

/** The spinner or the problem; what the remote answered is for `children` to show. */
export function Remote({ of, what, children }) {
  if (of.loading) {
    return (
      <Inline space="space.100" alignBlock="center">
        <Spinner size="small" label={`Loading ${what}`} />
        <Text>Loading {what}…</Text>
      </Inline>
    );
  }
  if (of.problem) {
    return <Problem problem={of.problem} retry={of.again} />;
  }
  return children(of.value);
}

/** In the words of whoever knows, with the ids that support asks for. */
export function Problem({ problem, retry }) {
  const ids = [
    problem.code,
    problem.traceId && `trace ${problem.traceId}`,
    problem.upstreamTraceId && `Atlassian’s trace ${problem.upstreamTraceId}`,
  ].filter(Boolean);
  return (
    <SectionMessage
      appearance={problem.denied ? 'warning' : 'error'}
      title={problem.denied ? 'You may not see this' : 'This did not work'}
    >
      <Stack space="space.100">
        <Text>{problem.message}</Text>
        {ids.length > 0 && <Text size="small">{ids.join(' · ')}</Text>}
        {retry && !problem.denied && <Button onClick={retry}>Try again</Button>}
      </Stack>
    </SectionMessage>
  );
}

import { Spinner, Stack, useProductContext } from '@forge/react';
import React from 'react';

import { Moments } from '../../remote/moments.js';
import { DigestPart } from './digest-part.jsx';
import { IssuePart } from './issue-part.jsx';

/** Waits for the product to say which issue it is on, and for whom. */
export function Panel() {
  const context = useProductContext();
  if (!context) {
    return <Spinner label="Loading the panel" />;
  }
  const moments = new Moments(context);
  return (
    <Stack space="space.300">
      <IssuePart issueKey={context.extension?.issue?.key} moments={moments} />
      <DigestPart siteUrl={context.siteUrl} moments={moments} />
    </Stack>
  );
}

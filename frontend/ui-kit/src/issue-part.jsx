import { Heading, Inline, Lozenge, Stack, Text } from '@forge/react';
import React from 'react';

import { issue } from '../../remote/calls.js';
import { parseMoment } from '../../remote/moments.js';
import { Remote, useRemote } from './remote.jsx';

/** The issue as the remote gets it from Jira, asked as the user who looks at it. */
export function IssuePart({ issueKey, moments }) {
  return (
    <Stack space="space.100">
      <Heading as="h3" size="small">
        This issue, as you may see it
      </Heading>
      {issueKey ? <Issue issueKey={issueKey} moments={moments} /> : <Text>There is no issue around this panel.</Text>}
    </Stack>
  );
}

function Issue({ issueKey, moments }) {
  const asked = useRemote(() => issue(issueKey));
  return (
    <Remote of={asked} what={issueKey}>
      {({ key, fields }) => (
        <Stack space="space.050">
          <Inline space="space.100" alignBlock="center">
            <Text weight="bold">{key}</Text>
            <Text>{fields?.summary ?? 'without a summary'}</Text>
            {fields?.status?.name && <Lozenge>{fields.status.name}</Lozenge>}
          </Inline>
          <Text size="small">{about(fields ?? {}, moments)}</Text>
        </Stack>
      )}
    </Remote>
  );
}

function about({ assignee, updated }, moments) {
  const at = parseMoment(updated);
  const whose = assignee?.displayName ? `assigned to ${assignee.displayName}` : 'not assigned';
  return at === undefined ? whose : `${whose}, updated ${moments.ago(at)}`;
}

import { Heading, Inline, Link, List, ListItem, LoadingButton, Stack, Text } from '@forge/react';
import React, { useState } from 'react';

import { problemOf } from '../../remote/answer.js';
import { digest, isSubscribed, subscribe, unsubscribe } from '../../remote/calls.js';
import { pageUrl } from '../../remote/links.js';
import { Problem, Remote, useRemote } from './remote.jsx';

/** A panel is small: the page in Confluence has them all. */
const MOST_PAGES = 5;

/** Whether the user gets a digest, and what the last one had. */
export function DigestPart({ siteUrl, moments }) {
  const asked = useRemote(async () => {
    const [subscribed, last] = await Promise.all([isSubscribed(), digest()]);
    return { subscribed, last };
  });
  return (
    <Stack space="space.100">
      <Heading as="h3" size="small">
        Your digest
      </Heading>
      <Remote of={asked} what="your digest">
        {({ subscribed, last }) => (
          <Stack space="space.150">
            <Subscription subscribed={subscribed} changed={asked.again} />
            <Last digest={last} siteUrl={siteUrl} moments={moments} />
          </Stack>
        )}
      </Remote>
    </Stack>
  );
}

function Subscription({ subscribed, changed }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState();
  const press = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await (subscribed ? unsubscribe() : subscribe());
      changed();
    } catch (cause) {
      setProblem(problemOf(cause));
      setBusy(false);
    }
  };
  return (
    <Stack space="space.100">
      <Inline space="space.150" alignBlock="center">
        <Text>{subscribed ? 'You are subscribed.' : 'You are not subscribed.'}</Text>
        <LoadingButton isLoading={busy} appearance={subscribed ? 'default' : 'primary'} onClick={press}>
          {subscribed ? 'Unsubscribe' : 'Subscribe'}
        </LoadingButton>
      </Inline>
      {problem && <Problem problem={problem} />}
    </Stack>
  );
}

function Last({ digest, siteUrl, moments }) {
  if (!digest) {
    return <Text>There is no digest yet. The next full hour brings one to those who are subscribed.</Text>;
  }
  if (digest.pages.length === 0) {
    return <Text>No page that you may see had changed, {moments.ago(digest.at)}.</Text>;
  }
  const left = digest.pages.length - MOST_PAGES;
  return (
    <Stack space="space.050">
      <Text size="small">Made {moments.ago(digest.at)}</Text>
      <List type="unordered">
        {digest.pages.slice(0, MOST_PAGES).map(({ pageId, title }) => (
          <ListItem key={pageId}>
            {siteUrl ? (
              <Link href={pageUrl(siteUrl, pageId)} openNewTab>
                {title}
              </Link>
            ) : (
              title
            )}
          </ListItem>
        ))}
      </List>
      {left > 0 && <Text size="small">and {left} more, on the Digest page of Confluence</Text>}
    </Stack>
  );
}

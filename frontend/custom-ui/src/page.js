// The page: who is here, what changed for them, what they may see.

import { view } from '@forge/bridge';

import { Moments } from '../../remote/moments.js';
import { announcements } from './announce.js';
import { element } from './element.js';
import { digestView } from './views/digest.js';
import { identityView } from './views/identity.js';
import { ownPagesView } from './views/own-pages.js';
import { seeAsView } from './views/see-as.js';
import { subscriptionView } from './views/subscription.js';

/** @param {HTMLElement} app */
export async function start(app) {
  app.append(announcements);
  // Neither is worth a page without data: then the product's look or its links are missing.
  const [context] = await Promise.all([
    view.getContext().catch(() => undefined),
    view.theme.enable().catch(() => undefined),
  ]);
  const reader = readerOf(context ?? {});

  const identity = identityView(reader);
  const digest = digestView(reader);
  const subscription = subscriptionView({ changed: () => digest.load() });
  const ownPages = ownPagesView(reader);
  const seeAs = seeAsView(reader, { suggestions: () => digest.accounts() });

  app.append(
    element('header', { class: 'masthead' }, [
      // Confluence writes the title above the page already; whoever goes by headings is here anew.
      element('h1', { class: 'unseen' }, ['Digest']),
      element('p', { class: 'lead' }, ['What changed on the pages that you may see.']),
      identity.chip,
    ]),
    element('main', { class: 'columns' }, [
      element('div', { class: 'column' }, [digest.node, ownPages.node, seeAs.node]),
      element('div', { class: 'column' }, [subscription.node, identity.node]),
    ]),
  );
  for (const part of [identity, subscription, digest, ownPages]) {
    part.load();
  }
}

/** What of the context says how this person reads, and where their site is. */
function readerOf(context) {
  return {
    account: context.accountId,
    siteUrl: context.siteUrl,
    moments: new Moments(context),
  };
}

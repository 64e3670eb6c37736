import assert from 'node:assert/strict';
import { test } from 'node:test';

import { factsOf, initialsOf } from '../custom-ui/src/views/invocation-facts.js';
import { contentUrl, pageUrl, spaceOf } from '../remote/links.js';

const SITE = 'https://quarry.atlassian.net';

const licence = (license) => new Map(factsOf({ claims: { app: { license } } })).get('Licence');

test('a licence is told in a word', () => {
  assert.equal(licence(undefined), 'none');
  assert.equal(licence({ active: true }), 'active');
  assert.equal(licence({ active: true, isEvaluation: true }), 'evaluation');
  assert.equal(licence({ active: false, isEvaluation: true }), 'lapsed');
  // The deprecated twin counts where it is alone.
  assert.equal(licence({ isActive: true }), 'active');
  assert.equal(licence({ active: false, isActive: true }), 'lapsed');
});

test('what the claims do not say is left out', () => {
  const facts = new Map(factsOf({ claims: {}, traceId: 'ab' }));
  assert.deepEqual([...facts.keys()], ['Account', 'Licence', 'Tokens along', 'Trace']);
  assert.equal(facts.get('Account'), 'nobody is signed in');
});

test('tokens are named by whom they speak for', () => {
  const along = (seen) => new Map(factsOf(seen)).get('Tokens along');
  assert.equal(along({ appToken: true, userToken: true }), 'the app’s, the user’s');
  assert.match(along({ appToken: false, userToken: false }), /^none/);
});

test('initials are those of the first and the last name', () => {
  for (const [name, initials] of [
    ['Mira Okafor', 'MO'],
    ['Anna Maria de Souza', 'AS'],
    ['Tomás', 'T'],
    ['  ', ''],
    [undefined, ''],
    ['🦉 owl', '🦉O'],
  ]) {
    assert.equal(initialsOf(name), initials);
  }
});

test('links lead to the site, and nowhere without one', () => {
  const content = { _links: { webui: '/spaces/ENG/pages/5341191/On-call' } };
  assert.equal(contentUrl(SITE, content), `${SITE}/wiki/spaces/ENG/pages/5341191/On-call`);
  assert.equal(pageUrl(SITE, '1&x=2'), `${SITE}/wiki/pages/viewpage.action?pageId=1%26x%3D2`);
  assert.equal(contentUrl(undefined, content), undefined);
  assert.equal(contentUrl(SITE, {}), undefined);
  assert.equal(pageUrl(undefined, '1'), undefined);
});

test('the space is the one that was asked for, or the one in the link', () => {
  assert.equal(spaceOf({ space: { key: 'PPL' }, _links: { webui: '/spaces/ENG/x' } }), 'PPL');
  assert.equal(spaceOf({ _links: { webui: '/spaces/ENG/pages/1' } }), 'ENG');
  assert.equal(spaceOf({}), undefined);
});

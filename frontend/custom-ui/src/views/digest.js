// What changed for me: the last digest that was made for the user in session.

import { digest } from '../../../remote/calls.js';
import { pageUrl } from '../../../remote/links.js';
import { parseMoment } from '../../../remote/moments.js';
import { element } from '../element.js';
import { emptyBox } from '../problem-box.js';
import { Region } from '../region.js';
import { pageList } from './page-list.js';

export function digestView(reader) {
  const refresh = element('button', { type: 'button', class: 'button', onclick: () => load() }, ['Refresh']);
  const region = new Region({ title: 'What changed for me', actions: [refresh] });
  let last;
  const show = (answer) => {
    last = answer;
    return answer ? shown(reader, answer) : none();
  };
  const load = () => region.load(digest, show);
  return { node: region.node, load, accounts: () => accountsIn(last) };
}

function none() {
  const sentence =
    'Subscribe, and the next full hour brings one: the pages that changed, as far as you may see them.';
  return { nodes: [emptyBox('No digest yet', sentence)], said: 'What changed for me: no digest yet.' };
}

function shown(reader, { at, pages }) {
  const made = element('p', { class: 'quiet' }, ['Made ', time(reader, at), '.']);
  if (pages.length === 0) {
    const nothing = emptyBox('Nothing changed', 'No page that you may see has changed since the last digest.');
    return { nodes: [made, nothing], said: 'What changed for me: nothing.' };
  }
  const items = pages.map((page) => itemOf(reader, page));
  const said = `What changed for me: ${pages.length === 1 ? 'one page' : `${pages.length} pages`}.`;
  return { nodes: [made, pageList(items)], said };
}

function itemOf(reader, page) {
  const at = parseMoment(page.at);
  return {
    title: page.title,
    href: pageUrl(reader.siteUrl, page.pageId),
    details: [
      ...(at === undefined ? [] : [time(reader, at)]),
      ...(page.accountId === reader.account ? ['by you'] : []),
    ],
  };
}

function time({ moments }, at) {
  const datetime = new Date(at).toISOString();
  return element('time', { datetime, title: moments.full(at) }, [moments.ago(at)]);
}

/** Everybody who changed something. */
function accountsIn(answer) {
  return [...new Set((answer?.pages ?? []).map((page) => page.accountId).filter(Boolean))];
}

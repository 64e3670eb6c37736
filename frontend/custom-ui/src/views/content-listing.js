// The pages that one account may see, some at a time.

import { problemOf } from '../../../remote/answer.js';
import { contentUrl, spaceOf } from '../../../remote/links.js';
import { announce } from '../announce.js';
import { element } from '../element.js';
import { problemBox } from '../problem-box.js';
import { pageItem, pageList } from './page-list.js';

/**
 * @param {object} reader
 * @param {{results: object[], cursor?: string}} first
 * @param {(cursor: string) => Promise<{results: object[], cursor?: string}>} more
 */
export function contentListing(reader, first, more) {
  const list = pageList(first.results.map((content) => itemOf(reader, content)));
  const foot = element('div', { class: 'foot' });
  const offer = (cursor) => {
    foot.replaceChildren(...(cursor ? [moreButton(() => show(cursor))] : []));
  };
  const show = async (cursor) => {
    foot.firstChild?.setAttribute('aria-disabled', 'true');
    try {
      const next = await more(cursor);
      const items = next.results.map((content) => pageItem(itemOf(reader, content)));
      list.append(...items);
      // The button may go: who went on with the keyboard goes on with the first new page.
      items[0]?.querySelector('a')?.focus();
      announce(`${items.length} more, ${list.children.length} pages.`);
      offer(next.cursor);
    } catch (cause) {
      const problem = problemOf(cause);
      foot.replaceChildren(problemBox(problem, () => show(cursor)));
      announce(problem.message);
    }
  };
  offer(first.cursor);
  return [list, foot];
}

function moreButton(onclick) {
  return element('button', { type: 'button', class: 'button', onclick }, ['Show more']);
}

function itemOf(reader, content) {
  const space = spaceOf(content);
  return {
    title: content.title ?? 'Untitled',
    href: contentUrl(reader.siteUrl, content),
    details: space ? [element('span', { class: 'lozenge' }, [space])] : [],
  };
}

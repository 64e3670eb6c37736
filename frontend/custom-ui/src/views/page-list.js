// Pages of Confluence as a list of links.

import { router } from '@forge/bridge';

import { announce } from '../announce.js';
import { element } from '../element.js';

/** @param {{title: string, href?: string, details: (Node | string)[]}[]} items */
export function pageList(items) {
  return element('ul', { class: 'pages' }, items.map(pageItem));
}

export function pageItem({ title, href, details }) {
  const about = details.map((detail) => element('span', {}, [detail]));
  return element('li', {}, [
    href ? link(title, href) : element('span', {}, [title]),
    element('span', { class: 'details' }, about),
  ]);
}

/** The page is in a frame: where a link leads to is the product's to open. */
function link(title, href) {
  const open = (event) => {
    event.preventDefault();
    router.open(href).catch(() => announce(`${title} could not be opened.`));
  };
  return element('a', { href, onclick: open }, [title]);
}

// What has happened, for those who do not see it happen.

import { element } from './element.js';

/** What was said before that is of no use to anybody. */
const MOST = 10;

/**
 * A live region that is there from the start: one that comes with its text is not read out. A
 * log, because the parts of the page may speak at once, and each of them is to be heard.
 */
export const announcements = element('div', { class: 'unseen', role: 'log', 'aria-label': 'What happened' });

/** Read out by screen readers, once they have finished what they are saying. */
export function announce(sentence) {
  announcements.append(element('p', {}, [sentence]));
  if (announcements.children.length > MOST) {
    announcements.firstChild.remove();
  }
}

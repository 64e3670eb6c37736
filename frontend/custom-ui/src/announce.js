// What has happened, for those who do not see it happen.

import { element } from './element.js';

/** A live region that is there from the start: one that comes with its text is not read out. */
export const announcements = element('p', { class: 'unseen', role: 'status' });

/** Read out by screen readers, once they have finished what they are saying. */
export function announce(sentence) {
  // The same words again would be no change, and would not be read.
  const again = announcements.textContent === sentence;
  announcements.textContent = again ? `${sentence}\u00a0` : sentence;
}

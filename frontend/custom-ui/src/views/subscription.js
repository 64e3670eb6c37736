// Whether the user in session gets a digest, and the button that changes it.

import { isSubscribed, subscribe, unsubscribe } from '../../../remote/calls.js';
import { problemOf } from '../../../remote/answer.js';
import { announce } from '../announce.js';
import { element } from '../element.js';
import { problemBox } from '../problem-box.js';
import { Region } from '../region.js';

/** @param {{changed: () => void}} options told after each change */
export function subscriptionView({ changed }) {
  const region = new Region({ title: 'Hourly digest', rows: 2 });
  const load = () => region.load(isSubscribed, (subscribed) => ({ nodes: form(subscribed, changed) }));
  return { node: region.node, load };
}

function form(subscribed, changed) {
  const sentence = element('p');
  const button = element('button', { type: 'button' });
  const trouble = element('div');
  const draw = () => {
    sentence.textContent = subscribed
      ? 'You are subscribed. Every hour the pages that changed are put together for you.'
      : 'You are not subscribed.';
    button.textContent = subscribed ? 'Unsubscribe' : 'Subscribe';
    button.className = subscribed ? 'button' : 'button button-primary';
    button.removeAttribute('aria-disabled');
  };
  // The button stays where it is, and with the focus, whatever comes of it.
  const press = async () => {
    if (button.hasAttribute('aria-disabled')) {
      return;
    }
    button.setAttribute('aria-disabled', 'true');
    trouble.replaceChildren();
    try {
      await (subscribed ? unsubscribe() : subscribe());
      subscribed = !subscribed;
      announce(subscribed ? 'You are subscribed.' : 'You are no longer subscribed.');
      changed();
    } catch (cause) {
      const problem = problemOf(cause);
      trouble.replaceChildren(problemBox(problem));
      announce(problem.message);
    }
    draw();
  };
  button.addEventListener('click', press);
  draw();
  return [sentence, button, trouble];
}

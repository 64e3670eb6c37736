// Who am I: what the verified invocation says, asked straight from the browser, and the name,
// which only the product knows.

import { invocation, me } from '../../../remote/calls.js';
import { problemOf } from '../../../remote/answer.js';
import { element } from '../element.js';
import { Region } from '../region.js';
import { factsOf, initialsOf } from './invocation-facts.js';

export function identityView() {
  const chip = element('div', { class: 'chip' });
  const region = new Region({ title: 'Who am I', intro: 'As the remote has verified it.', rows: 4 });
  const load = () => {
    region.load(invocation, (seen) => ({ nodes: [facts(seen)] }));
    greet(chip);
  };
  return { node: region.node, chip, load };
}

function facts(seen) {
  const pairs = factsOf(seen).map(([name, value]) =>
    element('div', {}, [element('dt', {}, [name]), element('dd', {}, [value])]),
  );
  return element('dl', { class: 'facts' }, pairs);
}

async function greet(chip) {
  try {
    const { displayName, email } = await me();
    chip.replaceChildren(
      element('span', { class: 'avatar', 'aria-hidden': 'true' }, [initialsOf(displayName)]),
      element('span', {}, [
        element('strong', {}, [displayName]),
        email ? element('span', { class: 'quiet' }, [email]) : undefined,
      ]),
    );
  } catch (cause) {
    const { message } = problemOf(cause);
    chip.replaceChildren(element('span', { class: 'quiet', title: message }, ['Your name is not known.']));
  }
}

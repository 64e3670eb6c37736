// A part of the page that asks the remote for something, and shows what came of it: that it
// is asking, that there is nothing, that it may not, that it went wrong, or the thing itself.

import { problemOf } from '../../remote/answer.js';
import { announce } from './announce.js';
import { element, uniqueId } from './element.js';
import { problemBox } from './problem-box.js';

export class Region {
  /**
   * @param {{title: string, intro?: string, actions?: Node[], rows?: number}} options `rows` of
   *   the placeholder, so that the page does not jump when the answer comes
   */
  constructor({ title, intro, actions = [], rows = 3 }) {
    const heading = uniqueId('region');
    this.title = title;
    this.rows = rows;
    this.heading = element('h2', { id: heading, tabindex: -1 }, [title]);
    this.body = element('div', { class: 'region-body' });
    this.node = element('section', { class: 'card', 'aria-labelledby': heading }, [
      element('div', { class: 'card-head' }, [
        element('div', {}, [this.heading, intro && element('p', { class: 'quiet' }, [intro])]),
        actions.length > 0 ? element('div', { class: 'actions' }, actions) : undefined,
      ]),
      this.body,
    ]);
    this.asked = 0;
  }

  /**
   * Asks, and shows what comes. Of two that overlap the later one counts.
   *
   * @param {() => Promise<unknown>} ask
   * @param {(answer: unknown) => {nodes: Node[], said?: string}} show
   */
  async load(ask, show) {
    this.asked += 1;
    const turn = this.asked;
    this.waiting();
    try {
      const answer = await ask();
      if (turn === this.asked) {
        const { nodes, said } = show(answer);
        this.put(nodes);
        if (said) {
          announce(said);
        }
      }
    } catch (cause) {
      if (turn === this.asked) {
        this.failed(problemOf(cause), () => this.load(ask, show));
      }
    }
  }

  waiting() {
    const lines = Array.from({ length: this.rows }, () => element('span', { class: 'bone' }));
    const words = element('span', { class: 'unseen' }, [`${this.title}: loading`]);
    this.body.setAttribute('aria-busy', 'true');
    this.body.replaceChildren(element('div', { class: 'bones' }, [words, ...lines]));
  }

  put(nodes) {
    this.body.removeAttribute('aria-busy');
    this.body.replaceChildren(...nodes);
  }

  /** The button that was pressed is gone after another try: the heading takes the focus. */
  failed(problem, again) {
    const retry = () => {
      this.heading.focus();
      again();
    };
    this.put([problemBox(problem, retry)]);
    announce(`${this.title}: ${problem.message}`);
  }
}

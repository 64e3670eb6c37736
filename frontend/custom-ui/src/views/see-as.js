// See as …: the pages of somebody else, through their eyes. The remote lets site
// administrators only, by Confluence's own word; it is not for the page to decide.

import { contentOf } from '../../../remote/calls.js';
import { element, uniqueId } from '../element.js';
import { emptyBox } from '../problem-box.js';
import { Region } from '../region.js';
import { contentListing } from './content-listing.js';

/** @param {{suggestions: () => string[]}} options account ids that may be of interest */
export function seeAsView(reader, { suggestions }) {
  const region = new Region({ title: 'Seen by somebody else', rows: 4 });
  region.node.hidden = true;
  const see = (account) => {
    region.node.hidden = false;
    return region.load(() => contentOf(account), (first) => shown(reader, account, first));
  };
  const form = askingForm(suggestions, see);
  const node = element('details', { class: 'card see-as' }, [
    element('summary', {}, [
      element('span', {}, ['See as somebody else']),
      element('span', { class: 'quiet' }, ['for site administrators']),
    ]),
    form,
    region.node,
  ]);
  return { node };
}

function shown(reader, account, first) {
  if (first.results.length === 0) {
    const nodes = [emptyBox('No pages', 'This account may see no page of the site.')];
    return { nodes, said: 'This account may see no page.' };
  }
  const about = element('p', { class: 'quiet' }, ['As ', element('code', {}, [account]), ' sees it.']);
  const listing = contentListing(reader, first, (cursor) => contentOf(account, cursor));
  return { nodes: [about, ...listing], said: `${first.results.length} pages shown as that account sees them.` };
}

function askingForm(suggestions, see) {
  const [id, hint, known] = ['account', 'account-hint', 'accounts'].map(uniqueId);
  const list = element('datalist', { id: known });
  const suggest = () => {
    list.replaceChildren(...suggestions().map((account) => element('option', { value: account })));
  };
  const input = element('input', {
    id,
    name: 'account',
    type: 'text',
    required: true,
    maxlength: 128,
    spellcheck: 'false',
    autocomplete: 'off',
    'aria-describedby': hint,
    list: known,
    onfocus: suggest,
  });
  const submit = (event) => {
    event.preventDefault();
    const account = input.value.trim();
    if (account !== '') {
      see(account);
    }
  };
  return element('form', { class: 'asking', onsubmit: submit }, [
    element('label', { for: id }, ['Account id']),
    element('div', { class: 'line' }, [input, list, element('button', { class: 'button' }, ['See their pages'])]),
    element('p', { id: hint, class: 'quiet' }, [
      'The remote asks Confluence as that account. It stands in the address of a person’s profile.',
    ]),
  ]);
}

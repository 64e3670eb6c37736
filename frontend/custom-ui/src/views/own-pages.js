// My pages: what Confluence shows to the user in session.

import { ownContent } from '../../../remote/calls.js';
import { emptyBox } from '../problem-box.js';
import { Region } from '../region.js';
import { contentListing } from './content-listing.js';

export function ownPagesView(reader) {
  const region = new Region({ title: 'My pages', intro: 'What Confluence shows to you.', rows: 5 });
  const show = (first) => {
    if (first.results.length === 0) {
      const nodes = [emptyBox('No pages', 'There is no page on this site that you may see.')];
      return { nodes, said: 'My pages: none.' };
    }
    return {
      nodes: contentListing(reader, first, (cursor) => ownContent(cursor)),
      said: `My pages: ${first.results.length} shown.`,
    };
  };
  return { node: region.node, load: () => region.load(() => ownContent(), show) };
}

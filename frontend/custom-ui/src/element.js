// Elements of the page. Text is always text: nothing that comes from outside is read as HTML.

/**
 * @param {string} name
 * @param {Record<string, unknown>} properties attributes; `onclick` and its like are listeners,
 *   `undefined` and `false` are left out
 * @param {(Node | string | undefined)[]} children
 */
export function element(name, properties = {}, children = []) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === false) {
      continue;
    }
    if (key.startsWith('on')) {
      made.addEventListener(key.slice(2), value);
    } else {
      made.setAttribute(key, value === true ? '' : String(value));
    }
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

let made = 0;

/** An id for what a label or a heading points to. */
export function uniqueId(stem) {
  made += 1;
  return `${stem}-${made}`;
}

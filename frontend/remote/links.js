// Where things of the site are read.

/** A page of Confluence, of which only the id is known. */
export function pageUrl(siteUrl, pageId) {
  return siteUrl && `${siteUrl}/wiki/pages/viewpage.action?pageId=${encodeURIComponent(pageId)}`;
}

/** Content of a Confluence answer; `undefined` if the site is not known. */
export function contentUrl(siteUrl, content) {
  const path = content._links?.webui;
  return siteUrl && path ? `${siteUrl}/wiki${path}` : undefined;
}

/** Key of the space that the content is in. */
export function spaceOf(content) {
  return content.space?.key ?? content._links?.webui?.match(/^\/spaces\/([^/]+)\//)?.[1];
}

// The part of the address that belongs to the app. In the product it follows the app's own
// address; here it stands behind the `#`.
import { app } from "./frame.js";

const { site } = document.body.dataset;

const here = () => {
  const { pathname, search, hash } = new URL(location.hash.slice(1) || "/", site);
  return { pathname, search, hash, key: "default" };
};

export const createHistory = here;

export const moveHistory = ({ replace, location: { pathname, search, hash } }) => {
  const address = `#${pathname}${search}${hash}`;
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
};

export const goHistory = ({ delta }) => history.go(delta);

window.addEventListener("popstate", () => app.send({ forge: "popped", location: here() }));

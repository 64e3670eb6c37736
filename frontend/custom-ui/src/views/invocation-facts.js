// What of an invocation's claims a person wants to read.

/** @returns {[string, string][]} names and values, in the order that they are shown in */
export function factsOf({ claims, appToken, userToken, traceId }) {
  const { app = {}, context = {}, principal } = claims ?? {};
  const facts = [
    ['Account', principal ?? 'nobody is signed in'],
    ['Site', context.siteUrl?.replace(/^https:\/\//, '')],
    ['Module', app.module?.key],
    ['Environment', capital(app.environment?.type)],
    ['App version', app.appVersion],
    ['Licence', licence(app.license)],
    ['Tokens along', tokens(appToken, userToken)],
    ['Trace', traceId],
  ];
  return facts.filter(([, value]) => value !== undefined && value !== '');
}

/** Two letters that stand for a person where there is no picture. */
export function initialsOf(name) {
  const words = (name ?? '').trim().split(/\s+/).filter(Boolean);
  const [first] = words;
  const last = words.length > 1 ? words.at(-1) : undefined;
  return [first, last].filter(Boolean).map((word) => [...word][0].toUpperCase()).join('');
}

function capital(type) {
  return type && type[0] + type.slice(1).toLowerCase();
}

/** Only a paid app in production has one. */
function licence(license) {
  if (!license) {
    return 'none';
  }
  if (!(license.active ?? license.isActive)) {
    return 'lapsed';
  }
  return license.isEvaluation ? 'evaluation' : 'active';
}

function tokens(app, user) {
  const along = [app && 'the app’s', user && 'the user’s'].filter(Boolean);
  return along.length === 0 ? 'none: asked straight from the browser' : along.join(', ');
}

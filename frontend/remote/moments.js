// Moments, as people say them.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

/** The time zone and the habits of the person in front of the page. */
export class Moments {
  /** @param {{locale?: string, timezone?: string}} context of the bridge */
  constructor({ locale, timezone } = {}) {
    const tag = english(locale);
    this.relative = new Intl.RelativeTimeFormat(tag, { numeric: 'auto' });
    this.absolute = absolute(tag, timezone);
  }

  /** "5 minutes ago", and beyond a week the day itself. */
  ago(moment, now = Date.now()) {
    const passed = moment - now;
    const far = Math.abs(passed);
    if (far >= WEEK) {
      return this.full(moment);
    }
    if (far < MINUTE) {
      return 'just now';
    }
    const [size, unit] = far < HOUR ? [MINUTE, 'minute'] : far < DAY ? [HOUR, 'hour'] : [DAY, 'day'];
    return this.relative.format(Math.trunc(passed / size), unit);
  }

  /** Day and time. */
  full(moment) {
    return this.absolute.format(moment);
  }
}

/** Milliseconds of what a product wrote; `undefined` if it is no moment. */
export function parseMoment(written) {
  // Jira writes `+0000`, which is not what engines must read.
  const moment = Date.parse((written ?? '').replace(/([+-]\d{2})(\d{2})$/, '$1:$2'));
  return Number.isNaN(moment) ? undefined : moment;
}

/** The pages are in English, so their moments are: in the reader's own, if that is what they read. */
function english(locale) {
  // The platform writes `en_GB`.
  const tag = locale?.replaceAll('_', '-') ?? '';
  return /^en(-[A-Z]{2})?$/.test(tag) ? tag : 'en';
}

function absolute(tag, timeZone) {
  const style = { dateStyle: 'medium', timeStyle: 'short' };
  try {
    return new Intl.DateTimeFormat(tag, { ...style, timeZone });
  } catch {
    // A zone that this engine does not know.
    return new Intl.DateTimeFormat(tag, style);
  }
}

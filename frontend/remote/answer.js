// What a call of the remote came to: a body, or a `RemoteProblem` that can be shown.
//
// The remote's own refusals are `{"error": {"code", "message", "traceId"}}`; what the platform
// says in its place (no answer in time, an answer that is no JSON) is one fixed sentence.

/** Why a call of the remote gave nothing. */
export class RemoteProblem extends Error {
  /**
   * @param {string} message what the remote or the platform says, to be shown as it is
   * @param {{status?: number, code?: string, traceId?: string, upstreamTraceId?: string,
   *   hint?: string}} [facts]
   */
  constructor(message, facts = {}) {
    super(message);
    this.name = 'RemoteProblem';
    /** The HTTP status of the remote's answer; none if there was no answer. */
    this.status = facts.status;
    /** The remote's own word for it; none if the platform spoke. */
    this.code = facts.code;
    this.traceId = facts.traceId;
    this.upstreamTraceId = facts.upstreamTraceId;
    /** What to look at, where the message alone does not tell. */
    this.hint = facts.hint;
  }

  /** Whether this user may not do it: asking again changes nothing. */
  get denied() {
    return this.status === 403;
  }

  /** Whether what was asked for does not exist. */
  get missing() {
    return this.status === 404 && this.code === 'not_found';
  }
}

const UNKNOWN = 'An unexpected error happened';

/**
 * What `invokeRemote` resolved with.
 *
 * @returns the body, `undefined` if there is none
 * @throws {RemoteProblem} for whatever is no 2xx
 */
export function readInvoked(answer) {
  const status = answer?.status;
  if (!Number.isInteger(status)) {
    throw new RemoteProblem(text(answer?.message) ?? UNKNOWN);
  }
  if (status < 200 || status > 299) {
    throw refusal(status, answer.body);
  }
  return answer.body;
}

/**
 * What `requestRemote` resolved with: any status, any type of content.
 *
 * @param {Response} response
 * @throws {RemoteProblem}
 */
export async function readFetched(response) {
  const body = parse(await response.text());
  if (!response.ok) {
    throw refusal(response.status, body.value);
  }
  if (!body.json) {
    throw new RemoteProblem('The answer is no JSON.', { status: response.status });
  }
  return body.value;
}

/**
 * What a call was rejected with, as a problem.
 *
 * @param {unknown} cause
 * @param {string} [hint] what is likely to be the matter if nobody has answered
 */
export function problemOf(cause, hint) {
  if (cause instanceof RemoteProblem) {
    return cause;
  }
  return new RemoteProblem(text(cause?.message) ?? text(cause) ?? UNKNOWN, { hint });
}

function refusal(status, body) {
  const { message, code, traceId, upstreamTraceId } = body?.error ?? {};
  return new RemoteProblem(text(message) ?? `The remote answered with ${status}.`, {
    status,
    code: text(code),
    traceId: text(traceId),
    upstreamTraceId: text(upstreamTraceId),
  });
}

function text(value) {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

function parse(content) {
  try {
    return { json: true, value: JSON.parse(content) };
  } catch {
    return { json: false };
  }
}

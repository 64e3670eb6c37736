// The error contract: Forge shows an error to the app's page only if it is JSON.

/** Ends a request with a status and a sentence that tells the caller what to do. */
export class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }

  get body() {
    return { error: { code: this.code, message: this.message } };
  }
}

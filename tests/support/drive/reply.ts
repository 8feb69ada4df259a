// What the fake server answers, as data, in the form that Google's errors have.

export type Reply = {
  status: number;
  headers?: Record<string, string>;
  /** Sent as JSON; text goes out as it is. */
  body?: unknown;
};

/** An error of the Drive API. */
export function refusal(status: number, reason: string, message: string = reason): Reply {
  return {
    status,
    body: { error: { code: status, message, errors: [{ domain: 'global', reason, message }] } },
  };
}

/** An error of the token endpoint. */
export function tokenRefusal(error: string, description: string, status: number = 400): Reply {
  return { status, body: { error, error_description: description } };
}

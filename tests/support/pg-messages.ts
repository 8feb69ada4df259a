// Cuts the byte stream of a PostgreSQL connection into its messages, so that a proxy can tell which call passes by.

export type PgMessage = {
  /** Its letter, such as `B` for Bind; empty for what opens a connection. */
  type: string;
  /** Everything behind the length, texts in it readable. */
  body: string;
  bytes: Buffer;
};

/** Takes pieces of a stream as they come, and gives the messages that are whole by now. */
export type Cutter = (piece: Buffer) => PgMessage[];

/** `client` streams begin with a message without a letter; those of servers do not (no TLS is spoken here). */
export function cutMessages(side: 'client' | 'server'): Cutter {
  let rest = Buffer.alloc(0);
  let isFirst = side === 'client';

  return (piece) => {
    const messages: PgMessage[] = [];
    rest = Buffer.concat([rest, piece]);

    for (;;) {
      const head = isFirst ? 0 : 1;
      if (rest.length < head + 4) return messages;
      const size = head + rest.readInt32BE(head);
      if (rest.length < size) return messages;

      const bytes = rest.subarray(0, size);
      const type = isFirst ? '' : bytes.toString('latin1', 0, 1);
      messages.push({ type, body: bytes.toString('utf8', head + 4), bytes });
      rest = rest.subarray(size);
      isFirst = false;
    }
  };
}

// Version 3.0, and the requests for TLS, for encryption and to cancel.
const openings = [196_608, 80_877_103, 80_877_104, 80_877_102];

/** Whether a connection whose client begins with this piece speaks PostgreSQL. */
export function isPostgres(piece: Buffer): boolean {
  return piece.length >= 8 && openings.includes(piece.readInt32BE(4));
}

/** Matches the call of a function of the queue, which is a prepared statement of its name; `texts` stand in its arguments. */
export function callOf(name: string, ...texts: string[]): (message: PgMessage) => boolean {
  return ({ type, body }) =>
    type === 'B' && body.includes(`\0${name}\0`) && texts.every((text) => body.includes(text));
}

/** Matches a statement that is sent as text. */
export function statementWith(...texts: string[]): (message: PgMessage) => boolean {
  return ({ type, body }) =>
    (type === 'Q' || type === 'P') && texts.every((text) => body.includes(text));
}

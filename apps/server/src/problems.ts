import { z } from 'zod';
import type { Failure } from './queue.ts';

/** An error as RFC 9457 has it, https://www.rfc-editor.org/rfc/rfc9457. */
export const problemSchema = z.object({
  type: z.string().meta({ examples: ['urn:forgelens:problem:queue-full'] }),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
});

export type ProblemBody = z.infer<typeof problemSchema>;

const titles = {
  'bad-request': 'The request is not as it must be',
  unauthorized: 'An API key is needed',
  'not-found': 'There is no such thing here',
  'not-ready': 'It is not ready yet',
  'too-long': 'The request took too long',
  'headers-too-large': 'The headers are too large',
  'too-large': 'The request is too large',
  'wrong-type': 'The request is of a type that is not taken',
  'not-a-picture': 'The picture cannot be looked at',
  'not-fetched': 'The picture cannot be fetched',
  'key-reused': 'The idempotency key was used for something else',
  'queue-full': 'Too many pictures wait',
  'too-slow': 'The picture took too long',
  closing: 'The server is closing',
  unavailable: 'No picture can be looked at now',
  fault: 'Something is wrong with the server',
} as const;

const statuses: Readonly<Record<keyof typeof titles, number>> = {
  'bad-request': 400,
  unauthorized: 401,
  'not-found': 404,
  'too-long': 408,
  'not-ready': 409,
  'too-large': 413,
  'wrong-type': 415,
  'not-a-picture': 422,
  'not-fetched': 422,
  'key-reused': 422,
  'queue-full': 429,
  'headers-too-large': 431,
  'too-slow': 503,
  closing: 503,
  unavailable: 503,
  fault: 500,
};

/** What ends a request with an error. */
export class Problem extends Error {
  readonly kind: keyof typeof titles;
  readonly headers: Readonly<Record<string, string>>;

  constructor(kind: keyof typeof titles, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.kind = kind;
    this.headers = headers;
  }

  get body(): ProblemBody {
    return {
      type: `urn:forgelens:problem:${this.kind}`,
      title: titles[this.kind],
      status: statuses[this.kind],
      detail: this.message,
    };
  }

  get response(): Response {
    const headers = { ...this.headers, 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' };
    return new Response(JSON.stringify(this.body), { status: statuses[this.kind], headers });
  }
}

/** What a client is told of a job that failed. A fault's own words are for the log. */
export const problemOf = ({ kind, message }: Failure): Problem => {
  if (kind === 'picture') return new Problem('not-a-picture', message);
  if (kind === 'time') return new Problem('too-slow', message);
  return new Problem('fault', 'the picture could not be looked at; the server has noted why');
};

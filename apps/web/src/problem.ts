import { DataError } from '@forgelens/autograd';
import { strings } from './strings.ts';

/** An error as the server tells it (RFC 9457). */
export class ServerProblem extends Error {
  /** The last part of the problem's type, such as `not-a-picture`. */
  readonly kind: string;

  constructor(kind: string, detail: string) {
    super(detail);
    this.kind = kind;
  }
}

/** Why a picture was not looked at, in words for who gave it. */
export interface Trouble {
  readonly title: string;
  readonly detail: string;
  /** Whether trying again may help. */
  readonly canRetry: boolean;
  /** Whether the server asks for an API key. */
  readonly needsKey: boolean;
}

/** What a reader is told of an error. */
export function describeTrouble(error: unknown): Trouble {
  const trouble = (title: string, detail: string, canRetry: boolean, needsKey = false): Trouble => ({
    ...{ title, detail, canRetry, needsKey },
  });
  const { trouble: words } = strings;
  if (error instanceof DataError) return trouble(words.notAPicture, error.message, false);
  if (!(error instanceof ServerProblem))
    // The rest of a fault's message may be where it came from, which says nothing to a reader.
    return trouble(words.fault, (error as Error).message.split('\n', 1)[0]!, true);
  const titles: Readonly<Record<string, string>> = words.server;
  return trouble(
    titles[error.kind] ?? words.fault,
    error.message,
    !['not-a-picture', 'too-large'].includes(error.kind),
    error.kind === 'unauthorized',
  );
}

import type { JSX } from 'preact';
import type { Trouble } from './problem.ts';
import { strings } from './strings.ts';

interface Props {
  readonly trouble: Trouble;
  /** Tries again; with a key where one was given. */
  readonly onRetry: (apiKey: string | null) => void;
}

/** What went wrong, and what can be done about it. */
export function TroubleNotice({ trouble, onRetry }: Props): JSX.Element {
  const { trouble: words } = strings;
  return (
    <div class="notice trouble" role="alert">
      <p>
        <strong>{trouble.title}</strong>
      </p>
      <p>{trouble.detail}</p>
      {trouble.needsKey ? (
        <form
          class="key"
          onSubmit={event => {
            event.preventDefault();
            onRetry((new FormData(event.currentTarget).get('key') as string).trim());
          }}
        >
          <label>
            {words.keyLabel}{' '}
            <input name="key" type="password" autocomplete="off" required aria-describedby="key-help" />
          </label>
          <button type="submit" class="button primary">
            {words.keySend}
          </button>
          <p id="key-help" class="faint">
            {words.keyHelp}
          </p>
        </form>
      ) : (
        trouble.canRetry && (
          <button type="button" class="button" onClick={() => onRetry(null)}>
            {words.retry}
          </button>
        )
      )}
    </div>
  );
}

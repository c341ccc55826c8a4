import type { JSX } from 'preact';
import { strings } from './strings.ts';

/** Asks for the address of a picture that the server is to fetch. */
export function UrlForm({ onUrl }: { readonly onUrl: (url: URL) => void }): JSX.Element {
  const { start: words } = strings;
  return (
    <form
      class="address"
      onSubmit={event => {
        event.preventDefault();
        const form = event.currentTarget;
        onUrl(new URL((new FormData(form).get('url') as string).trim()));
        form.reset();
      }}
    >
      <label for="address">{words.url}</label>
      <input
        id="address"
        name="url"
        type="url"
        pattern="https?://.+"
        title={words.urlHelp}
        autocomplete="off"
        required
        aria-describedby="address-help"
      />
      <button type="submit" class="button">
        {words.urlSend}
      </button>
      <p id="address-help" class="faint">
        {words.urlHelp}
      </p>
    </form>
  );
}

import type { Html } from './html.ts';
import { html } from './html.ts';
import { style } from './style.ts';

/** A whole page in one text: it needs no other file, no network and no script. */
export const page = (title: string, lead: Html | string, ...sections: readonly (Html | null)[]): string =>
  `<!doctype html>\n${
    html`<html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <style>
          ${style}
        </style>
      </head>
      <body>
        <main>
          <header>
            <h1>${title}</h1>
            <p class="lead">${lead}</p>
          </header>
          ${sections}
        </main>
      </body>
    </html> `.text
  }`;

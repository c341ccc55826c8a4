import { fileURLToPath } from 'node:url';

/** Where the built page is: `npm run build:page` writes it. */
export const pageFolder = fileURLToPath(new URL('../dist/', import.meta.url));

/** Writes the JSON Schema of the training configurations: npx tsx tools/train-schema.ts */
import { writeFileSync } from 'node:fs';
import { trainJsonSchema } from '@forgelens/train';

writeFileSync(
  new URL('../configs/train.schema.json', import.meta.url),
  `${JSON.stringify(trainJsonSchema(), null, 2)}\n`,
);

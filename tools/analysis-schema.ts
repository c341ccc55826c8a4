/** Writes the JSON Schema of results: npx tsx tools/analysis-schema.ts */
import { writeFileSync } from 'node:fs';
import { analysisJsonSchema } from '@forgelens/analysis';

writeFileSync(
  new URL('../packages/analysis/analysis.schema.json', import.meta.url),
  `${JSON.stringify(analysisJsonSchema(), null, 2)}\n`,
);

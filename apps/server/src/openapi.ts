import { analysisSchema } from '@forgelens/analysis';
import { software } from '@forgelens/localize';
import { z } from 'zod';
import { problemSchema } from './problems.ts';

const analysisResource = z.object({
  id: z.uuid(),
  status: z.enum(['queued', 'running', 'done', 'failed']),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().describe('when a result is forgotten'),
  progress: z
    .object({ stage: z.enum(['decode', 'locate', 'evidence', 'draw']), done: z.int(), total: z.int() })
    .nullable(),
  result: analysisSchema.nullable(),
  problem: problemSchema.nullable().describe('why there is no result'),
  links: z.object({
    self: z.string(),
    events: z.string(),
    result: z.string(),
    report: z.string(),
    maps: z.array(z.string()),
  }),
});

export type AnalysisResource = z.infer<typeof analysisResource>;

const modelList = z.object({ models: z.array(z.object({ id: z.string(), isServed: z.boolean() })) });

const form = z.object({
  file: z.string().meta({ format: 'binary' }).describe('the picture, as it is'),
  threshold: z.number().min(0).lt(1).default(0.5).describe('pixels with a greater probability are flagged'),
  evidence: z.boolean().default(true).describe('whether to look for evidence beside the map'),
});

const address = z.object({
  url: z.url().describe('where the picture is, on the public internet; only where the server was told to fetch'),
  threshold: z.number().min(0).lt(1).default(0.5),
  evidence: z.boolean().default(true),
});

/** What bodies are made of, by name. OpenAPI 3.1 takes JSON Schema as it is. */
function schemas(): Readonly<Record<string, unknown>> {
  const registry = z.registry<{ id: string }>();
  registry.add(analysisSchema, { id: 'Analysis' });
  registry.add(analysisResource, { id: 'AnalysisResource' });
  registry.add(modelList, { id: 'ModelList' });
  registry.add(problemSchema, { id: 'Problem' });
  registry.add(form, { id: 'Picture' });
  registry.add(address, { id: 'PictureAddress' });
  const written = z.toJSONSchema(registry, { io: 'input', uri: id => `#/components/schemas/${id}` });
  return Object.fromEntries(
    Object.entries(written.schemas).map(([id, { $id: _, $schema: __, ...schema }]) => [id, schema]),
  );
}

type Schema = 'Analysis' | 'AnalysisResource' | 'ModelList';

const body = (description: string, type: string, schema: object) => ({ description, content: { [type]: { schema } } });
const json = (description: string, schema: Schema) =>
  body(description, 'application/json', { $ref: `#/components/schemas/${schema}` });
const binary = (description: string, type: string) => body(description, type, { type: 'string', format: 'binary' });
const problem = (description: string) =>
  body(description, 'application/problem+json', { $ref: '#/components/schemas/Problem' });
const parameter = (name: string, place: 'path' | 'header') => ({
  ...{ name, in: place, required: place === 'path', schema: { type: 'string' } },
});

const id = parameter('id', 'path');
const noSuch = { 401: problem('no API key'), 404: problem('no such analysis, or no longer') };
const notYet = { ...noSuch, 409: problem('it is not done yet'), 422: problem('the picture could not be looked at') };

const paths = {
  '/v1/analyses': {
    post: {
      summary: 'Look at a picture',
      parameters: [
        { ...parameter('Prefer', 'header'), description: '"respond-async" answers at once' },
        { ...parameter('Idempotency-Key', 'header'), description: 'the same picture with the same key is taken once' },
      ],
      requestBody: {
        required: true,
        content: {
          'multipart/form-data': { schema: { $ref: '#/components/schemas/Picture' } },
          'application/json': { schema: { $ref: '#/components/schemas/PictureAddress' } },
        },
      },
      responses: {
        200: json('it is done', 'AnalysisResource'),
        202: json('it takes longer: follow links.events, or ask links.self again', 'AnalysisResource'),
        400: problem('not one picture, or a field that is unknown or wrong'),
        401: problem('no API key'),
        408: problem('the request came in too slowly'),
        413: problem('too many bytes'),
        415: problem('neither a form nor, where URLs are fetched, JSON'),
        422: problem('not a picture, broken, of too many pixels or frames, not to be fetched, or a key that was used'),
        429: problem('too many wait; Retry-After says when to try again'),
        431: problem('too large headers'),
        503: problem('the server is closing or cannot look at pictures, or the picture took too long'),
      },
    },
  },
  '/v1/analyses/{id}': {
    get: {
      summary: 'How far it is, and the result',
      parameters: [id],
      responses: { 200: json('the analysis', 'AnalysisResource'), ...noSuch },
    },
    delete: {
      summary: 'Forget it, or stop it',
      parameters: [id],
      responses: { 204: { description: 'it is gone' }, ...noSuch },
    },
  },
  '/v1/analyses/{id}/events': {
    get: {
      summary: 'Progress as server-sent events',
      parameters: [id],
      responses: {
        200: binary(
          'an event at each change, named as the status; its data is the analysis without its result',
          'text/event-stream',
        ),
        ...noSuch,
      },
    },
  },
  '/v1/analyses/{id}/result.json': {
    get: {
      summary: 'The result alone',
      parameters: [id],
      responses: { 200: json('the result', 'Analysis'), ...notYet },
    },
  },
  '/v1/analyses/{id}/report.html': {
    get: {
      summary: 'The report: one page that needs nothing else',
      parameters: [id],
      responses: { 200: binary('the report', 'text/html'), ...notYet },
    },
  },
  '/v1/analyses/{id}/maps/{name}': {
    get: {
      summary: 'A map: map.png, overlay.png, or one of evidence',
      parameters: [id, parameter('name', 'path')],
      responses: { 200: binary('the map', 'image/png'), ...notYet },
    },
  },
  '/v1/models': {
    get: {
      summary: 'What is known of each model, and which one is served',
      responses: { 200: json('the models', 'ModelList'), 401: problem('no API key') },
    },
  },
  '/healthz': {
    get: { summary: 'Whether the server lives', security: [], responses: { 200: { description: 'it does' } } },
  },
  '/readyz': {
    get: {
      summary: 'Whether it takes pictures',
      security: [],
      responses: { 200: { description: 'it does' }, 503: problem('it is starting, or closing') },
    },
  },
  '/metrics': {
    get: {
      summary: 'Numbers for Prometheus',
      responses: { 200: binary('text', 'text/plain'), 401: problem('no API key') },
    },
  },
} as const;

/** What may be sent as a picture where URLs are not fetched: a form alone. */
function withoutAddresses({ post }: (typeof paths)['/v1/analyses']): object {
  const { 'multipart/form-data': form } = post.requestBody.content;
  return { post: { ...post, requestBody: { ...post.requestBody, content: { 'multipart/form-data': form } } } };
}

/** The server as an OpenAPI document, https://spec.openapis.org/oas/v3.1.0. The page reads there whether URLs are taken. */
export const openApi = ({
  hasKeys,
  fetchUrls,
}: {
  readonly hasKeys: boolean;
  readonly fetchUrls: boolean;
}): object => ({
  openapi: '3.1.0',
  info: {
    title: 'forgelens',
    version: software.version,
    description: 'Finds where a picture may have been tampered with. A score is a reason to look, never a verdict.',
  },
  security: hasKeys ? [{ key: [] }] : [],
  paths: fetchUrls ? paths : { ...paths, '/v1/analyses': withoutAddresses(paths['/v1/analyses']) },
  components: {
    schemas: schemas(),
    ...(hasKeys && { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } }),
  },
});

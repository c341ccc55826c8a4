import type { Context } from 'hono';
import { z } from 'zod';
import { fetchUrl } from './fetch-url.ts';
import { Problem } from './problems.ts';
import type { Settings } from './settings.ts';

const thresholdRule = 'must be at least 0 and less than 1, such as 0.5';

/** Beside the picture; a form has texts only. */
export const fieldsSchema = z.strictObject(
  {
    threshold: z
      .string()
      .regex(/^0?\.\d+$|^0$/, thresholdRule)
      .transform(Number)
      .default(0.5),
    evidence: z
      .enum(['true', 'false'], 'must be true or false')
      .transform(text => text === 'true')
      .default(true),
  },
  {
    error: issue =>
      issue.code === 'unrecognized_keys'
        ? `there is no field "${issue.keys[0]}"; the fields are file, threshold and evidence`
        : undefined,
  },
);

export interface Upload extends z.infer<typeof fieldsSchema> {
  readonly bytes: Uint8Array;
  readonly name: string;
}

/** What a client may send instead of the picture. */
const urlSchema = z.strictObject({
  url: z.string('must be a text').max(4000, 'must have at most 4000 characters'),
  threshold: z.number().min(0, thresholdRule).lt(1, thresholdRule).default(0.5),
  evidence: z.boolean().default(true),
});

type UploadSettings = Pick<Settings, 'maxBytes' | 'fetchUrls' | 'maxFetchMs'>;

/** The picture and the options of a request. @throws {Problem} what is wrong with it */
export async function readUpload(c: Context, settings: UploadSettings): Promise<Upload> {
  const type = c.req.header('content-type') ?? 'none';
  if (/^multipart\/form-data\s*;.*boundary=/i.test(type)) return readForm(c, type, settings.maxBytes);
  if (/^application\/json\b/i.test(type) && settings.fetchUrls) return readUrl(c, settings);
  throw new Problem(
    'wrong-type',
    `the content type is ${shorten(type)}; send the picture as the field "file" of a multipart/form-data form` +
      (settings.fetchUrls ? ', or {"url": …} as application/json' : ''),
  );
}

async function readUrl(c: Context, { maxBytes, maxFetchMs }: UploadSettings): Promise<Upload> {
  const text = new TextDecoder().decode(await readBody(c, 10_000));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Problem('bad-request', 'the body is not JSON; send {"url": "https://…"}');
  }
  const { data, error } = urlSchema.safeParse(json);
  if (error) throw wrongField(error);
  const { url, ...options } = data;
  const bytes = await fetchUrl(url, { maxBytes, maxMs: maxFetchMs });
  if (bytes.length === 0) throw new Problem('not-fetched', 'the URL: nothing is there; send the picture itself');
  return { ...options, bytes, name: labelOf(new URL(url).pathname) };
}

async function readForm(c: Context, type: string, maxBytes: number): Promise<Upload> {
  const form = await new Response(await readBody(c, maxBytes), { headers: { 'Content-Type': type } })
    .formData()
    .catch(() => {
      throw new Problem('bad-request', 'the form is broken: its parts do not end where the boundary says');
    });
  const files = form.getAll('file');
  const [file] = files;
  if (files.length !== 1 || typeof file === 'string')
    throw new Problem('bad-request', `there ${describe(files)}; send exactly one picture`);
  const texts = [...form].filter(([key]) => key !== 'file');
  const { data, error } = fieldsSchema.safeParse(Object.fromEntries(texts));
  if (error) throw wrongField(error);
  const bytes = new Uint8Array(await file!.arrayBuffer());
  if (bytes.length === 0) throw new Problem('bad-request', 'the file is empty; send a picture');
  return { ...data, bytes, name: labelOf(file!.name) };
}

function wrongField({ issues }: z.ZodError): Problem {
  const { path, message } = issues[0]!;
  return new Problem('bad-request', path.length > 0 ? `the field "${path.join('.')}" ${message}` : message);
}

const describe = (files: readonly (File | string)[]): string =>
  files.length === 0
    ? 'is no field "file"'
    : files.length > 1
      ? `are ${files.length} fields "file"`
      : 'is a text in the field "file", not a file';

/** The body, read no further than is allowed. */
async function readBody(c: Context, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () =>
    new Problem('too-large', `the request has more than ${maxBytes} bytes, which is the most that is taken`, {
      Connection: 'close',
    });
  if (Number(c.req.header('content-length')) > maxBytes) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let length = 0;
  const { body } = c.req.raw;
  if (body === null) throw new Problem('bad-request', 'the request has no body; send a picture');
  try {
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > maxBytes) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    // Nobody hears this: the client has gone. It is no fault of the server, to be noted as one.
    throw new Problem('bad-request', 'the connection ended before the whole request had come; send it again');
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** A file's name as a label: without folders and control characters. It is never used as a path. */
export function labelOf(name: string): string {
  const last = name.split(/[/\\]/).at(-1)!;
  // Control characters, and those that turn the direction of text.
  const plain = last.replaceAll(/[\p{Cc}\p{Cf}]/gu, '').trim();
  return plain === '' || /^\.+$/.test(plain) ? 'picture' : plain.slice(0, 200);
}

const shorten = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text);

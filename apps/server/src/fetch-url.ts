import { lookup } from 'node:dns/promises';
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Problem } from './problems.ts';

export interface FetchOptions {
  readonly maxBytes: number;
  readonly maxMs: number;
  /** The addresses of a host. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  readonly isAllowed?: (address: string) => boolean;
}

const maxRedirects = 3;

/**
 * Whether an address belongs to the public internet: not to this machine, a private or a carrier's network, a link, a
 * service of a cloud, a tunnel that leads to one of these, or what is reserved.
 */
export const isPublic = (address: string): boolean =>
  ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast';

const resolveName = async (host: string): Promise<readonly string[]> =>
  (await lookup(host, { all: true })).map(({ address }) => address);

/**
 * The bytes behind a URL. Each address is checked before it is connected to, after each redirect again, and nothing else
 * is connected to: a name that changes its address in between gains nothing.
 *
 * @throws {Problem} when it is not allowed, too large, too slow, or not there
 */
export async function fetchUrl(given: string, options: FetchOptions): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(options.maxMs);
  const late = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(refused(`it took longer than ${options.maxMs / 1000} s`))),
  );
  return Promise.race([follow(given, options, signal), late]);
}

async function follow(given: string, options: FetchOptions, signal: AbortSignal): Promise<Uint8Array> {
  try {
    let url = parse(given);
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      const response = await get(url, options, signal);
      const { statusCode = 0, headers } = response;
      if (statusCode === 200) return await read(response, options.maxBytes);
      response.destroy();
      if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined)
        throw refused(`the answer is ${statusCode}; it must be 200`);
      url = parse(headers.location, url);
    }
    throw refused(`more than ${maxRedirects} redirects`);
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw refused(`no connection (${(error as NodeJS.ErrnoException).code ?? 'broken'})`);
  }
}

const refused = (reason: string): Problem =>
  new Problem('not-fetched', `the URL: ${reason}; send the picture itself or another URL`);

function parse(text: string, base?: URL): URL {
  if (!URL.canParse(text, base?.href)) throw refused('it is none');
  const url = new URL(text, base);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw refused(`it begins with ${url.protocol.slice(0, 20)}, not with http: or https:`);
  if (url.username !== '' || url.password !== '') throw refused('it has a name or a password in it');
  return url;
}

async function get(
  url: URL,
  { resolve = resolveName, isAllowed = isPublic }: FetchOptions,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const addresses = isIP(host) > 0 ? [host] : await resolve(host);
  if (addresses.length === 0) throw refused('its host has no address');
  // One internal address among public ones is reason enough.
  if (!addresses.every(isAllowed)) throw refused('its host is not on the public internet');
  const found = addresses.map(address => ({ address, family: isIP(address) }));
  const checked: LookupFunction = (_, { all }, callback) => {
    if (all) callback(null, found);
    else callback(null, found[0]!.address, found[0]!.family);
  };
  return new Promise((settle, reject) => {
    const { request } = url.protocol === 'https:' ? https : http;
    const headers = { Accept: 'image/*', 'Accept-Encoding': 'identity', 'User-Agent': 'forgelens' };
    request(url, { lookup: checked, headers, signal, agent: false, maxHeaderSize: 16_384 })
      .on('response', settle)
      .on('error', reject)
      .end();
  });
}

async function read(response: http.IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Ending the loop early ends the connection.
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxBytes)
      throw new Problem('too-large', `the picture behind the URL has more than ${maxBytes} bytes; give a smaller one`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

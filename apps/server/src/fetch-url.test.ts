import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { fetchUrl, isPublic } from './fetch-url.ts';
import type { FetchOptions } from './fetch-url.ts';
import { Problem } from './problems.ts';
import { formOf, patched, post, problem, testServer } from './testing/server.ts';

const picture = await patched().png().toBuffer();

/** A host "pictures.example" on this machine; gives its port. Only 127.0.0.1 counts as public. */
async function host(answer: RequestListener) {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

const addresses: Readonly<Record<string, readonly string[]>> = {
  'pictures.example': ['127.0.0.1'],
  'inside.example': ['10.0.0.1'],
  'both.example': ['127.0.0.1', 'fd00::1'],
  'nowhere.example': [],
};
const options: FetchOptions = {
  ...{ maxBytes: 10_000, maxMs: 10_000, isAllowed: address => address === '127.0.0.1' },
  resolve: name => Promise.resolve(addresses[name]!),
};
const refusal = (url: string, more: Partial<FetchOptions> = {}) =>
  fetchUrl(url, { ...options, ...more }).then(
    () => 'taken',
    (error: unknown) => (error instanceof Problem ? `${error.kind}: ${error.message}` : String(error)),
  );

test('what is not on the public internet is known by its address, however it is written', () => {
  for (const address of [
    ...['127.0.0.1', '127.8.8.8', '0.0.0.0', '10.0.0.1', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1'],
    ...['192.0.0.8', '192.0.2.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '240.0.0.1'],
    ...['255.255.255.255', '::', '::1', '::ffff:10.0.0.1', '::ffff:7f00:1', '::10.0.0.1', '64:ff9b::a00:1'],
    ...['64:ff9b:1::a00:1', '2002:a00:1::', '2001::1', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'fc00::1', 'fd00::1'],
    ...['ff02::1', '100::1', '2001:db8::1', 'localhost', ''],
  ])
    expect([address, isPublic(address)]).toEqual([address, false]);
  for (const address of ['93.184.215.14', '8.8.8.8', '2606:4700::1111', '::ffff:8.8.8.8'])
    expect([address, isPublic(address)]).toEqual([address, true]);
});

test('a picture is fetched, over redirects too, from the address that was checked', async () => {
  const asked: (string | undefined)[] = [];
  const port = await host(({ url, headers }, response) => {
    asked.push(headers.host);
    if (url === '/a') response.writeHead(302, { Location: '/b.png' }).end();
    else response.end(picture);
  });
  const bytes = await fetchUrl(`http://pictures.example:${port}/a`, options);
  expect(Buffer.from(bytes)).toEqual(picture);
  expect(asked).toEqual([`pictures.example:${port}`, `pictures.example:${port}`]);
});

test('refused is what leads inside, what is no web address, and what is too much', async () => {
  const port = await host(({ url }, response) => {
    if (url === '/inside') response.writeHead(302, { Location: 'http://inside.example/' }).end();
    else if (url === '/metadata') response.writeHead(301, { Location: 'http://169.254.169.254/latest' }).end();
    else if (url === '/file') response.writeHead(301, { Location: 'file:///etc/passwd' }).end();
    else if (url === '/loop') response.writeHead(307, { Location: '/loop' }).end();
    else if (url === '/large') response.end(Buffer.alloc(20_000));
    else if (url === '/gone') response.writeHead(404).end();
    else if (url === '/broken')
      response.writeHead(200, { 'Content-Length': '9' }).write('abc', () => response.destroy());
  });
  const at = `http://pictures.example:${port}`;
  expect([
    await refusal('http://inside.example/'),
    await refusal('http://both.example/'),
    await refusal('http://nowhere.example/'),
    await refusal('http://10.0.0.1/'),
    await refusal('http://0x0a.0.0.1/'),
    await refusal('http://[::1]/'),
    await refusal('http://[::ffff:127.0.0.1]/'),
    await refusal(`${at}/inside`),
    await refusal(`${at}/metadata`),
    await refusal(`${at}/file`),
    await refusal(`${at}/loop`),
    await refusal(`${at}/large`),
    await refusal(`${at}/gone`),
    await refusal(`${at}/broken`),
    await refusal(`${at}/silent`, { maxMs: 300 }),
    await refusal('http://pictures.example/', { maxMs: 300, resolve: () => new Promise(() => {}) }),
    await refusal('http://pictures.example:1/'),
    await refusal(`http://me:secret@pictures.example:${port}/`),
    await refusal('file:///etc/passwd'),
    await refusal('gopher://pictures.example/'),
    await refusal('photo.jpg'),
  ]).toMatchInlineSnapshot(`
    [
      "not-fetched: the URL: its host is not on the public internet; send the picture itself or another URL",
      "not-fetched: the URL: its host is not on the public internet; send the picture itself or another URL",
      "not-fetched: the URL: its host has no address; send the picture itself or another URL",
      "not-fetched: the URL: its host is not on the public internet; send the picture itself or another URL",
      "not-fetched: the URL: its host is not on the public internet; send the picture itself or another URL",
      "not-fetched: the URL: its host is not on the public internet; send the picture itself or another URL",
      "not-fetched: the URL: its host is not on the public internet; send the picture itself or another URL",
      "not-fetched: the URL: its host is not on the public internet; send the picture itself or another URL",
      "not-fetched: the URL: its host is not on the public internet; send the picture itself or another URL",
      "not-fetched: the URL: it begins with file:, not with http: or https:; send the picture itself or another URL",
      "not-fetched: the URL: more than 3 redirects; send the picture itself or another URL",
      "too-large: the picture behind the URL has more than 10000 bytes; give a smaller one",
      "not-fetched: the URL: the answer is 404; it must be 200; send the picture itself or another URL",
      "not-fetched: the URL: no connection (ECONNRESET); send the picture itself or another URL",
      "not-fetched: the URL: it took longer than 0.3 s; send the picture itself or another URL",
      "not-fetched: the URL: it took longer than 0.3 s; send the picture itself or another URL",
      "not-fetched: the URL: no connection (ECONNREFUSED); send the picture itself or another URL",
      "not-fetched: the URL: it has a name or a password in it; send the picture itself or another URL",
      "not-fetched: the URL: it begins with file:, not with http: or https:; send the picture itself or another URL",
      "not-fetched: the URL: it begins with gopher:, not with http: or https:; send the picture itself or another URL",
      "not-fetched: the URL: it is none; send the picture itself or another URL",
    ]
  `);
});

test('a server takes URLs only where it was told to', async () => {
  const json = { 'Content-Type': 'application/json' };
  const send = async (body: unknown, fetchUrls: boolean) =>
    problem(post(await testServer({ fetchUrls }), typeof body === 'string' ? body : JSON.stringify(body), json));
  expect([
    await send({ url: 'http://127.0.0.1/' }, false),
    await send({ url: 'http://127.0.0.1:22/' }, true),
    await send({ url: 'http://localhost/' }, true),
    await send({ url: 7 }, true),
    await send({ url: 'http://127.0.0.1/', threshold: 2 }, true),
    await send({ file: 'a' }, true),
    await send('{', true),
    await send('x'.repeat(20_000), true),
  ]).toMatchInlineSnapshot(`
    [
      "415 wrong-type: the content type is application/json; send the picture as the field "file" of a multipart/form-data form",
      "422 not-fetched: the URL: its host is not on the public internet; send the picture itself or another URL",
      "422 not-fetched: the URL: its host is not on the public internet; send the picture itself or another URL",
      "400 bad-request: the field "url" must be a text",
      "400 bad-request: the field "threshold" must be at least 0 and less than 1, such as 0.5",
      "400 bad-request: the field "url" must be a text",
      "400 bad-request: the body is not JSON; send {"url": "https://…"}",
      "413 too-large: the request has more than 10000 bytes, which is the most that is taken",
    ]
  `);
  expect((await post(await testServer({ fetchUrls: true }), formOf(picture, { evidence: 'false' }))).status).toBe(200);
});

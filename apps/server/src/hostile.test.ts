import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { deflateSync, crc32 } from 'node:zlib';
import sharp from 'sharp';
import { expect, onTestFinished, test } from 'vitest';
import type { AnalysisResource } from './openapi.ts';
import { listenWith } from './serve.ts';
import type { Settings } from './settings.ts';
import { formOf, patched, post, problem, testServer } from './testing/server.ts';

const picture = await patched().png().toBuffer();
const noEvidence = { evidence: 'false' };

/** A server with a socket, and what it answers to bytes that are sent as they are. */
async function listening(requestTimeoutMs: number, given: Partial<Settings> = {}) {
  const server = await testServer(given);
  const socketServer = listenWith(server, { requestTimeoutMs });
  socketServer.listen(0, '127.0.0.1');
  await once(socketServer, 'listening');
  onTestFinished(() => {
    socketServer.close();
    socketServer.closeAllConnections();
  });
  const { port } = socketServer.address() as AddressInfo;
  const send = async (text: string) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.on('data', chunk => (answer += chunk.toString()));
    socket.write(text);
    await once(socket, 'close');
    const [, status] = /^HTTP\/1\.1 (\d+)/.exec(answer) ?? [];
    const { detail } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as { detail: string };
    return `${status}: ${detail}`;
  };
  return { ...server, send, url: `http://127.0.0.1:${port}` };
}

const head = 'POST /v1/analyses HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n';

test('a request that comes in too slowly is ended with 408, and its place is free again', async () => {
  const { send, url } = await listening(500, { maxWaiting: 1 });
  const slow = `${head}Content-Length: 1000\r\n\r\n--x\r\n`;
  expect(await Promise.all([send(slow), send(slow)])).toEqual(
    Array(2).fill('408: the request was not there after 0.5 s; send it faster'),
  );
  expect(await send('POST /v1/analyses HTTP/1.1\r\nHost: local')).toMatch(/^408: /);
  const response = await fetch(`${url}/v1/analyses`, { method: 'POST', body: formOf(picture, noEvidence) });
  expect(response.status).toBe(200);
});

test('who goes away in the middle of sending leaves no fault in the log, and the place is free again', async () => {
  const { url, log } = await listening(10_000, { maxWaiting: 1 });
  for (let i = 0; i < 3; i++) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write(`${head}Content-Length: 1000\r\n\r\n--x\r\n`);
    await setTimeout(50);
    socket.destroy();
  }
  await setTimeout(50);
  const response = await fetch(`${url}/v1/analyses`, { method: 'POST', body: formOf(picture, noEvidence) });
  expect([response.status, log]).toEqual([200, []]);
});

test('headers that are too large, and what is no HTTP, are answered as such', async () => {
  const { send } = await listening(10_000);
  expect([
    await send(`${head}X-Large: ${'x'.repeat(20_000)}\r\n\r\n`),
    await send('HELO\r\n\r\n'),
    await send(`${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`),
  ]).toMatchInlineSnapshot(`
    [
      "431: the headers have more than 16384 bytes; send fewer",
      "400: the request is not HTTP (HPE_INVALID_METHOD)",
      "400: the request is not HTTP (HPE_INVALID_TRANSFER_ENCODING)",
    ]
  `);
});

/** A PNG that says it is so large; its pixels are zeros, packed. */
function pngOf(width: number, height: number, pixels: Uint8Array): Buffer {
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    checksum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, checksum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const text = Buffer.concat([Buffer.from('Comment\0\0'), deflateSync(Buffer.alloc(5e6, 'a'))]);
  return Buffer.concat([
    ...[signature, chunk('IHDR', header), chunk('zTXt', text)],
    ...[chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))],
  ]);
}

test('a small file that becomes a large picture is refused before it does', async () => {
  const server = await testServer({ maxPixels: 1e6, maxFrames: 10 });
  const black = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: 'black' }, limitInputPixels: false });
  const bombs = [
    pngOf(2 ** 31 - 1, 2 ** 31 - 1, deflateSync(Buffer.alloc(1000))),
    pngOf(60_000, 60_000, deflateSync(Buffer.alloc(1e6))),
    await black(2000, 2000).png().toBuffer(),
    await black(2000, 2000).webp({ quality: 1 }).toBuffer(),
    await black(2000, 2000).tiff({ compression: 'deflate' }).toBuffer(),
    await black(2000, 2000).gif().toBuffer(),
    await black(2000, 2000).jpeg({ quality: 1 }).toBuffer(),
    await black(200, 10_000).gif({ effort: 1 }).toBuffer(),
  ];
  for (const bomb of bombs) expect(bomb.length).toBeLessThan(400_000);
  const answers: string[] = [];
  for (const bomb of bombs) answers.push(await problem(post(server, formOf(bomb, noEvidence))));
  expect(answers).toMatchInlineSnapshot(`
    [
      "422 not-a-picture: photo.png: not a readable image (Input buffer has corrupt header:)",
      "422 not-a-picture: photo.png: 60000×60000 is 3600000000 pixels but at most 1000000 are decoded; scale the picture down or raise the limit",
      "422 not-a-picture: photo.png: 2000×2000 is 4000000 pixels but at most 1000000 are decoded; scale the picture down or raise the limit",
      "422 not-a-picture: photo.png: 2000×2000 is 4000000 pixels but at most 1000000 are decoded; scale the picture down or raise the limit",
      "422 not-a-picture: photo.png: 2000×2000 is 4000000 pixels but at most 1000000 are decoded; scale the picture down or raise the limit",
      "422 not-a-picture: photo.png: 2000×2000 is 4000000 pixels but at most 1000000 are decoded; scale the picture down or raise the limit",
      "422 not-a-picture: photo.png: 2000×2000 is 4000000 pixels but at most 1000000 are decoded; scale the picture down or raise the limit",
      "422 not-a-picture: photo.png: 200×10000 is 2000000 pixels but at most 1000000 are decoded; scale the picture down or raise the limit",
    ]
  `);
  expect([server.log, server.pool.counts.restarts]).toEqual([[], 0]);
});

test('a picture of many frames is refused, in each format that can have them', async () => {
  const server = await testServer({ maxFrames: 3 });
  const frames = (
    await Promise.all(
      [1, 2, 3, 4].map(n =>
        patched()
          .modulate({ brightness: 1 / n })
          .png()
          .toBuffer(),
      ),
    )
  ).map(input => ({ input }));
  const join = () =>
    sharp(
      frames.map(({ input }) => input),
      { join: { animated: true } },
    );
  for (const bytes of [await join().gif().toBuffer(), await join().webp().toBuffer(), await join().tiff().toBuffer()])
    expect(await problem(post(server, formOf(bytes, noEvidence)))).toMatch(/^422 not-a-picture: .*frames or pages/);
});

test('SVG is refused, whatever it would have read or become', async () => {
  const server = await testServer();
  const laughs = Array.from({ length: 9 }, (_, i) => `<!ENTITY a${i + 1} "${`&a${i};`.repeat(10)}">`).join('');
  const svg = (before: string, inside: string) =>
    `<?xml version="1.0"?>${before}<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">${inside}</svg>`;
  for (const text of [
    svg('', '<script>alert(1)</script>'),
    svg('', '<image href="file:///etc/passwd" width="9" height="9"/>'),
    svg(`<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>`, '<text>&x;</text>'),
    svg(`<!DOCTYPE svg [<!ENTITY a0 "ha">${laughs}]>`, '<text>&a9;</text>'),
  ])
    expect(await problem(post(server, formOf(Buffer.from(text), noEvidence, 'a.svg')))).toMatch(
      /^422 not-a-picture: a\.svg: not a readable image/,
    );
});

test('a file that is a picture and something else is taken as the picture, and gives back nothing of the rest', async () => {
  const server = await testServer();
  const script = Buffer.from('<html><script>alert("polyglot")</script></html>');
  const jpeg = await patched().jpeg().toBuffer();
  for (const [bytes, name] of [
    [Buffer.concat([jpeg, script]), 'photo.jpg<script>alert(1)</script>'],
    [Buffer.concat([picture, Buffer.from('PK\u0003\u0004'), script]), 'photo.html'],
    [Buffer.concat([await patched().gif().toBuffer(), Buffer.from('=1;/*'), script]), '"><script>.gif'],
  ] as const) {
    const response = await post(server, formOf(bytes, noEvidence, name));
    expect(response.status).toBe(200);
    const { links } = (await response.json()) as AnalysisResource;
    const report = await (await server.app.request(links.report)).text();
    expect(report).not.toMatch(/<script>alert/);
    for (const link of links.maps) {
      const map = Buffer.from(await (await server.app.request(link)).arrayBuffer());
      expect(map.includes('polyglot')).toBe(false);
    }
  }
  const others = [
    Buffer.concat([Buffer.from('%PDF-1.4\n'), jpeg]),
    Buffer.concat([script, jpeg]),
    Buffer.from('GIF89a/*\u0000=1;alert(1)'),
  ];
  for (const bytes of others)
    expect(await problem(post(server, formOf(bytes, noEvidence)))).toMatch(/^422 not-a-picture/);
});

test('no name makes a file anywhere', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'forgelens-hostile-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const server = await testServer({ store: join(folder, 'inner/results.sqlite') }).catch(String);
  expect(server).toContain('UsageError: cannot keep results in');
  const kept = await testServer({ store: join(folder, 'results.sqlite') });
  for (const name of [
    '../escaped.png',
    '..\\escaped.png',
    '/etc/escaped.png',
    'C:\\escaped.png',
    'a\0.png',
    '.',
    'CON',
  ])
    expect((await post(kept, formOf(picture, noEvidence, name))).status).toBe(200);
  expect(readdirSync(folder).filter(name => !name.startsWith('results.sqlite'))).toEqual([]);
});

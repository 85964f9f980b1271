/**
 * Downloading weights from a server that cuts, stalls, lies about lengths, serves wrong bytes and other
 * trouble: always the right file in its place, or an error that says what to do, and no leftovers.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { defaultCacheFolder } from '../../src/base/cache-folder.node.ts';
import { BneckError } from '../../src/base/errors.ts';
import { type FetchOptions, fetchPretrained, fetchWeights } from '../../src/model/pretrained.node.ts';
import { content, honest, ignoresRange, raw, sends, status, WeightsServer, weightsOf } from './weights-server.ts';

const LENGTH = 300_000;
const BYTES = content(LENGTH);
const WEIGHTS = weightsOf(BYTES);
const root = mkdtempSync(join(tmpdir(), 'bneck-weights-'));
let server: WeightsServer;
let cacheFolder: string;
let folders = 0;

beforeEach(async () => {
  server = await WeightsServer.start(BYTES);
  cacheFolder = join(root, String(folders++), 'cache');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.stop();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function fetchIt(options: FetchOptions = {}): Promise<string> {
  const { baseUrl } = server;
  return fetchWeights(WEIGHTS, { cacheFolder, baseUrl, stallTimeoutMs: 400, retryDelayMs: 10, ...options });
}

async function failure(promise: Promise<unknown>): Promise<BneckError> {
  const error = await promise.then(
    () => new Error('nothing was thrown'),
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(BneckError);
  expect(error.message).not.toContain('\n');
  return error as BneckError;
}

/** The file lies in its place, whole, and alone. */
async function expectFetched(options: FetchOptions = {}): Promise<void> {
  const path = await fetchIt(options);
  expect(path).toBe(join(cacheFolder, WEIGHTS.file));
  expect(readFileSync(path).equals(BYTES)).toBe(true);
  expect(readdirSync(cacheFolder)).toEqual([WEIGHTS.file]);
}

const ranges = (): (string | null)[] => server.requests.map(({ range }) => range);

test('a plain download, with progress; the second time nothing is asked for', async () => {
  const seen: number[] = [];
  await expectFetched({
    onProgress: ({ phase, file, receivedBytes, totalBytes }) => {
      expect([phase, file, totalBytes]).toEqual(['downloading', WEIGHTS.file, LENGTH]);
      seen.push(receivedBytes);
    },
  });
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect([seen[0], seen.at(-1)]).toEqual([0, LENGTH]);
  await expectFetched();
  expect(server.requests).toEqual([{ url: `/models/${WEIGHTS.file}`, range: null, ifRange: null }]);
});

test('cut connections: what arrived is not asked for again', async () => {
  server.script = [sends(100_000, 'cut'), sends(50_000, 'cut'), sends(1, 'cut')];
  await expectFetched();
  expect(ranges()).toEqual([null, 'bytes=100000-', 'bytes=150000-', 'bytes=150001-']);
  expect(server.requests.at(-1)?.ifRange).toBe('"first"');
  expect(server.sentBytes).toBe(LENGTH);
});

test('a stalled connection is made anew', async () => {
  server.script = [sends(70_000, 'stall'), () => {}, sends(30_000, 'stall')];
  await expectFetched();
  expect(ranges()).toEqual([null, 'bytes=70000-', 'bytes=70000-', 'bytes=100000-']);
});

test('a server without ranges: from the start, each time', async () => {
  server.script = [ignoresRange(200_000), ignoresRange(250_000), ignoresRange()];
  await expectFetched();
  server.script = Array(9).fill(ignoresRange(1000));
  cacheFolder = join(root, 'never');
  expect((await failure(fetchIt())).message).toContain('could not be downloaded: ');
  expect(server.script.length).toBe(4); // one that brought something, and four that brought nothing new
});

test('a file that changes between two connections is begun again', async () => {
  server.etag = '"old"';
  server.content = content(LENGTH, 77);
  server.script = [
    sends(100_000, 'cut'),
    (request, response, s) => {
      s.etag = '"new"';
      s.content = BYTES;
      honest(request, response, s);
    },
  ];
  await expectFetched();
  expect(server.requests[1]).toMatchObject({ range: 'bytes=100000-', ifRange: '"old"' });
});

test('lies about the length', async () => {
  const short = [`HTTP/1.1 200 OK`, `content-length: ${LENGTH - 9}`];
  server.script = [raw(short, BYTES)];
  await expectFetched();
  cacheFolder += '2';
  server.script = [raw(['HTTP/1.1 200 OK', `content-length: ${LENGTH + 9}`], BYTES)];
  await expectFetched();
  cacheFolder += '3';
  server.script = [raw(['HTTP/1.1 200 OK', 'connection: close'], BYTES)];
  await expectFetched();
  cacheFolder += '4';
  server.script = [raw(['HTTP/1.1 200 OK', 'content-length: 12x'], BYTES)];
  await expectFetched();
});

test('more than belongs there is not taken', async () => {
  server.script = [raw(['HTTP/1.1 200 OK', 'content-length: 99999999999'], BYTES)];
  expect((await failure(fetchIt())).message).toContain('offers 99999999999 bytes');
  server.script = [raw(['HTTP/1.1 200 OK', 'connection: close'], content(2 * LENGTH))];
  expect((await failure(fetchIt())).message).toContain('sends more than');
  expect(readdirSync(cacheFolder)).toEqual([]);
  await expectFetched();
});

test('wrong bytes are told and thrown away', async () => {
  server.content = content(LENGTH, 2);
  const error = await failure(fetchIt());
  expect(error.code).toBe('file');
  expect(error.message).toContain(`not ${WEIGHTS.sha256Prefix}`);
  expect(readdirSync(cacheFolder)).toEqual([]);
  expect(ranges()).toEqual([null, null]); // once more, in case it was the way
  server.content = new Uint8Array(0);
  expect((await failure(fetchIt())).message).toContain('begins with e3b0c442');
});

test('parts that are left: of this file, whole, of another, too long', async () => {
  mkdirSync(cacheFolder, { recursive: true });
  const part = join(cacheFolder, `${WEIGHTS.file}.part`);
  const remove = () => rmSync(join(cacheFolder, WEIGHTS.file));
  writeFileSync(part, BYTES.subarray(0, 123_456));
  await expectFetched();
  expect(ranges()).toEqual(['bytes=123456-']);
  remove();
  writeFileSync(part, BYTES);
  await expectFetched(); // 416, and the part is right
  expect(server.sentBytes).toBe(LENGTH - 123_456);
  remove();
  writeFileSync(part, content(1000, 5));
  await expectFetched(); // pieced together, wrong, and begun again
  expect(ranges().slice(-2)).toEqual(['bytes=1000-', null]);
  remove();
  writeFileSync(part, content(LENGTH, 5));
  await expectFetched();
  remove();
  writeFileSync(part, content(LENGTH + 1, 5));
  await expectFetched(); // 416 with another length
  remove();
  writeFileSync(part, content(2 * LENGTH, 5));
  await expectFetched();
  expect(ranges().at(-1)).toBe(null);
});

test('another range than asked for is not believed', async () => {
  const lie = raw(
    ['HTTP/1.1 206 Partial', `content-range: bytes 5-${LENGTH - 1}/${LENGTH}`, 'content-length: 9'],
    BYTES,
  );
  server.script = [sends(100_000, 'cut'), lie, status(206), sends(60_000, 'cut')];
  await expectFetched();
});

test('redirects are followed, circles are not', async () => {
  server.script = [status(302, { location: '/elsewhere/file' })];
  await expectFetched();
  expect(server.requests.map(({ url }) => url)).toEqual([`/models/${WEIGHTS.file}`, '/elsewhere/file']);
  cacheFolder += '2';
  server.script = Array(200).fill(status(302, { location: '/again' }));
  expect((await failure(fetchIt())).message).toContain('redirect');
});

test('an unwell server is asked again, a missing file is not', async () => {
  server.script = [status(500), status(503), status(429)];
  await expectFetched();
  cacheFolder += '2';
  server.script = [status(404)];
  const { message } = await failure(fetchIt());
  const address = `${server.baseUrl}${WEIGHTS.file}`;
  expect(message).toBe(
    `The weights ${WEIGHTS.file} could not be downloaded: the server answers with status 404. Download ${address} in another way and put it at ${join(cacheFolder, WEIGHTS.file)}, or set BNECK_WEIGHTS_URL to a mirror.`,
  );
  server.script = Array(9).fill(status(500));
  expect((await failure(fetchIt())).message).toContain('status 500');
  expect(server.script.length).toBe(5);
  server.script = [status(204)];
  expect((await failure(fetchIt())).message).toContain('status 204');
});

test('a compressing server', async () => {
  const body = gzipSync(BYTES);
  server.script = [raw(['HTTP/1.1 200 OK', 'content-encoding: gzip', `content-length: ${body.length}`], body)];
  await expectFetched();
});

test('without a network: the file, its place and its address; a file put there by hand is taken', async () => {
  await server.stop();
  const begin = performance.now();
  const { message } = await failure(fetchIt({ retryDelayMs: 5000 }));
  expect(performance.now() - begin).toBeLessThan(3000);
  for (const part of ['ECONNREFUSED', WEIGHTS.file, cacheFolder, server.baseUrl, 'BNECK_WEIGHTS_URL']) {
    expect(message).toContain(part);
  }
  writeFileSync(join(cacheFolder, WEIGHTS.file), BYTES.subarray(1));
  expect((await failure(fetchIt())).message).toContain('damaged');
  writeFileSync(join(cacheFolder, WEIGHTS.file), BYTES);
  await expectFetched();
});

test('a damaged file in the cache is replaced', async () => {
  mkdirSync(cacheFolder, { recursive: true });
  writeFileSync(join(cacheFolder, WEIGHTS.file), content(LENGTH, 3));
  await expectFetched();
  rmSync(join(cacheFolder, WEIGHTS.file));
  mkdirSync(join(cacheFolder, WEIGHTS.file));
  expect((await failure(fetchIt())).message).toContain('is in the way');
});

test('stopped, then gone on with', async () => {
  const controller = new AbortController();
  server.script = [sends(90_000, 'stall')];
  const stopped = fetchIt({
    signal: controller.signal,
    stallTimeoutMs: 30_000,
    onProgress: ({ receivedBytes }) => receivedBytes >= 90_000 && controller.abort(new Error('enough')),
  });
  await expect(stopped).rejects.toThrow('enough');
  expect(readdirSync(cacheFolder)).toEqual([`${WEIGHTS.file}.part`]);
  await expectFetched();
  expect(ranges()).toEqual([null, 'bytes=90000-']);
  await expect(fetchIt({ signal: AbortSignal.abort(new Error('never')) })).rejects.toThrow('never');
});

test('a folder that cannot be made', async () => {
  writeFileSync(join(root, 'file'), '');
  expect((await failure(fetchIt({ cacheFolder: join(root, 'file', 'cache') }))).code).toBe('file');
});

test('addresses and places from the environment', async () => {
  vi.stubEnv('XDG_CACHE_HOME', join(root, 'xdg'));
  expect(defaultCacheFolder()).toBe(join(root, 'xdg', 'bneck'));
  vi.stubEnv('BNECK_WEIGHTS_URL', server.baseUrl.slice(0, -1)); // without the slash
  const path = await fetchWeights(WEIGHTS);
  expect(path).toBe(join(root, 'xdg', 'bneck', WEIGHTS.file));
  expect(server.requests[0]?.url).toBe(`/models/${WEIGHTS.file}`);
  server.script = [status(404)];
  expect((await failure(fetchPretrained('imagenet', { family: 'mobilenet_v2' }))).message).toContain(
    'mobilenet_v2-7ebf99e0.pth',
  );
  vi.stubEnv('XDG_CACHE_HOME', 'relative');
  expect(defaultCacheFolder()).toMatch(/\.cache[\\/]bneck$/);
  for (const baseUrl of ['weights', 'file:///tmp', 'ftp://x/', 'http://user:secret@127.0.0.1/']) {
    const error = await failure(fetchIt({ baseUrl }));
    expect(error.code).toBe('option');
    expect(error.message).not.toContain('secret');
  }
  expect(existsSync(cacheFolder)).toBe(false);
});

/**
 * Several who want the same weights at once: in one process, in two, with one that was killed while it
 * held the lock, and with locks that are left or unreadable. One download each time, and the right bytes.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { withFileLock } from '../../src/base/file-lock.node.ts';
import { fetchWeights } from '../../src/model/pretrained.node.ts';
import { content, sends, WeightsServer, weightsOf } from './weights-server.ts';

const BYTES = content(200_000);
const WEIGHTS = weightsOf(BYTES);
const root = mkdtempSync(join(tmpdir(), 'bneck-processes-'));
const repository = fileURLToPath(new URL('../..', import.meta.url));
let server: WeightsServer;
let cacheFolder: string;
let folders = 0;
const children: ChildProcess[] = [];

/** Another process cannot read TypeScript: what it needs is compiled, once. */
beforeAll(() => {
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }');
  const config = {
    extends: join(repository, 'tsconfig.json'),
    compilerOptions: { noEmit: false, rootDir: join(repository, 'src'), outDir: join(root, 'compiled') },
    files: [join(repository, 'src/model/pretrained.node.ts')],
    include: [],
  };
  writeFileSync(join(root, 'tsconfig.json'), JSON.stringify(config));
  for (const folder of ['node_modules', 'wasm']) symlinkSync(join(repository, folder), join(root, folder));
  execFileSync(process.execPath, [join(repository, 'node_modules/typescript/bin/tsc'), '-p', root]);
});
beforeEach(async () => {
  server = await WeightsServer.start(BYTES);
  cacheFolder = join(root, String(folders++));
  mkdirSync(cacheFolder);
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await server.stop();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const lockPath = (): string => join(cacheFolder, `${WEIGHTS.file}.lock`);

function fetchHere(): Promise<string> {
  return fetchWeights(WEIGHTS, { cacheFolder, baseUrl: server.baseUrl, retryDelayMs: 10 });
}

/** A process that fetches the same file. */
function fetchElsewhere(): { child: ChildProcess; done: Promise<string> } {
  const module = pathToFileURL(join(root, 'compiled/model/pretrained.node.js'));
  const options = { cacheFolder, baseUrl: server.baseUrl, retryDelayMs: 10 };
  const program = `const { fetchWeights } = await import(${JSON.stringify(module)});
    process.stdout.write(await fetchWeights(${JSON.stringify(WEIGHTS)}, ${JSON.stringify(options)}));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  let out = '';
  child.stdout?.on('data', (chunk) => {
    out += chunk;
  });
  return { child, done: new Promise((resolve) => child.on('close', () => resolve(out))) };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

function expectOnlyTheFile(): void {
  expect(readFileSync(join(cacheFolder, WEIGHTS.file)).equals(BYTES)).toBe(true);
  expect(readdirSync(cacheFolder)).toEqual([WEIGHTS.file]);
}

test('three at once in one process: one download', async () => {
  const paths = await Promise.all([fetchHere(), fetchHere(), fetchHere()]);
  expect(new Set(paths).size).toBe(1);
  expect(server.requests.length).toBe(1);
  expectOnlyTheFile();
});

test('two processes and this one: one download', async () => {
  const [one, two] = [fetchElsewhere(), fetchElsewhere()];
  const path = await fetchHere();
  expect(await Promise.all([one.done, two.done])).toEqual([path, path]);
  expect(server.requests.length).toBe(1);
  expectOnlyTheFile();
});

test('a process that is killed while it downloads: the next goes on where it was', async () => {
  server.script = [sends(80_000, 'stall')];
  const { child, done } = fetchElsewhere();
  const part = join(cacheFolder, `${WEIGHTS.file}.part`);
  await until(() => existsSync(part) && readFileSync(part).length === 80_000);
  expect(existsSync(lockPath())).toBe(true);
  child.kill('SIGKILL');
  await done;
  await fetchHere();
  expect(server.requests.map(({ range }) => range)).toEqual([null, 'bytes=80000-']);
  expectOnlyTheFile();
});

test('locks that were left are taken over: of a dead process, of another machine long ago, unreadable', async () => {
  const { child, done } = fetchElsewhere();
  await done;
  const longAgo = new Date(Date.now() - 3_600_000);
  const left: [string, Date][] = [
    [JSON.stringify({ pid: child.pid, host: hostname(), token: 'x' }), new Date()],
    [JSON.stringify({ pid: process.pid, host: 'elsewhere', token: 'x' }), longAgo],
    ['', longAgo],
    ['{"pid":"1"}', longAgo],
  ];
  for (const [text, touched] of left) {
    rmSync(join(cacheFolder, WEIGHTS.file));
    writeFileSync(lockPath(), text);
    utimesSync(lockPath(), touched, touched);
    await Promise.all([fetchHere(), fetchHere()]);
    expectOnlyTheFile();
  }
  expect(server.requests.length).toBe(1 + left.length);
});

test('a lock that is alive is waited for, and said so; waiting can be stopped', async () => {
  writeFileSync(lockPath(), JSON.stringify({ pid: process.pid, host: 'elsewhere', token: 'x' }));
  const phases: string[] = [];
  const options = { cacheFolder, baseUrl: server.baseUrl };
  const waiting = fetchWeights(WEIGHTS, { ...options, onProgress: ({ phase }) => phases.push(phase) });
  await until(() => phases.length > 0);
  const stopped = fetchWeights(WEIGHTS, { ...options, signal: AbortSignal.timeout(100) });
  await expect(stopped).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(phases).toEqual(['waiting']);
  rmSync(lockPath());
  await waiting;
  expect(phases.at(-1)).toBe('downloading');
  expectOnlyTheFile();
});

test('a holder keeps its lock however long it works', async () => {
  const order: string[] = [];
  const long = withFileLock(
    lockPath(),
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 900));
      order.push('first');
    },
    { staleMs: 300 },
  );
  await until(() => existsSync(lockPath()) && readFileSync(lockPath()).length > 0);
  // Made to look like another machine's, so that only its touches keep it.
  const foreign = JSON.stringify({ ...JSON.parse(readFileSync(lockPath(), 'utf8')), host: 'elsewhere' });
  writeFileSync(lockPath(), foreign);
  await withFileLock(lockPath(), async () => order.push('second'), { staleMs: 300 });
  await long;
  expect(order).toEqual(['first', 'second']);
  await expect(withFileLock(join(root, 'no', 'folder'), async () => 1)).rejects.toMatchObject({ code: 'file' });
});

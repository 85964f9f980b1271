/**
 * Opens a page in headless Chromium and waits for what its script reports. The page is served from this
 * process, with or without the headers that make it cross-origin isolated; it reports by posting JSON to
 * /report. Invariant: the browser and the server are gone when `runPage` returns.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, extname, join, normalize } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const TIMEOUT_MS = 45_000;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};
const ISOLATED = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

/** The path of Chromium, or null where there is none. */
export function findChromium(): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  return found ?? null;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

export interface PageOptions {
  readonly chromium: string;
  /** Folders that are served, the first that has the file. */
  readonly folders: readonly string[];
  /** Of the page, from the server's root. */
  readonly path: string;
  readonly isolated: boolean;
}

async function readServed(folders: readonly string[], path: string): Promise<Buffer | null> {
  for (const folder of folders) {
    const bytes = await readFile(join(folder, normalize(`/${path}`))).catch(() => null);
    if (bytes !== null) return bytes;
  }
  return null;
}

function serve({ folders, isolated }: PageOptions, report: (text: string) => void): Server {
  return createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    if (path === '/report') {
      report(await bodyOf(request));
      response.end();
      return;
    }
    const bytes = await readServed(folders, path);
    const type = TYPES[extname(path)] ?? 'application/octet-stream';
    response.writeHead(bytes === null ? 404 : 200, { 'Content-Type': type, ...(isolated && ISOLATED) });
    response.end(bytes);
  });
}

function open(chromium: string, address: string, profile: string): ChildProcess {
  const quiet = ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage', ...quiet];
  const own = [`--user-data-dir=${profile}`, '--remote-debugging-port=0'];
  return spawn(chromium, [...flags, ...own, address], { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** @returns what the page posted */
export async function runPage(options: PageOptions): Promise<unknown> {
  const profile = await mkdtemp(join(tmpdir(), 'bneck-chromium-'));
  let settle: { resolve: (text: string) => void; reject: (error: Error) => void } | undefined;
  const reported = new Promise<string>((resolve, reject) => {
    settle = { resolve, reject };
  });
  const server = serve(options, (text) => settle?.resolve(text));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const browser = open(options.chromium, `http://127.0.0.1:${port}/${options.path}`, profile);
  let said = '';
  browser.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  const ended = new Promise<void>((resolve) => browser.once('close', () => resolve()));
  const fail = (problem: string) => settle?.reject(new Error(`${problem}\n${said.slice(-4000)}`));
  browser.once('error', (error) => fail(`Chromium did not start: ${error.message}`));
  browser.once('exit', (code) => fail(`Chromium ended with ${code}`));
  const timer = setTimeout(() => fail(`the page reported nothing in ${TIMEOUT_MS / 1000} s`), TIMEOUT_MS);
  try {
    return JSON.parse(await reported);
  } finally {
    clearTimeout(timer);
    browser.kill('SIGKILL');
    await ended;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/**
 * A GET over http or https that follows redirects, on Node's own http modules. Not `fetch`: the one in
 * Node 24 can end the whole process (an assertion in its parser, `!this.paused`) when a server closes
 * the connection while the reader is slower than the network, which is what downloading to disk is.
 */
import { get as httpGet, type IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

export interface HttpAnswer {
  /** Of the last redirect. */
  readonly url: URL;
  readonly status: number;
  /** The value of a header, or null. */
  header(name: string): string | null;
  /** The content, unpacked if the server sent it gzipped all the same. */
  readonly body: Readable;
  /** Closes the connection if there is more to come. */
  cancel(): void;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MOST_REDIRECTS = 10;

function request(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const get = url.protocol === 'https:' ? httpsGet : httpGet;
    get(url, { headers, signal }, resolve).on('error', reject);
  });
}

/** @throws what the system says of a connection that failed, and Error for redirects that lead nowhere */
export async function getFollowing(
  address: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  let url = address;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const message = await request(url, headers, signal);
    const status = message.statusCode ?? 0;
    const { location } = message.headers;
    if (!REDIRECTS.has(status) || location === undefined) return answerOf(url, status, message);
    message.destroy();
    url = new URL(location, url);
    if (!/^https?:$/.test(url.protocol)) throw new Error(`the server leads to ${url.protocol}, which is not followed`);
  }
  throw new Error('the server leads from one address to the next without end (redirect count exceeded)');
}

function answerOf(url: URL, status: number, message: IncomingMessage): HttpAnswer {
  const header = (name: string): string | null => {
    const value = message.headers[name];
    return value === undefined ? null : String(value);
  };
  const gzipped = header('content-encoding') === 'gzip';
  const body = gzipped ? message.pipe(createGunzip()) : message;
  if (gzipped) message.on('error', (error) => body.destroy(error));
  message.on('error', () => {}); // told by the body to whoever reads it
  return { url, status, header, body, cancel: () => message.destroy() };
}

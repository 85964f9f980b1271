/**
 * A server of weights for tests, on 127.0.0.1, that behaves as told: a list of behaviours, one a request,
 * and an honest one when the list is used up. It counts what it was asked for and what it sent.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PretrainedWeights } from '../../src/model/pretrained-weights.ts';

export type Behaviour = (request: IncomingMessage, response: ServerResponse, server: WeightsServer) => void;

export class WeightsServer {
  /** What the file really holds. */
  content: Uint8Array;
  etag = '"first"';
  script: Behaviour[] = [];
  readonly requests: { url: string; range: string | null; ifRange: string | null }[] = [];
  sentBytes = 0;
  /** Of the folder that holds the file. It stays what it was when the server has stopped. */
  baseUrl = '';
  readonly #server: Server;

  private constructor(content: Uint8Array) {
    this.content = content;
    this.#server = createServer((request, response) => {
      const { range = null, 'if-range': ifRange = null } = request.headers;
      this.requests.push({ url: request.url ?? '', range, ifRange: ifRange as string | null });
      response.on('error', () => {});
      (this.script.shift() ?? honest)(request, response, this);
    });
  }

  static async start(content: Uint8Array): Promise<WeightsServer> {
    const server = new WeightsServer(content);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    server.baseUrl = `http://127.0.0.1:${(server.#server.address() as AddressInfo).port}/models/`;
    return server;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Bytes without a pattern, so that no shift of them goes unnoticed. */
export function content(length: number, seed = 1): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

export function weightsOf(bytes: Uint8Array, file = 'mobilenet_v3_small-test.pth'): PretrainedWeights {
  return {
    family: 'mobilenet_v3_small',
    version: 'v1',
    file,
    sha256Prefix: createHash('sha256').update(bytes).digest('hex').slice(0, 8),
    mebibytes: bytes.length / 2 ** 20,
    top1Percent: 0,
    top5Percent: 0,
    preprocessing: { resolution: 224, resize: 256, mean: [0, 0, 0], std: [1, 1, 1] },
  };
}

/** What a request asks for: the whole file, or from a byte on if the file is still the one it began. */
function wanted(request: IncomingMessage, server: WeightsServer): number {
  const { range, 'if-range': ifRange } = request.headers;
  if (range === undefined || (ifRange !== undefined && ifRange !== server.etag)) return 0;
  return Number(/^bytes=(\d+)-$/.exec(range)?.[1]);
}

function head(response: ServerResponse, server: WeightsServer, start: number, length: number): void {
  const total = server.content.length;
  const range = start > 0 ? { 'content-range': `bytes ${start}-${total - 1}/${total}` } : {};
  response.writeHead(start > 0 ? 206 : 200, { 'content-length': length, etag: server.etag, ...range });
}

/** Does as HTTP says. */
export const honest: Behaviour = (request, response, server) => {
  const start = wanted(request, server);
  if (start >= server.content.length && start > 0) {
    response.writeHead(416, { 'content-range': `bytes */${server.content.length}` }).end();
    return;
  }
  const body = server.content.subarray(start);
  head(response, server, start, body.length);
  server.sentBytes += body.length;
  response.end(body);
};

/** Promises all that is wanted, sends `count` bytes of it, and hangs up, or hangs. */
export function sends(count: number, then: 'cut' | 'stall'): Behaviour {
  return (request, response, server) => {
    const start = wanted(request, server);
    head(response, server, start, server.content.length - start);
    server.sentBytes += count;
    response.write(server.content.subarray(start, start + count), () => {
      if (then === 'cut') setTimeout(() => response.destroy(), 20); // what was written still goes out
    });
  };
}

/** Sends the whole file whatever is asked for; cut after `count` bytes if given. */
export function ignoresRange(count?: number): Behaviour {
  return (_request, response, server) => {
    head(response, server, 0, server.content.length);
    const body = server.content.subarray(0, count);
    server.sentBytes += body.length;
    if (count === undefined) response.end(body);
    else response.write(body, () => setTimeout(() => response.destroy(), 20));
  };
}

/** Answers with a status and headers, and a short body. */
export function status(code: number, headers: Record<string, string> = {}): Behaviour {
  return (_request, response) => {
    response.writeHead(code, headers).end(code === 204 ? undefined : 'no weights here');
  };
}

/** Bytes as they stand, behind the head of an answer as it stands: for what `node:http` would not send. */
export function raw(headLines: readonly string[], body: Uint8Array): Behaviour {
  return (_request, response, server) => {
    server.sentBytes += body.length;
    response.socket?.write(`${headLines.join('\r\n')}\r\n\r\n`);
    response.socket?.end(body);
  };
}

/**
 * The engine's threads under Node: workers that share one WebAssembly memory. They keep the process
 * alive only while a program runs.
 */
import { readFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { BneckError } from '../base/errors.ts';
import { INITIAL_PAGES, MAXIMUM_PAGES, type PoolThread, SharedThreadPool, type ThreadPool } from './thread-pool.ts';
import { wideVectors } from './wide-vectors.node.ts';

// Bundlers find files by names that are written out.
const NARROW = new URL('../../wasm/kernels-shared.wasm', import.meta.url);
const WIDE = new URL('../../wasm/kernels-wide.wasm', import.meta.url);
const compiled = new Map<URL, Promise<WebAssembly.Module>>();

async function compile(file: URL): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(await readFile(file));
  } catch (cause) {
    const name = file.pathname.split('/').at(-1);
    const message = `The kernels (wasm/${name}) are missing or damaged. Build them: npm run build`;
    throw new BneckError('runtime', message, { cause });
  }
}

function kernels(wide: boolean): Promise<WebAssembly.Module> {
  const file = wide ? WIDE : NARROW;
  const module = compiled.get(file) ?? compile(file);
  compiled.set(file, module);
  return module;
}

function startThread(module: WebAssembly.Module, memory: WebAssembly.Memory, thread: number): PoolThread {
  const worker = new Worker(new URL('./worker.node.js', import.meta.url), {
    workerData: { module, memory, thread },
    // not those of `node --input-type=module --eval`, with which no file can be started
    execArgv: [],
    name: `bneck ${thread}`,
  });
  return {
    onMessage: (listener) => worker.on('message', listener),
    onFailure: (listener) => worker.on('error', listener),
    hold: (held) => (held ? worker.ref() : worker.unref()),
    stop: () => worker.terminate(),
  };
}

/**
 * @param threads how many workers, at least 1; they start while the caller goes on
 * @param wide whether they run the kernels for wide vectors: the same bits, faster only where V8 makes them
 */
export async function createThreadPool(threads: number, wide: boolean = wideVectors()): Promise<ThreadPool> {
  const module = await kernels(wide);
  const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: MAXIMUM_PAGES, shared: true });
  const started = Array.from({ length: threads }, (_, thread) => startThread(module, memory, thread));
  return new SharedThreadPool(memory, started);
}

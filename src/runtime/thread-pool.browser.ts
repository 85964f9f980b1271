/**
 * The engine's threads in a browser, for use within a worker. Where the page is cross-origin isolated
 * they are workers that share one WebAssembly memory; elsewhere browsers let no memory be shared, and
 * the worker that asks does all the work itself.
 */
import { BneckError } from '../base/errors.ts';
import { SingleThreadPool } from './single-thread-pool.ts';
import { INITIAL_PAGES, MAXIMUM_PAGES, type PoolThread, SharedThreadPool, type ThreadPool } from './thread-pool.ts';

/** Less would not hold a network. */
const LEAST_MAXIMUM_PAGES = 1024;

async function compileKernels(file: URL): Promise<WebAssembly.Module> {
  try {
    const response = await fetch(file);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return await WebAssembly.compile(await response.arrayBuffer());
  } catch (cause) {
    throw new BneckError('runtime', `The kernels cannot be had from ${file}: ${cause}. Serve this file with bneck's.`, {
      cause,
    });
  }
}

/** Browsers set the maximum aside; one that has less room than 4 GiB gets by with less. */
function sharedMemory(): WebAssembly.Memory {
  for (let maximum = MAXIMUM_PAGES; ; maximum /= 2) {
    try {
      return new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum, shared: true });
    } catch (cause) {
      if (maximum > LEAST_MAXIMUM_PAGES) continue;
      throw new BneckError('memory', 'The browser has no memory left for the engine. Close other pages.', { cause });
    }
  }
}

function startThread(module: WebAssembly.Module, memory: WebAssembly.Memory, thread: number): PoolThread {
  const worker = new Worker(new URL('./worker.browser.js', import.meta.url), {
    type: 'module',
    name: `bneck ${thread}`,
  });
  worker.postMessage({ module, memory, thread });
  return {
    onMessage: (listener) => worker.addEventListener('message', ({ data }) => listener(data)),
    onFailure: (listener) =>
      worker.addEventListener('error', (event) => listener(event.error ?? (event.message || 'it did not start'))),
    hold: () => {},
    stop: async () => worker.terminate(),
  };
}

/** @param threads how many, where memory can be shared; they start while the caller goes on. 0: the worker that asks does the work itself */
export async function createThreadPool(threads: number): Promise<ThreadPool> {
  if (threads === 0 || !crossOriginIsolated) {
    return new SingleThreadPool(
      await compileKernels(new URL('../../wasm/kernels-inference-single.wasm', import.meta.url)),
    );
  }
  const module = await compileKernels(new URL('../../wasm/kernels-inference-shared.wasm', import.meta.url));
  const memory = sharedMemory();
  const started = Array.from({ length: threads }, (_, thread) => startThread(module, memory, thread));
  return new SharedThreadPool(memory, started);
}

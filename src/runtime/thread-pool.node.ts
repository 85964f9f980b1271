/**
 * The engine's threads under Node: workers that share one WebAssembly memory. They keep the process
 * alive only while a program runs.
 */
import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { BneckError } from '../base/errors.ts';
import { SingleThreadPool } from './single-thread-pool.ts';
import {
  INITIAL_PAGES,
  MAXIMUM_PAGES,
  type PoolThread,
  type RunRequest,
  SharedThreadPool,
  type ThreadPool,
} from './thread-pool.ts';
import { wideVectors } from './wide-vectors.node.ts';

// Bundlers find files by names that are written out.
const NARROW = new URL('../../wasm/kernels-shared.wasm', import.meta.url);
const WIDE = new URL('../../wasm/kernels-wide.wasm', import.meta.url);
const TURBOFAN = new URL('../../wasm/kernels-turbofan.wasm', import.meta.url);
/** The first of V8's majors that lays instructions out in the order in which the kernels are written (docs/kernels.md). Node 24 has 13.6, Node 23 has 12.9. */
const ORDERLY_V8 = 13;
const compiled = new Map<URL, Promise<WebAssembly.Module>>();

async function compile(file: URL): Promise<WebAssembly.Module> {
  try {
    // not WebAssembly.compile: Node 24 and 26 end a program that waits for nothing else; and this takes half its time
    return new WebAssembly.Module(await readFile(file));
  } catch (cause) {
    const name = file.pathname.split('/').at(-1);
    const message = `The kernels (wasm/${name}) are missing or damaged. Build them: npm run build`;
    throw new BneckError('runtime', message, { cause });
  }
}

function kernels(wide: boolean): Promise<WebAssembly.Module> {
  const narrow = Number.parseInt(process.versions.v8, 10) < ORDERLY_V8 ? TURBOFAN : NARROW;
  const file = wide ? WIDE : narrow;
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

/** Programs on the caller's own thread. After each, other events of the process have their turn. */
class CallingThread extends SingleThreadPool {
  override async run(request: RunRequest): Promise<void> {
    await super.run(request);
    await setImmediate();
  }
}

/**
 * @param threads how many workers, which start while the caller goes on; 0: programs run on the caller's own thread
 * @param wide whether they run the kernels for wide vectors: the same bits, faster only where V8 makes them
 */
export async function createThreadPool(threads: number, wide: boolean = wideVectors()): Promise<ThreadPool> {
  const module = await kernels(wide);
  const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: MAXIMUM_PAGES, shared: true });
  if (threads === 0) return new CallingThread(module, memory);
  const started = Array.from({ length: threads }, (_, thread) => startThread(module, memory, thread));
  return new SharedThreadPool(memory, started);
}

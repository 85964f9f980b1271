/**
 * A process of one JavaScript engine: reads requests and answers them, as engine-process.js says.
 *   node serve.js bneck|onnxruntime-web|onnxruntime-node|tfjs-wasm
 * An engine is a module beside this one with
 *   start()       -> { version, settings }; throws if it is not installed
 *   prepare(job)  -> { run(), logits? }: `run` does the work once
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** @typedef {{ run: () => Promise<unknown>, logits?: Float32Array, multiplyAdds?: number }} Prepared */
/**
 * @typedef {{
 *   start: () => Promise<import('../engine-process.js').Hello>,
 *   prepare: (job: import('../engine-process.js').Job) => Promise<Prepared>
 * }} EngineModule
 */

/** @param {Record<string, unknown>} value */
function answer(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Most memory the process ever had resident, in bytes. */
function peakMemory() {
  try {
    // Not maxRSS: on Linux that may be the parent's, from before this program was loaded.
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    if (kilobytes !== undefined) return 1024 * Number(kilobytes);
  } catch {
    // not Linux
  }
  return 1024 * process.resourceUsage().maxRSS;
}

/** @param {Prepared} prepared @param {number} times @returns {Promise<number>} seconds */
async function time({ run }, times) {
  const start = performance.now();
  for (let call = 0; call < times; call++) await run();
  return (performance.now() - start) / 1000;
}

/** @param {EngineModule} engine */
async function serve(engine) {
  /** @type {Prepared | null} */
  let prepared = null;
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    try {
      if (request.prepare) {
        prepared = await engine.prepare(request.prepare);
        const { logits, multiplyAdds } = prepared;
        answer({ multiplyAdds, logits: logits && Array.from(logits) });
      } else if (request.peakMemory) answer({ bytes: peakMemory() });
      else if (prepared === null) answer({ error: 'asked to run before it was prepared' });
      else answer({ seconds: await time(prepared, request.run) });
    } catch (error) {
      answer({ error: error instanceof Error ? error.message : String(error) });
    }
  }
  process.exit(0); // engines may have threads that nothing else ends
}

console.log = console.error; // what libraries print must not come between the answers
console.warn = () => {};
try {
  /** @type {EngineModule} */
  const engine = await import(`./${process.argv[2]}.js`);
  answer(await engine.start());
  await serve(engine);
} catch (error) {
  answer({ absent: error instanceof Error ? error.message.split('\n')[0] : String(error) });
}

/**
 * onnxruntime in WebAssembly, as pages run it. Its only build has SIMD, and it takes the number of
 * threads once a process.
 */
import { prepareSession } from './onnxruntime-session.js';
import { loadPeer, peerVersion } from './peer-package.js';

const PACKAGE = 'onnxruntime-web';

export async function start() {
  await loadPeer(PACKAGE);
  return { version: peerVersion(PACKAGE), settings: 'WASM SIMD, all graph optimisations, sizes fixed, floats in' };
}

/** @param {import('../engine-process.js').Job} job */
export async function prepare(job) {
  const onnxruntime = await loadPeer(PACKAGE);
  onnxruntime.env.wasm.numThreads = job.threads;
  return prepareSession(onnxruntime, job, { executionProviders: ['wasm'] });
}

/**
 * onnxruntime's native library under Node: what WebAssembly is measured against, not an equal.
 */
import { prepareSession } from './onnxruntime-session.js';
import { loadPeer, peerVersion } from './peer-package.js';

const PACKAGE = 'onnxruntime-node';

export async function start() {
  await loadPeer(PACKAGE);
  return { version: peerVersion(PACKAGE), settings: 'native, all graph optimisations, sizes fixed, floats in' };
}

/** @param {import('../engine-process.js').Job} job */
export async function prepare(job) {
  const options = { executionProviders: ['cpu'], intraOpNumThreads: job.threads, interOpNumThreads: 1 };
  return prepareSession(await loadPeer(PACKAGE), job, options);
}

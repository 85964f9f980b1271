/** A thread of build-kernels.js: compiles one module after the other, until it is sent null. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import { compile, root } from './compile.js';

parentPort?.on('message', async (task) => {
  if (task === null) {
    parentPort?.close();
    return;
  }
  const module = await compile('kernels/interpreter.ts', task.options);
  writeFileSync(join(root, task.file), module);
  parentPort?.postMessage(`${task.file}: ${(module.byteLength / 1024).toFixed(1)} KB`);
});

/** The compiler of kernels/, AssemblyScript's, with the options that all modules share. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const COMMON = [
  '-O3',
  '--noAssert',
  '--runtime',
  'stub',
  '--use',
  'abort=',
  '--disableWarning',
  '112',
  '--enable',
  'simd',
];

/** What the engine's kernels need besides: a memory that comes from outside, and the instructions of threads. */
export const ENGINE = ['--enable', 'threads', '--importMemory', '--maximumMemory', '65536'];

/**
 * The module that a file of kernels/ becomes. Where it does not compile, the process ends with what the compiler says.
 * @param {string} entry @param {string[]} options @returns {Promise<Uint8Array>}
 */
export async function compile(entry, options) {
  /** @type {Uint8Array | null} */
  let module = null;
  const { error, stderr } = await asc.main([entry, '--baseDir', root, ...COMMON, ...options, '-o', 'module.wasm'], {
    writeFile: (_name, contents) => {
      module = /** @type {Uint8Array} */ (contents);
    },
  });
  if (error || module === null) {
    console.error(stderr.toString());
    process.exit(1);
  }
  return module;
}

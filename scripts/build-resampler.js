/**
 * Compiles kernels/resample.ts and writes it as text into a module, wasm/resample.js: a picture is resized where it is wanted, at once, in pages as
 * well, so there is no file to wait for. Runs before tsc, which reads the module's type.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
mkdirSync(join(root, 'wasm'), { recursive: true });
mkdirSync(join(root, 'build'), { recursive: true });

const options = [
  '-O3',
  '--noAssert',
  '--runtime',
  'stub',
  '--use',
  'abort=',
  '--enable',
  'simd',
  '--disableWarning',
  '112',
];
/** @type {Uint8Array | null} */
let binary = null;
const { error, stderr } = await asc.main(
  ['kernels/resample.ts', '--baseDir', root, ...options, '-o', 'resample.wasm'],
  {
    writeFile: (_name, contents) => {
      binary = /** @type {Uint8Array} */ (contents);
    },
  },
);
if (error || binary === null) {
  console.error(stderr.toString());
  process.exit(1);
}
const text = Buffer.from(binary).toString('base64');
const head = '// Written by scripts/build-resampler.js from kernels/resample.ts.\n';
writeFileSync(join(root, 'wasm/resample.js'), `${head}export const RESAMPLE_KERNELS =\n  '${text}';\n`);
writeFileSync(join(root, 'wasm/resample.d.ts'), `${head}export declare const RESAMPLE_KERNELS: string;\n`);
console.log(`wasm/resample.js: ${(text.length / 1024).toFixed(1)} KB`);

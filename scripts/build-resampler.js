/**
 * Compiles kernels/resample.ts and writes it as text into a module, wasm/resample.js: a picture is resized where it is wanted, at once, in pages as
 * well, so there is no file to wait for. Runs before tsc, which reads the module's type.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile, root } from './compile.js';

const text = Buffer.from(await compile('kernels/resample.ts', [])).toString('base64');
const head = '// Written by scripts/build-resampler.js from kernels/resample.ts.\n';
mkdirSync(join(root, 'wasm'), { recursive: true });
writeFileSync(join(root, 'wasm/resample.js'), `${head}export const RESAMPLE_KERNELS =\n  '${text}';\n`);
writeFileSync(join(root, 'wasm/resample.d.ts'), `${head}export declare const RESAMPLE_KERNELS: string;\n`);
console.log(`wasm/resample.js: ${(text.length / 1024).toFixed(1)} KB`);

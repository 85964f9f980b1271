/**
 * Builds the kernels: writes build/dispatch.ts (AssemblyScript: opcode -> kernel call with its
 * arguments unpacked) from the kernel table and the wide form of some files (widen.js), then compiles kernels/ five times, in several threads, into wasm/: for Node
 * as they are, for wide vectors (WIDE) and for older V8s (TURBOFAN); for browsers, which do not train (TRAINING), for shared and for unshared memory.
 * A module that is there, from the same sources and by the same compiler, is not made again. Runs after tsc, since it reads the compiled table.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { globSync } from 'tinyglobby';
import { engineOptions, root } from './compile.js';
import { WIDENED, widen } from './widen.js';

/** @type {{ [table in 'INFERENCE_KERNELS' | 'KERNELS']: import('../src/kernels/kernel.ts').Kernel[] }} */
const { INFERENCE_KERNELS, KERNELS } = await import(new URL('../dist/kernels/table.js', import.meta.url).href);

const MADE = 'build/made.json';

/** @param {import('../src/kernels/kernel.ts').Kernel} kernel @param {number} opcode */
function dispatchCase(kernel, opcode) {
  const types = [
    ...Object.keys(kernel.pointers).map(() => 'usize'),
    ...kernel.integers.map(() => 'i32'),
    ...kernel.floats.map(() => 'f32'),
  ];
  const operands = types.map((type, index) => `load<${type}>(args, ${4 * index})`);
  const call = `${kernel.name}(${[...operands, 'tile', 'scratch'].join(', ')})`;
  const training = INFERENCE_KERNELS.includes(kernel) ? '' : 'if (!TRAINING) unreachable(); ';
  const inEights = WIDENED[kernel.file];
  if (inEights === undefined) return `    case ${opcode}: ${training}${call}; break;`;
  const integers = kernel.integers.map((name, index) => ({
    name,
    operand: operands[Object.keys(kernel.pointers).length + index],
  }));
  const sizes = integers.filter(({ name }) => inEights.includes(name)).map(({ operand }) => operand);
  const wide = `if (((${sizes.join(' | ') || 0}) & 7) == 0) { wide_${call}; break; }`;
  return `    case ${opcode}: ${training}if (WIDE) { ${wide} } ${call}; break;`;
}

const files = [...new Set(KERNELS.map((kernel) => kernel.file))];
const imports = files.flatMap((file) => {
  const names = KERNELS.filter((kernel) => kernel.file === file).map((kernel) => kernel.name);
  const own = `import { ${names.join(', ')} } from '../kernels/${file}';`;
  const wide = `import { ${names.map((name) => `${name} as wide_${name}`).join(', ')} } from './wide/${file}';`;
  return file in WIDENED ? [own, wide] : [own];
});
const source = `// Written by scripts/build-kernels.js from src/kernels/table.ts.
${imports.join('\n')}

/** Runs one tile of the kernel with this opcode on the arguments at \`args\`. */
export function dispatch(opcode: i32, args: usize, tile: i32, scratch: usize): void {
  switch (opcode) {
${KERNELS.map((kernel, index) => dispatchCase(kernel, index + 1)).join('\n')}
    default: unreachable();
  }
}
`;
mkdirSync(join(root, 'build/wide'), { recursive: true });
mkdirSync(join(root, 'wasm'), { recursive: true });
writeFileSync(join(root, 'build/dispatch.ts'), source);
for (const file of Object.keys(WIDENED)) {
  writeFileSync(join(root, `build/wide/${file}.ts`), widen(readFileSync(join(root, `kernels/${file}.ts`), 'utf8')));
}

const builds = {
  wide: { wide: true }, // takes longest
  shared: {},
  turbofan: { turbofan: true },
  'inference-shared': { training: false },
  'inference-single': { training: false, shared: false },
};

/** @param {readonly (string | Uint8Array)[]} parts */
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');
const ofRoot = (/** @type {string} */ file) => readFileSync(join(root, file));

/** What all modules are made of, the compiler included. */
const sources = globSync(['kernels/**/*.ts', 'build/**/*.ts', 'scripts/*.js'], { cwd: root }).sort();
const compilers = ['assemblyscript', 'binaryen'].map((name) => `node_modules/${name}/package.json`);
const inputs = sha256(...[...sources, ...compilers].flatMap((file) => [file, ofRoot(file)]));

/** Of each module that was made, what it was made of and what it became. @type {Record<string, { inputs: string, module: string }>} */
const made = existsSync(join(root, MADE)) ? JSON.parse(ofRoot(MADE).toString()) : {};
const isMade = (/** @type {string} */ file) =>
  made[file]?.inputs === inputs && existsSync(join(root, file)) && made[file].module === sha256(ofRoot(file));

const tasks = Object.entries(builds)
  .map(([name, build]) => ({ file: `wasm/kernels-${name}.wasm`, options: engineOptions(build) }))
  .filter(({ file }) => !isMade(file));
if (tasks.length === 0) console.log('wasm/kernels-*.wasm: unchanged');

/** Compiles what is left, in a thread of its own. */
async function compileTasks() {
  const worker = new Worker(new URL('./compile-worker.js', import.meta.url));
  worker.on('exit', (code) => code !== 0 && process.exit(code));
  for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
    worker.postMessage(task);
    console.log(...(await once(worker, 'message')));
    made[task.file] = { inputs, module: sha256(ofRoot(task.file)) };
  }
  worker.postMessage(null);
}
await Promise.all(Array.from({ length: Math.min(availableParallelism(), tasks.length) }, compileTasks));
writeFileSync(join(root, MADE), JSON.stringify(made));

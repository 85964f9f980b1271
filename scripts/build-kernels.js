/**
 * Builds the kernels: writes build/dispatch.ts (AssemblyScript: opcode -> kernel call with its
 * arguments unpacked) from the kernel table and the wide form of some files (widen.js), then compiles kernels/ five times, in several threads, into wasm/: for Node
 * as they are, for wide vectors (WIDE) and for older V8s (TURBOFAN); for browsers, which do not train (TRAINING), for shared and for unshared memory.
 * Runs after tsc, since it reads the compiled table.
 */
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { engineOptions, root } from './compile.js';
import { WIDENED, widen } from './widen.js';

/** @type {{ [table in 'INFERENCE_KERNELS' | 'KERNELS']: import('../src/kernels/kernel.ts').Kernel[] }} */
const { INFERENCE_KERNELS, KERNELS } = await import(new URL('../dist/kernels/table.js', import.meta.url).href);

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
const tasks = Object.entries(builds).map(([name, build]) => {
  return { file: `wasm/kernels-${name}.wasm`, options: engineOptions(build) };
});

/** Compiles what is left, in a thread of its own. */
async function compileTasks() {
  const worker = new Worker(new URL('./compile-worker.js', import.meta.url));
  worker.on('exit', (code) => code !== 0 && process.exit(code));
  for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
    worker.postMessage(task);
    console.log(...(await once(worker, 'message')));
  }
  worker.postMessage(null);
}
await Promise.all(Array.from({ length: Math.min(availableParallelism(), tasks.length) }, compileTasks));

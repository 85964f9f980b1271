/** The compiler of kernels/, AssemblyScript's, with the options that all modules share, and with Binaryen as `KeepOrder` runs it. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import binaryen from 'assemblyscript/binaryen';
import { Transform } from 'assemblyscript/transform';
import { writeOut } from './write-out.js';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const COMMON = [
  // KeepOrder has Binaryen optimise
  '-O0',
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

/**
 * What the engine's kernels need besides: a memory that comes from outside, and the instructions of threads.
 * @param {{ shared?: boolean, training?: boolean, wide?: boolean, turbofan?: boolean }} build for shared memory; with the kernels of training; for wide vectors; for V8s that order instructions themselves
 */
export function engineOptions({ shared = true, training = true, wide = false, turbofan = false }) {
  const memory = ['--enable', 'threads', '--importMemory', '--maximumMemory', '65536'];
  const constants = Object.entries({ TRAINING: training, WIDE: wide, TURBOFAN: turbofan }).flatMap(([name, on]) => [
    '--use',
    `${name}=${Number(on)}`,
  ]);
  return [...memory, ...(shared ? ['--sharedMemory'] : []), ...constants];
}

/** Functions whose operations stay in the order in which they are written: today's V8 lays instructions out in that of the module. */
const ORDERED = /^(kernels\/(narrow-|wide-|strassen-)?tile|(kernels|build\/wide)\/depthwise-tile)\//;

/** What Binaryen may do to them. Its other passes carry a sum to where it is used next, past loads and products, and so run a processor out of registers. */
const IN_ORDER = [
  ...['ssa-nomerge', 'precompute-propagate', 'optimize-instructions', 'dce'],
  ...['remove-unused-brs', 'remove-unused-names', 'merge-blocks', 'vacuum'],
  ...['coalesce-locals', 'reorder-locals', 'rse', 'vacuum'],
  ...['remove-unused-brs', 'remove-unused-names', 'merge-blocks', 'optimize-instructions', 'vacuum'],
];

/** Optimises all functions but ORDERED, which the others meanwhile see as imports. */
class KeepOrder extends Transform {
  /** @param {binaryen.Module} module */
  afterCompile(module) {
    binaryen.setOptimizeLevel(3);
    binaryen.setShrinkLevel(0);
    binaryen.setGenerateStackIR(true);
    binaryen.setOptimizeStackIR(true);
    binaryen.setAlwaysInlineMaxSize(12);
    binaryen.setFlexibleInlineMaxSize(70);
    binaryen.setOneCallerInlineMaxSize(200);
    binaryen.setAllowInliningFunctionsWithLoops(true);
    const copy = binaryen.parseText(module.emitText());
    copy.setFeatures(module.getFeatures());
    copy.runPasses(['inlining']);
    const functions = Array.from({ length: copy.getNumFunctions() }, (_, index) => copy.getFunctionByIndex(index));
    const ordered = functions.filter((reference) => {
      const { name } = binaryen.getFunctionInfo(reference);
      return ORDERED.test(name) && module.getFunction(name) !== 0;
    });
    for (const reference of ordered) copy.runPassesOnFunction(reference, IN_ORDER);
    const kept = ordered.map((reference) => binaryen.getFunctionInfo(reference));
    for (const { name, params, results } of kept) {
      module.removeFunction(name);
      module.addFunctionImport(name, 'ordered', name, params, results);
    }
    // What ordered functions read and write has to outlive the optimiser, which does not see them.
    const globals = Array.from({ length: module.getNumGlobals() }, (_, index) => {
      return binaryen.getGlobalInfo(module.getGlobalByIndex(index)).name;
    });
    for (const name of globals) module.addGlobalExport(name, name);
    module.optimize();
    for (const name of globals) module.removeExport(name);
    for (const { name, params, results, vars, body } of kept) {
      module.removeFunction(name);
      module.addFunction(name, params, results, vars, module.copyExpression(body));
    }
    module.runPasses(['remove-unused-module-elements', 'reorder-functions']);
    copy.dispose();
  }
}

/**
 * The module that a file of kernels/ becomes. Where it does not compile, the process ends with what the compiler says.
 * @param {string} entry @param {string[]} options @returns {Promise<Uint8Array>}
 */
export async function compile(entry, options) {
  /** @type {Uint8Array | null} */
  let module = null;
  const { error, stderr } = await asc.main([entry, '--baseDir', root, ...COMMON, ...options, '-o', 'module.wasm'], {
    transforms: [/** @type {any} */ (new KeepOrder())],
    readFile: (name) => (existsSync(join(root, name)) ? writeOut(readFileSync(join(root, name), 'utf8')) : null),
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

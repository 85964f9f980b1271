/**
 * The engines that take part, and in what. bneck itself always does; a peer that is not installed is
 * told and left out.
 */
import { fileURLToPath } from 'node:url';
import { EngineProcess } from './engine-process.js';

/** @typedef {import('./workloads.js').Work} Work */
/**
 * `install` says how. `tolerance` is how far logits may be from bneck's, over the largest of them.
 * `mostThreads` where the engine has a limit. `variants` are ways of doing the same, each measured where
 * memory is.
 * @typedef {{
 *   name: string, command: readonly string[], install: string, works: readonly Work[], tolerance: number,
 *   mostThreads?: number, variants?: readonly string[]
 * }} Engine
 */

/** @param {string} name */
function script(name) {
  return fileURLToPath(new URL(`./engines/${name}`, import.meta.url));
}

/** An engine that engines/serve.js serves. @param {string} name @param {readonly Work[]} works @param {number} tolerance */
function javascriptEngine(name, works, tolerance) {
  return {
    name,
    command: [process.execPath, ...process.execArgv, script('serve.js'), name],
    install: 'cd bench && npm ci',
    works,
    tolerance,
  };
}

/** @param {string} python @returns {readonly Engine[]} bneck first */
export function allEngines(python) {
  return [
    {
      ...javascriptEngine('bneck', ['train', 'infer', 'memory', 'start', 'loading', 'classify'], 0),
      install: 'npm run build',
    },
    {
      name: 'PyTorch',
      command: [python, '-B', script('pytorch.py')],
      install: 'on Debian apt install python3-torch python3-torchvision, or name a Python that has both with --python',
      works: ['train', 'memory'],
      tolerance: 0,
      variants: ['channels_last', 'default layout'],
    },
    javascriptEngine('onnxruntime-web', ['infer', 'start'], 1e-4),
    { ...javascriptEngine('tfjs-wasm', ['infer'], 1e-3), mostThreads: 1 },
    javascriptEngine('onnxruntime-node', ['infer'], 1e-4),
  ];
}

/**
 * Starts each engine once to learn whether it is there.
 * @param {readonly Engine[]} engines
 * @returns {Promise<{ present: Engine[], versions: Record<string, string | null>, lines: string[] }>} `lines` for people
 */
export async function findEngines(engines) {
  /** @type {Engine[]} */
  const present = [];
  /** @type {Record<string, string | null>} */
  const versions = {};
  const lines = [];
  for (const engine of engines) {
    const found = await EngineProcess.start(engine.name, engine.command);
    if ('absent' in found) {
      if (engine.name === 'bneck') throw new Error(found.absent);
      versions[engine.name] = null;
      lines.push(`${engine.name}: absent, so it is left out. To install it: ${engine.install}. (${found.absent})`);
      continue;
    }
    await found.engine.stop();
    const { version, settings } = found.hello;
    versions[engine.name] = version;
    present.push(engine);
    lines.push(`${engine.name} ${version}: ${settings}`);
  }
  return { present, versions, lines };
}

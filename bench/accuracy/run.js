/**
 * Whether training here equals PyTorch's: for each seed, `bneck train` with its default recipe, and
 * the same network, pictures, augmentation and recipe in PyTorch with its own random numbers; both
 * judged on Fashion-MNIST's 10,000 test pictures, which neither has seen. The weights of the last
 * epoch are the main figure: choosing an epoch by few validation pictures adds noise. As a check,
 * bneck's weights are judged by PyTorch's network too, which must agree to a few pictures.
 *
 *   node bench/accuracy/run.js [--seeds 0,1,2] [--data examples/fashion] [--out FOLDER]
 *        [--fashion-mnist /usr/share/datasets/fashion-mnist] [--python /usr/bin/python3]
 *        [--threads N] [--no-history] [-- OPTIONS OF bneck train]
 *
 * What stands after `--` changes the recipe of both, e.g. `-- --epochs 2 --batch 16`. Needs Debian's
 * python3-torch, python3-torchvision and dataset-fashion-mnist. Writes table.md and results.json
 * into the folder, and appends a line to bench/accuracy/history.ndjson.
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { appendHistory, circumstances } from '../history.js';
import { judgeModel, lastMetric, runProgram, trainRun, writeTestFolders } from './bneck-runs.js';
import { markdownTable } from './markdown-table.js';

const HISTORY = 'bench/accuracy/history.ndjson';
const TWIN = fileURLToPath(new URL('./pytorch_train.py', import.meta.url));
/** Pictures of 10,000 that rounding alone may turn, about 0.1 points. */
const ROUNDING_SHARE = 0.001;
const EXAMPLE = fileURLToPath(new URL('../../examples/fashion', import.meta.url));

/** @typedef {import('./markdown-table.js').SeedResult} SeedResult */

function readOptions() {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '');
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seeds: { type: 'string', default: '0,1,2' },
      data: { type: 'string', default: EXAMPLE },
      out: { type: 'string', default: join('runs', `accuracy-${stamp}`) },
      'fashion-mnist': { type: 'string', default: '/usr/share/datasets/fashion-mnist' },
      python: { type: 'string', default: '/usr/bin/python3' },
      threads: { type: 'string', default: String(availableParallelism()) },
      'no-history': { type: 'boolean', default: false },
    },
  });
  const seeds = values.seeds.split(',').map(Number);
  if (!seeds.every((seed) => Number.isInteger(seed) && seed >= 0)) {
    throw new Error(`--seeds ${values.seeds}: give whole numbers, such as 0,1,2.`);
  }
  if (existsSync(values.out)) throw new Error(`--out ${values.out}: is there already; name a new folder.`);
  return { ...values, seeds, recipeOptions: positionals };
}

/** @typedef {ReturnType<typeof readOptions>} Options */

/** Stops before hours of work if a part is missing. @param {Options} options */
async function requireParts({ python, 'fashion-mnist': fashion }) {
  if (!existsSync(join(fashion, 't10k-images-idx3-ubyte.gz'))) {
    throw new Error(`${fashion}: no t10k-images-idx3-ubyte.gz there. Debian: apt install dataset-fashion-mnist`);
  }
  try {
    await runProgram(python, ['-c', 'import torch, torchvision, PIL, numpy'], { show: true });
  } catch {
    throw new Error(`${python} lacks torch or torchvision. Debian: apt install python3-torch python3-torchvision`);
  }
}

/**
 * Runs pytorch_train.py and reads its answer.
 * @param {Options} options @param {string} config @param {readonly string[]} args
 */
async function askPyTorch({ python, threads, 'fashion-mnist': fashion }, config, args) {
  const common = ['-B', TWIN, config, '--fashion-mnist', fashion, '--threads', threads];
  return JSON.parse(await runProgram(python, [...common, ...args], { show: false }));
}

/** @param {Options} options @param {number} seed @param {string} test @returns {Promise<SeedResult>} */
async function compareSeed(options, seed, test) {
  const run = join(options.out, `bneck-seed-${seed}`);
  const more = ['--threads', options.threads, ...options.recipeOptions];
  console.log(`\nbneck, seed ${seed}`);
  const seconds = await trainRun(options.data, run, seed, more);
  const files = [join(run, 'last.ckpt', 'weights.safetensors'), join(run, 'best.safetensors')];
  const [last, best] = [await judgeModel(files[0] ?? '', test), await judgeModel(files[1] ?? '', test)];
  const config = join(run, 'config.json');
  const { judged } = await askPyTorch(options, config, ['--judge', ...files]);
  console.log(`\nPyTorch, seed ${seed}`);
  const twin = await askPyTorch(options, config, ['--seed', String(seed)]);
  return {
    seed,
    bneck: {
      last,
      best,
      trainLoss: await lastMetric(run, 'train_loss'),
      lastJudgedByPyTorch: judged[0].accuracy,
      bestJudgedByPyTorch: judged[1].accuracy,
      seconds,
    },
    pytorch: {
      last: twin.last.test.accuracy,
      best: twin.best.test.accuracy,
      trainLoss: twin.last.train.loss,
      seconds: twin.seconds,
      version: twin.torch,
    },
  };
}

/**
 * The same weights must mean the same network on both sides.
 * @param {readonly SeedResult[]} results
 */
function requireSameNetwork(results) {
  for (const { seed, bneck } of results) {
    const { last, lastJudgedByPyTorch, best, bestJudgedByPyTorch } = bneck;
    const apart = Math.max(Math.abs(last - lastJudgedByPyTorch), Math.abs(best - bestJudgedByPyTorch));
    if (apart <= ROUNDING_SHARE) continue;
    throw new Error(`Seed ${seed}: bneck and PyTorch judge the same weights ${(100 * apart).toFixed(2)} points apart.`);
  }
}

async function main() {
  const options = readOptions();
  await requireParts(options);
  const where = circumstances();
  const test = join(options.out, 'test');
  await mkdir(options.out, { recursive: true });
  console.log(`Writing the test pictures to ${test}`);
  await writeTestFolders(options['fashion-mnist'], test);
  /** @type {SeedResult[]} */
  const results = [];
  for (const seed of options.seeds) {
    results.push(await compareSeed(options, seed, test));
    await writeFile(join(options.out, 'results.json'), `${JSON.stringify({ ...where, results }, null, 2)}\n`);
  }
  const table = markdownTable(results);
  await writeFile(join(options.out, 'table.md'), table);
  console.log(`\n${table}`);
  requireSameNetwork(results);
  if (!options['no-history']) {
    appendHistory(HISTORY, { ...where, recipeOptions: options.recipeOptions, results });
    console.log(`Appended to ${HISTORY}.`);
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/**
 * Whether training here equals PyTorch's: for each seed, a run of `bneck train`, and its twin, which is
 * the same network, pictures, augmentation and recipe in PyTorch with its own random numbers; both
 * judged on test pictures, which neither has learnt from. The weights of the last epoch are the main
 * figure: choosing an epoch by few validation pictures adds noise. As a check, bneck's weights are
 * judged by PyTorch's network too, which must agree to a few pictures.
 *
 *   node bench/accuracy/run.js [--seeds 0,1,2] [--data examples/fashion] [--out FOLDER]
 *        [--fashion-mnist /usr/share/datasets/fashion-mnist] [--python /usr/bin/python3]
 *        [--threads N] [--runs RUN,RUN] [--twins FILE,FILE] [--no-history] [-- OPTIONS OF bneck train]
 *
 * What stands after `--` changes the recipe of both, e.g. `-- --epochs 2 --batch 16`.
 *
 * Data are class folders with Fashion-MNIST's class names, which are judged on its 10,000 test pictures,
 * or IDX files, e.g. `--data /usr/share/datasets/fashion-mnist`, judged on their own test part. bneck
 * validates on that part too, so its best epoch is chosen on the test pictures: there only the last
 * epoch counts, and the table has no best ones.
 *
 * Long comparisons are made in parts, side by side, and put together afterwards: --runs takes finished
 * runs of bneck, each of its own seed, in place of training, --twins what pytorch_train.py printed for
 * these seeds (it says how to start and to go on). Twins of other seeds are trained.
 *
 * Needs Debian's python3-torch, python3-torchvision and dataset-fashion-mnist. Writes table.md and
 * results.json into the folder, and appends a line to bench/accuracy/history.ndjson. Times are those of
 * the epochs with their validation, so runs that were stopped in between have theirs too.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { appendHistory, circumstances } from '../history.js';
import {
  judgeModel,
  readConfig,
  readMetrics,
  runProgram,
  TEST_PICTURES,
  trainRun,
  writeTestFolders,
} from './bneck-runs.js';
import { markdownTable } from './markdown-table.js';

const HISTORY = 'bench/accuracy/history.ndjson';
const TWIN = fileURLToPath(new URL('./pytorch_train.py', import.meta.url));
/** Pictures of 10,000 that rounding alone may turn, about 0.1 points. */
const ROUNDING_SHARE = 0.001;
const EXAMPLE = fileURLToPath(new URL('../../examples/fashion', import.meta.url));

/** @typedef {import('./markdown-table.js').SeedResult} SeedResult */
/** @typedef {import('./bneck-runs.js').RunConfig} RunConfig */

/**
 * What pytorch_train.py prints, as far as it is read here.
 * @typedef {{
 *   seed: number,
 *   job: { architecture: Record<string, unknown>, recipe: Record<string, unknown> },
 *   last: { train: { loss: number }, test: { accuracy: number } },
 *   best: { test: { accuracy: number } } | null,
 *   testPictures: number, seconds: number, torch: string
 * }} Twin
 */

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
      runs: { type: 'string', default: '' },
      twins: { type: 'string', default: '' },
      'no-history': { type: 'boolean', default: false },
    },
  });
  const list = (/** @type {string} */ text) => text.split(',').filter((entry) => entry !== '');
  const seeds = list(values.seeds).map(Number);
  if (!seeds.every((seed) => Number.isInteger(seed) && seed >= 0)) {
    throw new Error(`--seeds ${values.seeds}: give whole numbers, such as 0,1,2.`);
  }
  if (existsSync(values.out)) throw new Error(`--out ${values.out}: is there already; name a new folder.`);
  return { ...values, seeds, runs: list(values.runs), twins: list(values.twins), recipeOptions: positionals };
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

/** What twins printed, a line each. @param {readonly string[]} files @returns {Promise<Twin[]>} */
async function readTwins(files) {
  const twins = [];
  for (const file of files) {
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
    if (lines.length === 0) throw new Error(`${file}: holds no result; the twin is not done yet.`);
    twins.push(...lines.map((line) => JSON.parse(line)));
  }
  return twins;
}

/** What runs that are compared have in common, as pytorch_recipe.py has it. @param {RunConfig} config */
function jobOf({ architecture, recipe: { seed: _, ...recipe } }) {
  return { architecture, recipe };
}

/**
 * The test pictures for bneck; those for models whose classes have names are written out once.
 * @param {Options} options @param {RunConfig} config
 */
async function testPictures({ out, 'fashion-mnist': fashion }, { data }) {
  if (data.kind === 'idx') {
    return { path: data.path, split: 'test', count: data.validation.counts.reduce((sum, count) => sum + count, 0) };
  }
  const path = join(out, 'test');
  if (!existsSync(path)) await writeTestFolders(fashion, path);
  return { path, split: 'all', count: TEST_PICTURES };
}

/** A finished run of bneck, judged. @param {Options} options @param {string} run @param {RunConfig} config */
async function judgeRun(options, run, config) {
  const { epochs, trainLoss, seconds } = await readMetrics(run);
  if (epochs !== config.recipe.epochs) throw new Error(`${run}: ${epochs} of ${config.recipe.epochs} epochs are done.`);
  const files = [join(run, 'last.ckpt', 'weights.safetensors')];
  if (config.data.kind !== 'idx') files.push(join(run, 'best.safetensors'));
  const { path, split, count } = await testPictures(options, config);
  const own = [];
  for (const file of files) own.push(await judgeModel(file, path, split, count));
  const { judged } = await askPyTorch(options, join(run, 'config.json'), ['--judge', ...files]);
  return {
    last: own[0] ?? Number.NaN,
    best: own[1] ?? null,
    trainLoss,
    lastJudgedByPyTorch: judged[0].accuracy,
    bestJudgedByPyTorch: judged[1]?.accuracy ?? null,
    seconds,
  };
}

/**
 * @param {Options} options @param {string} run @param {RunConfig} config @param {readonly Twin[]} twins
 * @returns {Promise<SeedResult>}
 */
async function compareRun(options, run, config, twins) {
  const { seed } = config.recipe;
  const bneck = await judgeRun(options, run, config);
  let twin = twins.find((one) => one.seed === seed);
  if (twin === undefined) {
    console.log(`\nPyTorch, seed ${seed}`);
    /** @type {Twin} */
    const trained = await askPyTorch(options, join(run, 'config.json'), ['--seed', String(seed)]);
    twin = trained;
  }
  if (!isDeepStrictEqual(twin.job, jobOf(config))) {
    throw new Error(`${run}: the twin of seed ${seed} is one of another network or recipe.`);
  }
  return {
    seed,
    bneck,
    pytorch: {
      last: twin.last.test.accuracy,
      best: twin.best?.test.accuracy ?? null,
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
    const bestApart = Math.abs((best ?? 0) - (bestJudgedByPyTorch ?? 0));
    const apart = Math.max(Math.abs(last - lastJudgedByPyTorch), bestApart);
    if (apart <= ROUNDING_SHARE) continue;
    throw new Error(`Seed ${seed}: bneck and PyTorch judge the same weights ${(100 * apart).toFixed(2)} points apart.`);
  }
}

/** The runs that were given, or new ones, each when it is asked for. @param {Options} options */
async function* runsOf(options) {
  yield* options.runs;
  if (options.runs.length > 0) return;
  for (const seed of options.seeds) {
    const run = join(options.out, `bneck-seed-${seed}`);
    console.log(`\nbneck, seed ${seed}`);
    await trainRun(options.data, run, seed, ['--threads', options.threads, ...options.recipeOptions]);
    yield run;
  }
}

async function main() {
  const options = readOptions();
  await requireParts(options);
  const where = circumstances();
  const twins = await readTwins(options.twins);
  await mkdir(options.out, { recursive: true });
  /** @type {SeedResult[]} */
  const results = [];
  /** @type {ReturnType<typeof jobOf> | null} */
  let job = null;
  for await (const run of runsOf(options)) {
    const config = await readConfig(run);
    job ??= jobOf(config);
    if (!isDeepStrictEqual(job, jobOf(config))) throw new Error(`${run}: not the recipe of the first run.`);
    if (results.length === 0 && config.data.kind === 'idx') {
      console.log('bneck validates on the test pictures of these data: only the last epoch counts.');
    }
    results.push(await compareRun(options, run, config, twins));
    await writeFile(join(options.out, 'results.json'), `${JSON.stringify({ ...where, ...job, results }, null, 2)}\n`);
  }
  const table = markdownTable(results);
  await writeFile(join(options.out, 'table.md'), table);
  console.log(`\n${table}`);
  requireSameNetwork(results);
  if (!options['no-history']) {
    appendHistory(HISTORY, { ...where, ...job, results });
    console.log(`Appended to ${HISTORY}.`);
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

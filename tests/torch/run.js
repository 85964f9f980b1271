/**
 * bneck against PyTorch itself, live: logits, gradients, twenty steps of training, learning rates, files,
 * preprocessing, and augmentation, printed as one table with a row a check. Exits with 1 where a difference is above its
 * limit, and with 0 and a line that says so where there is no PyTorch.
 *
 *   node tests/torch/run.js [--python /usr/bin/python3] [--threads N] [--only logits,gradients,...] [--match TEXT]
 *
 * --match runs only the cases whose titles contain a text. Runs the built package (`npm run build` first). Python needs torch, torchvision and Pillow; Debian:
 * apt install python3-torch python3-torchvision.
 */
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { formatTable } from './bneck.js';
import { checkAugmentations } from './check-augmentations.js';
import { checkFiles } from './check-files.js';
import { checkLogits } from './check-logits.js';
import { checkPictures } from './check-pictures.js';
import { checkGradients, checkSchedules, checkTraces } from './check-training.js';
import { passes } from './differences.js';
import { Absent, Peer } from './peer.js';

/** @typedef {import('./differences.js').Row} Row */

/** @typedef {(peer: Peer, options: { threads: number, wanted: (title: string) => boolean }) => Promise<Row[]>} Check */

/** @type {Record<string, Check>} */
const CHECKS = {
  logits: checkLogits,
  gradients: checkGradients,
  traces: checkTraces,
  schedules: checkSchedules,
  files: checkFiles,
  pictures: checkPictures,
  augmentations: checkAugmentations,
};

function readOptions() {
  const { values } = parseArgs({
    options: {
      python: { type: 'string', default: '/usr/bin/python3' },
      threads: { type: 'string', default: String(Math.min(4, availableParallelism())) },
      match: { type: 'string', default: '' },
      only: { type: 'string', default: Object.keys(CHECKS).join(',') },
    },
  });
  const threads = Number(values.threads);
  if (!Number.isInteger(threads) || threads < 1) throw new Error(`--threads ${values.threads}: give a whole number.`);
  const only = values.only.split(',');
  for (const name of only) {
    if (!(name in CHECKS)) throw new Error(`--only ${name}: give some of ${Object.keys(CHECKS).join(',')}.`);
  }
  return {
    python: values.python,
    threads,
    only,
    wanted: (/** @type {string} */ title) => title.includes(values.match),
  };
}

/** @param {number | undefined} value */
function cell(value) {
  if (value === undefined) return '';
  return value === 0 ? '0' : value.toExponential(1);
}

/** @param {readonly Row[]} rows */
function printTable(rows) {
  const titles = ['check', 'bneck to PyTorch', 'limit', 'bneck to float64', 'PyTorch to float64', 'result', 'worst at'];
  /** @type {import('../../src/report/table.ts').TableColumn[]} */
  const columns = titles.map((title, index) => ({ title, align: index >= 1 && index <= 4 ? 'right' : 'left' }));
  const cells = rows.map((row) => [
    row.check,
    cell(row.difference),
    cell(row.limit),
    cell(row.own),
    cell(row.peer),
    passes(row) ? 'pass' : 'FAIL',
    row.note ?? '',
  ]);
  console.log(formatTable(columns, cells));
}

async function main() {
  const { python, threads, only, wanted } = readOptions();
  const start = performance.now();
  const seconds = () => ((performance.now() - start) / 1000).toFixed(0);
  const { peer, versions } = await Peer.start(python, threads);
  /** @type {Row[]} */
  const rows = [];
  try {
    for (const name of only) {
      const check = CHECKS[name];
      if (check) rows.push(...(await check(peer, { threads, wanted })));
      console.error(`${name} done after ${seconds()} s`);
    }
  } finally {
    await peer.close();
  }
  printTable(rows);
  const failures = rows.filter((row) => !passes(row)).length;
  const against = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const outcome = failures === 0 ? 'All within the limits' : `${failures} above the limit`;
  console.log(
    `\n${outcome}: ${rows.length} checks against ${against.join(', ')} in ${seconds()} s on ${threads} threads.`,
  );
  return failures === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Absent)) throw error;
  console.log(
    `skipped: ${error.message}; this compares with PyTorch (Debian: apt install python3-torch python3-torchvision).`,
  );
}

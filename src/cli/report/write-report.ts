/**
 * Draws the report of a run into its folder: `report.html`, `report.json`, `curves.svg`,
 * `confusion-matrix.svg`. All of it comes from what the folder holds and from the data; what cannot
 * be had is left out and said.
 */
import { basename, isAbsolute, join } from 'node:path';
import { BneckError } from '../../base/errors.ts';
import { writeFileAtomic } from '../../base/write-file.node.ts';
import type { DataSource } from '../../data/dataset.ts';
import { summarize } from '../../graph/summary.ts';
import type { ModelFile } from '../../model/model-file.ts';
import { describeArchitecture } from '../../models/describe-architecture.ts';
import { renderConfusion } from '../../report/confusion-chart.node.ts';
import { renderCurves } from '../../report/curves.node.ts';
import { formatBytes, formatCount, formatDuration, formatPercent, formatRate } from '../../report/format.ts';
import { jsonEntries } from '../../report/json-entries.ts';
import { joinCharts } from '../../report/panels.ts';
import { renderRunPage } from '../../report/run-page.node.ts';
import type { Fact, JudgedPictures, SampleBatch } from '../../report/run-report.ts';
import { svgToPng } from '../../report/thumbnail.node.ts';
import { describeDataChange, recordData } from '../../train/data-record.ts';
import { openTrainingData } from '../../train/training-data.node.ts';
import { judgeRun, sampleBatches } from './judge-run.ts';
import { type RunMachine, readMachine, writeReportNumbers } from './run-machine.ts';
import { runNames } from './run-names.ts';
import { type RunRecord, readRun } from './run-record.ts';

export interface ReportOptions {
  /** Where the data are now; by default where they were. */
  readonly data?: string | undefined;
  /** Whether charts are written as PNG too. */
  readonly png?: boolean | undefined;
  readonly threads?: number | undefined;
  /** What the run was trained on; by default what the folder says. */
  readonly trainedOn?: RunMachine | undefined;
}

export interface WrittenReport {
  /** Paths, the page first. */
  readonly files: readonly string[];
  /** What is missing in it and why, a sentence each. */
  readonly missing: readonly string[];
}

interface Findings {
  readonly judged: JudgedPictures | null;
  readonly samples: readonly SampleBatch[];
  readonly missing: readonly string[];
}

const PICTURE_PARTS = 'the confusion matrix, the classes, calibration and all pictures';

/** The data of a run, or in a sentence why they cannot be had. */
async function openRunData({ config }: RunRecord, moved: string | undefined): Promise<DataSource | string> {
  const path = moved ?? config.data.path;
  const { validationFraction: validation, seed } = config.recipe;
  try {
    const { source } = await openTrainingData(path, { validation, seed });
    const change = describeDataChange(config.data, recordData(source));
    return change === null ? source : `The data in ${path} have changed (${change}), so ${PICTURE_PARTS} are left out.`;
  } catch (error) {
    if (!(error instanceof BneckError)) throw error;
    const remedy = moved === undefined ? ' If they were moved, give --data.' : '';
    return `The data cannot be opened, so ${PICTURE_PARTS} are left out: ${error.message.replace(/\.$/, '')}.${remedy}`;
  }
}

async function judgeWith(
  file: ModelFile,
  run: RunRecord,
  source: DataSource,
  threads: number | undefined,
): Promise<JudgedPictures> {
  const { Model } = await import('../../model/model.ts');
  const model = Model.from(file, threads === undefined ? {} : { threads });
  try {
    return await judgeRun(model, source, run);
  } finally {
    await model.dispose();
  }
}

async function findOut(run: RunRecord, { data, threads }: ReportOptions): Promise<Findings> {
  const source = await openRunData(run, data);
  const missing: string[] = [];
  if (typeof source === 'string') missing.push(source);
  if (run.model === null) missing.push('There is no best.safetensors yet, so nothing could be judged.');
  if (typeof source === 'string') return { judged: null, samples: [], missing };
  /** A part that fails because of the data leaves the others as they are. */
  const attempt = async <T>(part: string, work: () => Promise<T>): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof BneckError)) throw error;
      missing.push(`${part} are left out: ${error.message}`);
      return null;
    }
  };
  const samples = (await attempt('Pictures as training sees them', () => sampleBatches(source, run))) ?? [];
  if (source.validation.length === 0) missing.push(`No pictures were set aside, so ${PICTURE_PARTS} are left out.`);
  const { model } = run;
  if (model === null || source.validation.length === 0) return { judged: null, samples, missing };
  const judged = await attempt('Judgements of the pictures', () => judgeWith(model, run, source, threads));
  return { judged, samples, missing };
}

function accuracyFacts({ rows, best }: RunRecord, judged: JudgedPictures | null): Fact[] {
  const row = best ?? rows.at(-1) ?? null;
  if (judged !== null) {
    const { top1, top5, loss, macroF1, ece, pictures, perClass } = judged.metrics;
    const five = perClass.length > 5 ? { note: `top-5 ${formatPercent(top5)}` } : {};
    return [
      { name: 'validation accuracy', value: formatPercent(top1, 2), ...five },
      { name: 'validation loss', value: loss.toFixed(4), note: `${formatCount(pictures)} pictures` },
      { name: 'macro F1', value: formatPercent(macroF1) },
      { name: 'calibration error', value: formatPercent(ece), note: 'ECE' },
    ];
  }
  if (row === null) return [];
  const validated = !Number.isNaN(row.validationAccuracy);
  return [
    validated
      ? { name: 'validation accuracy', value: formatPercent(row.validationAccuracy, 2) }
      : { name: 'training accuracy', value: formatPercent(row.trainAccuracy, 2), note: 'none set aside to validate' },
  ];
}

function factsOf(run: RunRecord, judged: JudgedPictures | null): Fact[] {
  const { rows, best, epochs, config, architecture, modelBytes } = run;
  const { resolution } = config.recipe.preprocessing;
  const { totalParameters, totalMultiplyAdds } = summarize(architecture, resolution);
  const seconds = rows.reduce((sum, row) => sum + row.seconds, 0);
  const rates = rows.map((row) => row.imagesPerSecond).sort((a, b) => a - b);
  const facts = accuracyFacts(run, judged);
  const of = rows.length === epochs ? '' : ` of ${epochs}`;
  const kept = best === null ? {} : { note: `epoch ${best.epoch} kept` };
  facts.push({ name: 'epochs', value: `${rows.length}${of}`, ...kept });
  if (rows.length > 0) {
    facts.push({ name: 'training time', value: formatDuration(seconds) });
    facts.push({ name: 'training speed', value: formatRate(rates[rates.length >> 1] as number), note: 'median' });
  }
  facts.push({ name: 'parameters', value: formatCount(totalParameters) });
  if (modelBytes > 0) facts.push({ name: 'model file', value: formatBytes(modelBytes) });
  const millions = `${(totalMultiplyAdds / 1e6).toFixed(totalMultiplyAdds < 1e8 ? 2 : 1)} M`;
  facts.push({ name: 'multiply-adds', value: millions, note: `a picture, ${resolution} × ${resolution}` });
  return facts;
}

function machineEntries(machine: RunMachine | null): [string, string][] {
  if (machine === null) return [];
  return [
    ['processor', machine.machine],
    ['cores', String(machine.cores)],
    ['vectors', `${machine.vectors} bits`],
    ['threads', String(machine.threads)],
    ['Node', machine.node],
    ['bneck', machine.bneck],
  ];
}

async function renderPage(run: RunRecord, findings: Findings, machine: RunMachine | null): Promise<string> {
  const { config, architecture, rows, best, path } = run;
  const { data, recipe, reasons } = config;
  const { resolution } = recipe.preprocessing;
  return renderRunPage({
    title: `Run ${runNames([path])[0] ?? path}`,
    folder: path,
    lead: `${describeArchitecture(architecture)}, on ${resolution} × ${resolution} px, trained on ${isAbsolute(data.path) ? basename(data.path) : data.path}`,
    facts: factsOf(run, findings.judged),
    rows,
    best,
    classNames: data.classNames,
    judged: findings.judged,
    samples: findings.samples,
    reasons,
    recipe: jsonEntries(recipe),
    network: jsonEntries(architecture),
    data: [
      ['folder', data.path],
      ['form', data.kind],
      ['fingerprints', `${data.train.fingerprint}, ${data.validation.fingerprint}`],
    ],
    trainCounts: data.train.counts,
    validationCounts: data.validation.counts,
    machine: machineEntries(machine),
    missing: findings.missing,
  });
}

/**
 * @param path the folder of a run
 * @throws BneckError 'file' for a folder that is no run, or that cannot be written to
 */
export async function writeReport(path: string, options: ReportOptions = {}): Promise<WrittenReport> {
  const run = await readRun(path);
  const machine = options.trainedOn ?? (await readMachine(path));
  const findings = await findOut(run, options);
  const { judged, missing } = findings;
  const { classNames } = run.config.data;
  const files: string[] = [];
  const write = async (name: string, content: string | Uint8Array) => {
    await writeFileAtomic(join(path, name), content);
    files.push(join(path, name));
  };
  await write('report.html', await renderPage(run, findings, machine));
  const charts: [string, string][] = [];
  const curves = await renderCurves(run.rows, run.best);
  if (curves.length > 0) charts.push(['curves', joinCharts(curves, curves.length)]);
  if (judged !== null) {
    charts.push(['confusion-matrix', await renderConfusion(judged.metrics.confusion, classNames)]);
  }
  for (const [name, svg] of charts) {
    await write(`${name}.svg`, svg);
    if (options.png) await write(`${name}.png`, await svgToPng(svg));
  }
  await writeReportNumbers(path, machine, classNames, judged);
  files.push(join(path, 'report.json'));
  return { files, missing };
}

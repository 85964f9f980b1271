/**
 * What a run says in words: the plan before it starts, a line for each epoch, the end. Pure text,
 * the same on a terminal and in a pipe.
 */
import { join } from 'node:path';
import { describeArchitecture } from '../models/describe-architecture.ts';
import { formatBytes, formatCount, formatDuration, formatPercent, formatRate } from '../report/format.ts';
import type { EpochEnd, StepEvent, TrainingPlan, TrainingResult } from '../train/observer.ts';
import { totalEpochs } from '../train/phases.ts';
import { oneLine } from './report-error.ts';

/** A path as it can be pasted into a shell. */
export function shellWord(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

function labelled(label: string, text: string): string {
  return `${label.padEnd(9)}${text}`;
}

function dataText({ data, facts }: TrainingPlan): string {
  const { classNames, trainPictures, validationPictures, medianShortSide } = facts;
  const validation = validationPictures > 0 ? `${formatCount(validationPictures)} to validate` : 'none to validate';
  const ignored = data.ignored > 0 ? `, ${formatCount(data.ignored)} other files passed over` : '';
  const pictures = `${formatCount(trainPictures)} pictures to learn from, ${validation}`;
  return `${data.path}: ${classNames.length} classes, ${pictures}, about ${medianShortSide} px${ignored}`;
}

/** What is going to happen, a line each. */
export function describePlan(plan: TrainingPlan): string[] {
  const { architecture, recipe, parameters, stepsPerEpoch, reasons, threads, memoryBytes, run, resumedAt } = plan;
  const { resolution } = recipe.preprocessing;
  const network = `${describeArchitecture(architecture)}, ${formatCount(parameters)} parameters`;
  const lines = [
    labelled('data', dataText(plan)),
    labelled('network', `${network}, on ${resolution}x${resolution} px`),
    labelled(
      'recipe',
      `${plural(totalEpochs(recipe), 'epoch')} of ${plural(stepsPerEpoch, 'step')} of ${recipe.batch * recipe.accumulate} pictures`,
    ),
    ...reasons.map((reason) => labelled('', `- ${oneLine(reason)}`)),
    labelled('engine', `${plural(threads, 'thread')}, ${formatBytes(memoryBytes)}`),
    labelled('run', run),
  ];
  if (resumedAt !== null) {
    const { epoch, step } = resumedAt;
    const place = step === 0 ? `after epoch ${epoch}` : `in epoch ${epoch + 1}, after step ${step}`;
    lines.push(labelled('', `goes on ${place}`));
  }
  return lines;
}

function epochNumber(epoch: number, epochs: number): string {
  return `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`;
}

/** One line for an epoch that is over. */
export function epochLine({ metrics, epochs, best, runSecondsLeft }: EpochEnd): string {
  const { epoch, trainLoss, validationLoss, validationAccuracy, imagesPerSecond, seconds } = metrics;
  const parts = [epochNumber(epoch, epochs), `train loss ${trainLoss.toFixed(4)}`];
  if (!Number.isNaN(validationAccuracy)) {
    parts.push(
      `validation loss ${validationLoss.toFixed(4)}`,
      `accuracy ${formatPercent(validationAccuracy).padStart(6)}`,
    );
  }
  parts.push(formatRate(imagesPerSecond), formatDuration(seconds));
  if (epoch < epochs && Number.isFinite(runSecondsLeft)) parts.push(`${formatDuration(runSecondsLeft)} left`);
  if (best && !Number.isNaN(validationAccuracy)) parts.push('best so far');
  return parts.join('  ');
}

/** One line within a long epoch. */
export function stepLine(event: StepEvent, epochs: number): string {
  const { epoch, step, stepsPerEpoch, loss, imagesPerSecond, runSecondsLeft } = event;
  const place = `step ${String(step).padStart(String(stepsPerEpoch).length)}/${stepsPerEpoch}`;
  const rate = formatRate(imagesPerSecond);
  const left = Number.isFinite(runSecondsLeft) ? [`${formatDuration(runSecondsLeft)} left`] : [];
  return [epochNumber(epoch, epochs), place, `train loss ${loss.toFixed(4)}`, rate, ...left].join('  ');
}

/** What came out, and what to try next. */
export function describeResult(result: TrainingResult, samplePicture: string | null): string[] {
  const { status, endedEarly, run, best, bestPath, position, badPictures } = result;
  const lines: string[] = [];
  if (badPictures.length > 0) {
    const count = plural(badPictures.length, 'picture');
    lines.push(`Passed over, since they could not be read: ${count}, listed in ${join(run, 'bad-pictures.txt')}`);
  }
  if (status === 'stopped') {
    const place = position.step === 0 ? `after epoch ${position.epoch}` : `in epoch ${position.epoch + 1}`;
    lines.push(`Stopped ${place}; nothing is lost. Go on with:  npx bneck train --resume ${shellWord(run)}`);
    return lines;
  }
  if (endedEarly && best !== null) {
    const since = plural(position.epoch - best.epoch, 'epoch');
    lines.push(`Ended after epoch ${position.epoch}: ${since} without a better one.`);
  }
  if (best !== null && !Number.isNaN(best.validationAccuracy)) {
    lines.push(`Best validation accuracy: ${formatPercent(best.validationAccuracy, 2)} (epoch ${best.epoch})`);
  }
  if (bestPath !== null) {
    lines.push(labelled('model', bestPath), labelled('metrics', join(run, 'metrics.csv')));
    const picture = samplePicture === null ? 'PICTURE' : shellWord(samplePicture);
    lines.push(labelled('try it', `npx bneck predict ${shellWord(bestPath)} ${picture}`));
  }
  return lines;
}

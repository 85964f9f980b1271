/**
 * Shows a run while it goes. On a terminal a bar moves through the epoch and gives way to the
 * epoch's line; in a pipe there are plain lines only, one an epoch and one every ten seconds in
 * between. Invariant: each line is written whole, and nothing but lines reaches a pipe.
 */
import { SingleBar } from 'cli-progress';
import { withoutRemedy } from '../data/unreadable.ts';
import type { FetchProgress } from '../model/pretrained.node.ts';
import { formatBytes, formatDuration, formatRate } from '../report/format.ts';
import type {
  EpochEnd,
  EpochStart,
  FeaturesEvent,
  PreparationEvent,
  PreparationTask,
  StepEvent,
  TrainingObserver,
  TrainingPlan,
  ValidationEvent,
} from '../train/observer.ts';
import { oneLine } from './report-error.ts';
import { describePlan, epochLine, stepLine } from './training-text.ts';

const SECONDS_BETWEEN_LINES = 10;
const SECONDS_BETWEEN_DOWNLOAD_LINES = 2;
const BAR_FORMAT = 'epoch {epoch}/{epochs} [{bar}] {value}/{total}  {status}';
const PREPARATION_FORMAT = '{status} [{bar}] {value}/{total}';
const TASKS: Readonly<Record<PreparationTask, string>> = {
  comparing: 'comparing training with validation pictures',
  decoding: 'decoding pictures for the cache',
};

export type Output = Pick<NodeJS.WriteStream, 'write'> & { readonly isTTY?: boolean };

/** What the bar says at present. */
interface Shown {
  readonly format: string;
  readonly total: number;
  readonly value: number;
  readonly epoch: number;
  readonly epochs: number;
  readonly status: string;
}

export class TrainingProgress implements TrainingObserver {
  readonly #output: Output;
  readonly #clock: () => number;
  #bar: SingleBar | null = null;
  #shown: Shown | null = null;
  #epochs = 0;
  #shownAt = 0;
  #plan: TrainingPlan | null = null;

  /** @param clock seconds, for tests */
  constructor(output: Output, clock = () => performance.now() / 1000) {
    this.#output = output;
    this.#clock = clock;
  }

  /** The plan, once it is known. */
  get plan(): TrainingPlan | null {
    return this.#plan;
  }

  downloading({ phase, file, receivedBytes, totalBytes }: FetchProgress): void {
    const now = this.#clock();
    if (receivedBytes !== totalBytes && now - this.#shownAt < SECONDS_BETWEEN_DOWNLOAD_LINES) return;
    this.#shownAt = now;
    const size = totalBytes === null ? '' : ` of ${formatBytes(totalBytes)}`;
    this.line(
      phase === 'waiting'
        ? `${file}: another process is downloading it, waiting`
        : `${file}: ${formatBytes(receivedBytes)}${size}`,
    );
  }

  /** A line of its own; the bar, if there is one, makes room and comes back below. */
  line(text: string): void {
    const shown = this.#shown;
    this.stop();
    this.#output.write(`${text}\n`);
    if (shown !== null) this.#startBar(shown);
  }

  /** Takes the bar away. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = null;
    this.#shown = null;
  }

  #startBar(shown: Shown): void {
    this.#bar = new SingleBar({
      format: shown.format,
      stream: this.#output as NodeJS.WriteStream,
      clearOnComplete: true,
      // Ctrl-C is handled in interrupt.ts; the bar moves on until the step is done.
      gracefulExit: false,
      barsize: 28,
      fps: 10,
      linewrap: false,
    });
    const { format: _, total, value, ...payload } = shown;
    this.#bar.start(total, value, payload);
    this.#shown = shown;
  }

  #moveBar(change: Partial<Shown>): boolean {
    if (this.#bar === null || this.#shown === null) return false;
    this.#shown = { ...this.#shown, ...change };
    this.#bar.update(this.#shown.value, { status: this.#shown.status });
    return true;
  }

  noted(note: string): void {
    this.line(oneLine(note));
  }

  preparing({ task, done, total }: PreparationEvent): void {
    const status = TASKS[task];
    if (this.#output.isTTY === true) {
      if (done === total) this.stop();
      else if (!this.#moveBar({ value: done, status })) {
        this.#startBar({ format: PREPARATION_FORMAT, total, value: done, epoch: 0, epochs: 0, status });
      }
      return;
    }
    const now = this.#clock();
    if (done === 1) this.#shownAt = now;
    if (now - this.#shownAt < SECONDS_BETWEEN_LINES) return;
    this.#shownAt = now;
    this.line(`${status}: ${done}/${total}`);
  }

  planned(plan: TrainingPlan): void {
    this.stop();
    this.#plan = plan;
    for (const text of describePlan(plan)) this.line(text);
    this.line('');
  }

  epochStarted({ epoch, epochs, stepsPerEpoch, stepsDone }: EpochStart): void {
    this.#epochs = epochs;
    this.#shownAt = this.#clock();
    if (this.#output.isTTY !== true) return;
    this.stop();
    this.#startBar({ format: BAR_FORMAT, total: stepsPerEpoch, value: stepsDone, epoch, epochs, status: '' });
  }

  stepped(event: StepEvent): void {
    const rate = formatRate(event.imagesPerSecond);
    const run = Number.isFinite(event.runSecondsLeft) ? `, run ${formatDuration(event.runSecondsLeft)}` : '';
    const left = `${formatDuration(event.epochSecondsLeft)} left${run}`;
    const status = `train loss ${event.loss.toFixed(4)}  ${rate}  ${left}`;
    if (this.#moveBar({ value: event.step, status })) return;
    const now = this.#clock();
    if (now - this.#shownAt < SECONDS_BETWEEN_LINES) return;
    this.#shownAt = now;
    this.line(stepLine(event, this.#epochs));
  }

  featuresComputed({ pictures, totalPictures }: FeaturesEvent): void {
    if (this.#moveBar({ status: `features of ${pictures}/${totalPictures}` })) return;
    const now = this.#clock();
    if (now - this.#shownAt < SECONDS_BETWEEN_LINES) return;
    this.#shownAt = now;
    this.line(`features of ${pictures}/${totalPictures} pictures`);
  }

  validated({ epoch, pictures, totalPictures }: ValidationEvent): void {
    if (this.#moveBar({ status: `validating ${pictures}/${totalPictures}` })) return;
    const now = this.#clock();
    if (now - this.#shownAt < SECONDS_BETWEEN_LINES) return;
    this.#shownAt = now;
    this.line(`epoch ${epoch}/${this.#epochs}  validating ${pictures}/${totalPictures}`);
  }

  epochEnded(event: EpochEnd): void {
    this.stop();
    this.line(epochLine(event));
  }

  pictureSkipped({ reason }: { readonly reason: string }): void {
    this.line(`passed over: ${withoutRemedy(oneLine(reason))}`);
  }
}

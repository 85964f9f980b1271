/** `bneck benchmark` as a person meets it: what is measured, what is printed and written, what is refused. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { Model } from '../../src/model/model.ts';
import { mobilenetV3 } from '../../src/models/mobilenet-v3.ts';
import { enableWideVectors } from '../../src/runtime/wide-vectors.node.ts';

const BNECK = fileURLToPath(new URL('../../bin/bneck.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bneck-benchmark-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function benchmark(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return benchmarkWhere({}, ...args);
}

function benchmarkWhere(environment: Record<string, string>, ...args: string[]) {
  const env = { ...process.env, ...environment };
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(process.execPath, [BNECK, 'benchmark', ...args], { cwd: folder, env }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

const BRIEF = ['--seconds', '0.02'];
const TINY = ['--model', 'small', '--width', '0.1', '--resolution', '32', ...BRIEF];

test('inference on several numbers of threads, as JSON', async () => {
  const { code, out } = await benchmark(...TINY, '--threads', '1,2', '--batch', '3', '--profile', '--json');
  expect(code).toBe(0);
  const report = JSON.parse(out);
  expect(report).toMatchObject({ work: 'inference', resolution: 32, batch: 3, architecture: { width: 0.1 } });
  expect(report.measurements.map(({ threads }: { threads: number }) => threads)).toEqual([1, 2]);
  for (const { latencyMs, costs, imagesPerSecond, engineBytes } of report.measurements) {
    const { min, p50, p90, p99 } = latencyMs;
    expect([min, p50, p90, p99]).toEqual([min, p50, p90, p99].toSorted((a, b) => a - b));
    expect(imagesPerSecond).toBeGreaterThan(0);
    expect(engineBytes).toBeGreaterThan(0);
    expect(costs.map(({ name }: { name: string }) => name)).toContain('features.11.block.0.0');
  }
  expect(report.peak.threads).toBe(2);
});

test('wide vectors where V8 has them, unless they are left off', async () => {
  const vectors = async (environment: Record<string, string>) =>
    JSON.parse((await benchmarkWhere(environment, ...TINY, '--threads', '1', '--json')).out).vectors;
  expect(await vectors({})).toBe(enableWideVectors() ? 256 : 128);
  expect(await vectors({ BNECK_WIDE_VECTORS: '0' })).toBe(128);
});

test('a model file, as tables', async () => {
  const preprocessing = { resolution: 48, resize: 56, mean: [0, 0, 0], std: [1, 1, 1] } as const;
  const model = Model.create(mobilenetV3('small', { classes: 3, width: 0.1 }), { preprocessing });
  await model.save(join(folder, 'model.safetensors'));
  const { code, out, err } = await benchmark('model.safetensors', ...BRIEF, '--threads', '1', '--all-layers');
  expect([code, err]).toEqual([0, '']);
  expect(out).toMatch(/^inference of MobileNetV3-Small, width 0\.1, 3 classes, model\.safetensors, 48 px, batch 1\n/);
  expect(out).toMatch(/^threads +start-up +p50 +p90 +p99 +min/m);
  expect(out).toMatch(/^features\.0\.0 +u8_conv_forward/m);
  expect(out).toMatch(/^classifier\.3 +f32_linear_forward/m);
});

test('a training step, forward and backward', async () => {
  const { code, out } = await benchmark(...TINY, '--threads', '1', '--batch', '4', '--training', '--profile');
  expect(code).toBe(0);
  expect(out).toMatch(/^training of MobileNetV3-Small/);
  expect(out).toMatch(/^f32_pointwise_conv_statistics_forward/m);
  expect(out).toMatch(/^f32_pointwise_conv_grad_input_grad_weight/m);
  expect(out).toMatch(/^Peak of this machine, 1 thread: \d+ GFLOP\/s/m);
});

test('the sweep, as table, JSON and drawing', async () => {
  const { code, out } = await benchmark(
    '--sweep',
    ...BRIEF,
    '--threads',
    '1',
    '--json',
    'sweep.json',
    '--svg',
    'sweep.svg',
  );
  expect(code).toBe(0);
  expect(out).toContain('arXiv 1905.02244');
  const { points } = JSON.parse(readFileSync(join(folder, 'sweep.json'), 'utf8'));
  expect(points).toHaveLength(22);
  const large = points.filter(({ model }: { model: string }) => model === 'large');
  expect(large.map(({ paperTop1 }: { paperTop1: number }) => paperTop1)).toEqual([
    64.2, 68.8, 73.3, 75.2, 76.6, 63.3, 68.4, 71.7, 73.7, 75.2, 76,
  ]);
  expect(large[3].multiplyAdds).toBe(216_589_760);
  const svg = readFileSync(join(folder, 'sweep.svg'), 'utf8');
  for (const label of ['×0.35', '×1.25', '96', '256']) expect(svg).toContain(`>${label}</text>`);
});

test.each<[string, string[], RegExp]>([
  [
    'a network where a file belongs',
    ['small'],
    /MODEL is a file\. For small with random weights, give --model small\./,
  ],
  ['the width of a file', ['model.safetensors', '--width', '0.5'], /--width is for random weights/],
  ['JSON over a model', ['--json', 'other.safetensors'], /Give a name that ends in \.json\./],
  ['a drawing of nothing', ['--svg', 'a.svg'], /Give --sweep as well\./],
  ['a sweep of one network', ['--sweep', '--model', 'large'], /--sweep measures its own networks, without --model/],
  ['training on one picture', [...TINY, '--training', '--batch', '1'], /batch norm needs 2 pictures/],
  ['no threads', ['--threads', '1,0'], /Give a whole number from 1 to 256\./],
])('%s is refused in one line', async (_, args, message) => {
  const { code, out, err } = await benchmark(...args);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toMatch(message);
  expect(err.trimEnd().split('\n')).toHaveLength(1);
  expect(existsSync(join(folder, 'other.safetensors'))).toBe(false);
});

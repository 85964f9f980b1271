/**
 * The same bits in the browser as in Node: a page in headless Chromium loads a model that Node saved and
 * asks it, on threads where the page is cross-origin isolated and on one worker where it is not; bundled as
 * applications are, and as plain modules. Needs Chromium on the PATH.
 */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RandomStream } from '../../src/base/random.ts';
import { Model } from '../../src/model/model.ts';
import { mobilenetV3 } from '../../src/models/mobilenet-v3.ts';
import { bundle, ROOT, SCRIPT_FOLDER } from './bundle.ts';
import { findChromium, runPage } from './chromium.ts';

const chromium = findChromium();
if (chromium === null) console.warn('The browser tests are SKIPPED: there is no Chromium on the PATH.');

const SIDE = 40;
const RESOLUTION = 48;
const [WIDTH, HEIGHT] = [71, 53];
const THREADS = 3;
const PREPROCESSING = { resolution: RESOLUTION, resize: 56, mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.3] } as const;

const stream = new RandomStream(11, 'augment');
const bytesOf = (length: number) => Array.from({ length }, () => stream.integer(256));
const inputs = {
  side: SIDE,
  width: WIDTH,
  height: HEIGHT,
  threads: THREADS,
  tensor: Array.from({ length: 3 * SIDE * SIDE }, () => Math.fround(stream.normal())),
  pictures: bytesOf(2 * RESOLUTION * RESOLUTION * 3),
  pixels: bytesOf(WIDTH * HEIGHT * 4),
};

function html(script: string): string {
  const imports = JSON.stringify({ imports: { bneck: '/dist/index.browser.js' } });
  const map = `<script type="importmap">${imports}</script>`;
  return `<!doctype html><title>bneck</title>${map}<script type="module" src="${script}"></script>`;
}

const bitsOf = (logits: Float32Array) => [...new Uint32Array(logits.buffer, logits.byteOffset, logits.length)];

/** What Node answers to the page's questions. */
async function answersOfNode(model: Model) {
  const tensor = { data: Float32Array.from(inputs.tensor), shape: [1, 3, SIDE, SIDE] };
  const fresh = Model.create(mobilenetV3('small', { classes: 3, width: 0.35 }), { seed: 5, threads: 1 });
  const pixels = { width: WIDTH, height: HEIGHT, data: Uint8Array.from(inputs.pixels) };
  const forward = bitsOf((await model.forward(tensor)).data);
  const answers = {
    classNames: model.classNames,
    forward,
    again: [forward, forward],
    forwardBytes: bitsOf(await model.forwardBytes(Uint8Array.from(inputs.pictures), 2)),
    classes: await model.classify(pixels, { top: 3 }),
    fresh: bitsOf((await fresh.forward(tensor)).data),
  };
  await Promise.all([model.dispose(), fresh.dispose()]);
  return answers;
}

describe.skipIf(chromium === null)('a page in Chromium', () => {
  let folder: string;
  let expected: Awaited<ReturnType<typeof answersOfNode>>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bneck-browser-'));
    const page = new URL('./page.js', import.meta.url);
    await bundle(`import ${JSON.stringify(page.pathname)};`, folder);
    await mkdir(join(folder, 'plain'));
    await cp(page, join(folder, 'plain/page.js'));
    await writeFile(join(folder, 'bundled.html'), html(`/${SCRIPT_FOLDER}/page.js`));
    await writeFile(join(folder, 'plain.html'), html('/plain/page.js'));
    await writeFile(join(folder, 'inputs.json'), JSON.stringify(inputs));
    const model = Model.create(mobilenetV3('small', { classes: 7, width: 0.35 }), {
      seed: 2,
      classNames: ['a', 'b', 'c', 'd', 'e', 'f', 'g'],
      preprocessing: PREPROCESSING,
    });
    await model.save(join(folder, 'model.safetensors'));
    expected = await answersOfNode(model);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each([
    ['bundled', true, THREADS],
    ['bundled', false, 1],
    ['plain', true, THREADS],
  ])('%s, isolated: %s', async (page, isolated, threads) => {
    const options = { chromium: chromium as string, path: `${page}.html`, isolated };
    expect(await runPage({ ...options, folders: [folder, ROOT] })).toEqual({
      ...expected,
      isolated,
      threads,
      untouched: true,
      refusals: ['file', 'file', 'option', 'image'],
      disposed: 'runtime',
    });
  });
});

/** `bneck explain`: a page that needs nothing else, PNG files, and clear refusals. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { drawSeen, drawWhole, seenBox } from '../../src/cli/explain/shown-picture.ts';
import { makePicture } from '../../src/data/picture.ts';
import { defaultPreprocessing, evaluationPicture } from '../../src/data/preprocess.ts';
import { Model } from '../../src/model/model.ts';
import { mobilenetV3 } from '../../src/models/mobilenet-v3.ts';

const BNECK = fileURLToPath(new URL('../../bin/bneck.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bneck-explain-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function bneck(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BNECK, ...args], { cwd: folder }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

const PICTURE = 'a "b" & c.png';
const HOSTILE = '</td><script>alert(1)</script>';

beforeAll(async () => {
  const data = Uint8Array.from({ length: 60 * 40 * 3 }, (_, at) => Math.imul(at + 1, 2654435761) >>> 24);
  await sharp(data, { raw: { width: 60, height: 40, channels: 3 } })
    .png()
    .toFile(join(folder, PICTURE));
  const model = Model.create(mobilenetV3('small', { classes: 3, width: 0.25, reduction: 8 }), {
    seed: 4,
    classNames: ['cat', HOSTILE, 'dog'],
    preprocessing: defaultPreprocessing(32),
  });
  await model.save(join(folder, 'net.safetensors'));
});

test('a page without anything from elsewhere, and the PNG files', async () => {
  const args = [
    'explain',
    'net.safetensors',
    PICTURE,
    '--class',
    HOSTILE,
    '--maps',
    'features.1, features.12',
    '--threads',
    '1',
  ];
  const { code, out, err } = await bneck(...args);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(
    /^( *[\d.]+% {2}.*\n){3}\nheat {3}features\.12, for <\/td>.*\nsaved {2}explain.explain\.html, and 5 PNG files/,
  );
  expect(readdirSync(join(folder, 'explain')).sort()).toEqual([
    'explain.html',
    'heat.png',
    'maps-features.1.png',
    'maps-features.12.png',
    'overlay.png',
    'picture.png',
  ]);
  const page = readFileSync(join(folder, 'explain', 'explain.html'), 'utf8');
  expect(page).not.toMatch(/<script|https?:|src="(?!data:image\/png;base64,)|@import|url\(/);
  expect(page).toContain('a &quot;b&quot; &amp; c.png');
  expect(page).toContain('&lt;script&gt;alert(1)');
  expect(page.match(/<svg class="gate"/g)).toHaveLength(9);
  const images = [...page.matchAll(/src="data:image\/png;base64,([^"]+)"/g)].map(([, text]) =>
    Buffer.from(text as string, 'base64'),
  );
  const files = ['picture', 'overlay', 'heat', 'maps-features.1', 'maps-features.12'];
  expect(images).toEqual(files.map((name) => readFileSync(join(folder, 'explain', `${name}.png`))));
  for (const [at, size] of [
    [0, [420, 280]],
    [1, [448, 448]],
    [2, [448, 448]],
  ] as const) {
    const { width, height } = await sharp(images[at]).metadata();
    expect([width, height]).toEqual(size);
  }
});

test.each<[string, string[], number, RegExp]>([
  ['an unknown layer', [PICTURE, '--layer', 'features.13'], 2, /no layer features\.13.*features\.0 to features\.12/],
  ['an unknown class', [PICTURE, '--class', 'cta'], 2, /no class cta.*did you mean cat\?/],
  ['unknown maps', [PICTURE, '--maps', 'features.1,stem'], 2, /no layer stem/],
  ['a missing picture', ['nothing.png'], 1, /nothing\.png: there is no such file/],
])('refuses %s', async (_, args, code, message) => {
  const refused = await bneck('explain', 'net.safetensors', ...args, '--out', 'refused', '--threads', '1');
  expect(refused).toMatchObject({ code, out: '', err: expect.stringMatching(message) });
  expect(refused.err).toMatch(/^bneck: [^\n]*\n$/);
  expect(existsSync(join(folder, 'refused'))).toBe(false);
});

test.each([
  [300, 200],
  [97, 301],
  [40, 60],
])('the square drawn from a picture of %i x %i is the one that the network sees', (width, height) => {
  // A smooth picture, so that resizing it in another way changes little.
  const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
    const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)];
    return [(250 * x) / width, (250 * y) / height, 120][at % 3] as number;
  });
  const picture = makePicture(width, height, data);
  const preprocessing = { ...defaultPreprocessing(128), resize: 170 };
  const drawn = drawSeen(picture, seenBox(picture, preprocessing), 128).data;
  const seen = evaluationPicture(picture, preprocessing);
  expect(Math.max(...seen.map((value, at) => Math.abs(value - (drawn[at] as number))))).toBeLessThanOrEqual(6);
  const whole = drawWhole(picture, 448);
  expect(Math.max(whole.width, whole.height)).toBeLessThanOrEqual(448);
  expect(whole.width / whole.height).toBeCloseTo(width / height, 1);
});

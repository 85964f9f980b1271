/** Pages of runs whose class names, paths and settings are hostile: nothing in them becomes markup or script. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { classificationMetrics } from '../../src/report/classification-metrics.ts';
import { renderComparison } from '../../src/report/compare-page.node.ts';
import { renderConfusion } from '../../src/report/confusion-chart.node.ts';
import type { EpochMetrics } from '../../src/report/metrics-csv.ts';
import { renderRunPage } from '../../src/report/run-page.node.ts';
import type { RunReport, ShownPicture } from '../../src/report/run-report.ts';
import { makeThumbnail } from '../../src/report/thumbnail.node.ts';

const HOSTILE = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(2)>',
  "' onmouseover='alert(3)",
  '</script><script>alert(4)</script>',
  '<!--',
  ']]></style></svg><iframe src="https://evil.example/">',
  '\u202egnp.exe',
  '&lt;b&gt;',
  `${'x'.repeat(900)}`,
  'javascript:alert(5)',
  '__proto__',
  'constructor',
];

const ROW: EpochMetrics = {
  epoch: 1,
  trainLoss: 1,
  trainAccuracy: 0.5,
  validationLoss: 1.5,
  validationAccuracy: 0.25,
  learningRate: 0.01,
  imagesPerSecond: 10,
  seconds: 2,
};

async function hostileReport(): Promise<RunReport> {
  const classes = HOSTILE.length;
  const labels = Int32Array.from({ length: 3 * classes }, (_, index) => index % classes);
  const logits = Float32Array.from({ length: labels.length * classes }, (_, at) => (at * 7919) % 13);
  const metrics = classificationMetrics(labels, logits, classes);
  const thumbnail = await makeThumbnail({ width: 2, height: 2, data: new Uint8Array(12).fill(90) }, 96);
  const pictures = new Map<number, ShownPicture>();
  const cells = new Map<number, number[]>();
  labels.forEach((label, number) => {
    const name = HOSTILE[label] as string;
    pictures.set(number, { thumbnail, caption: `${name} taken for ${name}`, name: `../${name}/1.png` });
    cells.set(label * classes + (metrics.predicted[number] as number), [number]);
  });
  const settings = HOSTILE.map((text) => [text, text] as const);
  const [first] = HOSTILE as [string];
  return {
    title: first,
    folder: first,
    lead: HOSTILE.join(' '),
    facts: HOSTILE.map((text) => ({ name: text, value: text, note: text })),
    rows: [ROW],
    best: ROW,
    classNames: HOSTILE,
    judged: { metrics, labels, pictures, topLosses: [...pictures.keys()], cells },
    samples: [{ title: first, pictures: [...pictures.values()] }],
    reasons: HOSTILE,
    recipe: settings,
    network: settings,
    data: settings,
    trainCounts: HOSTILE.map(() => 3),
    validationCounts: HOSTILE.map(() => 3),
    machine: settings,
    missing: HOSTILE,
  };
}

/** The names of all tags with their attributes, as a browser would find them in sound HTML. */
function tagsOf(page: string): { name: string; attributes: string }[] {
  const withoutRaw = page.replace(/(<(style|script)\b[^>]*>).*?(<\/\2>)/gs, '$1$3');
  return [...withoutRaw.matchAll(/<([a-zA-Z!][^\s/>]*)((?:[^"'>]|"[^"]*"|'[^']*')*)>/g)].map(
    ([, name, attributes]) => ({
      name: (name as string).toLowerCase(),
      attributes: attributes as string,
    }),
  );
}

function expectHarmless(page: string, scripts: readonly string[]): void {
  const tags = tagsOf(page);
  const names = tags.map(({ name }) => name);
  expect(names.filter((name) => ['iframe', 'object', 'embed', 'link', 'base', 'form', 'a'].includes(name))).toEqual([]);
  expect(tags.filter(({ name }) => name === 'script').map(({ attributes }) => attributes)).toEqual(scripts);
  for (const { attributes } of tags) {
    // What stands in quotes cannot act; outside of them there is no handler.
    expect(attributes.replace(/"[^"]*"/g, '')).not.toMatch(/\son[a-z]+\s*=|javascript:/i);
    for (const [, value] of attributes.matchAll(/\b(?:src|href|xlink:href)="([^"]*)"/g)) {
      expect(value).toMatch(/^(data:image\/webp;base64,|#)/);
    }
  }
  expect(/\u202e/.test(page)).toBe(false);
  expect(/url\(\s*["']?(?!#)/.test(page)).toBe(false);
}

test("a run's page: no markup but its own, one script, whose hash its policy names", async () => {
  const page = await renderRunPage(await hostileReport());
  expectHarmless(page, [' type="application/json" id="pictures"', '']);
  const script = /<script>(.*?)<\/script>/s.exec(page)?.[1] as string;
  const hash = createHash('sha256').update(script).digest('base64');
  expect(
    page.includes(`default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${hash}'"`),
  ).toBe(true);
  const data = JSON.parse(/id="pictures">(.*?)<\/script>/s.exec(page)?.[1] as string);
  expect(data.pictures[0].name).toBe(`../${HOSTILE[0]}/1.png`);
  for (const places of Object.values(data.cells) as number[][]) {
    for (const place of places) expect(data.pictures[place].source).toMatch(/^data:image\/webp/);
  }
  expect(page.includes('&lt;script&gt;alert(1)&lt;/script&gt;')).toBe(true);
});

test('equal reports give equal bytes', async () => {
  expect(await renderRunPage(await hostileReport())).toBe(await renderRunPage(await hostileReport()));
});

test('without anything judged there is no script at all', async () => {
  const report = { ...(await hostileReport()), judged: null, samples: [], rows: [], best: null };
  const page = await renderRunPage(report);
  expectHarmless(page, []);
  expect(page.includes('script-src')).toBe(false);
});

test('a comparison', async () => {
  const runs = HOSTILE.map((name, index) => ({
    name,
    network: name,
    rows: [ROW],
    best: index % 2 === 0 ? ROW : null,
    parameters: 10,
    multiplyAdds: 1e6,
    latencyMs: index === 3 ? Number.NaN : 1 + index,
    modelBytes: 1000,
    trainingSeconds: 5,
  }));
  const differences = HOSTILE.map((name) => ({ name, values: runs.map((run, at) => (at === 1 ? null : run.name)) }));
  const page = await renderComparison({ runs, differences, measured: '<b>', notes: HOSTILE });
  expectHarmless(page, []);
});

test('a chart of a thousand classes shows those with the most mistakes', async () => {
  const classes = 1000;
  const confusion = new Int32Array(classes * classes);
  for (let label = 0; label < classes; label++) confusion[label * classes + label] = 5;
  confusion[700 * classes + 900] = 3;
  const names = Array.from({ length: classes }, (_, label) => `class ${label}`);
  const svg = await renderConfusion(confusion, names);
  expect(svg).toContain('the 40 classes with the most mistakes, of 1000');
  expect(svg).toContain('>class 700<');
  expect(svg).toContain('>class 900<');
  expect(svg.length).toBeLessThan(2e6);
});

import { expect, test } from 'vitest';
import { mobilenetV2 } from '../models/mobilenet-v2.ts';
import { mobilenetV3 } from '../models/mobilenet-v3.ts';
import { formatSummary, summarize } from './summary.ts';

test('a summary has a row a block, and its totals', () => {
  const summary = summarize(mobilenetV3('large'));
  expect(summary.rows.length).toBe(15 + 5);
  expect(summary.rows[4]).toEqual({
    name: 'features.4',
    kind: 'bneck 5x5 /2 SE RE',
    residual: false,
    expandedChannels: 72,
    outputShape: [40, 28, 28],
    parameters: 10328,
    multiplyAdds: 9091584,
  });
  expect(summary.totalParameters).toBe(5483032);
  expect(summary.totalMultiplyAdds).toBe(216589760);
  expect(JSON.parse(JSON.stringify(summary))).toEqual(summary);
});

test('every parameter and multiply-add is in some row', () => {
  expect(summarize(mobilenetV3('small')).totalParameters).toBe(2542856);
  const v2 = summarize(mobilenetV2());
  expect([v2.totalParameters, v2.totalMultiplyAdds]).toEqual([3504872, 300774272]);
});

test('the table is aligned and readable', () => {
  const text = formatSummary(summarize(mobilenetV3('small', { width: 0.35, classes: 10, reduction: 8 }), 32));
  expect(text).toMatchInlineSnapshot(`
    "MobileNetV3-Small, width 0.35, reduction 8, 10 classes, at 32x32

    module        kind                expand  add   output  parameters  multiply-adds
    ─────────────────────────────────────────────────────────────────────────────────
    features.0    conv 3x3 HS                      8x32x32         232        221,184
    features.1    bneck 3x3 SE RE          8       8x32x32         312        139,392
    features.2    bneck 3x3 /2 RE         24       8x16x16         712        301,056
    features.3    bneck 3x3 RE            32    +  8x16x16         944        204,800
    features.4    bneck 5x5 /2 SE HS      32        16x8x8       2,280        150,016
    features.5    bneck 5x5 SE HS         88    +   16x8x8       9,736        325,248
    features.6    bneck 5x5 SE HS         88    +   16x8x8       9,736        325,248
    features.7    bneck 5x5 SE HS         40    +   16x8x8       3,808        147,200
    features.8    bneck 5x5 SE HS         48    +   16x8x8       4,560        176,640
    features.9    bneck 5x5 /2 SE HS     104        32x4x4      13,192        206,336
    features.10   bneck 5x5 SE HS        200    +   32x4x4      38,112        304,000
    features.11   bneck 5x5 SE HS        200    +   32x4x4      38,112        304,000
    features.12   conv 1x1 HS                      192x4x4       6,528         98,304
    avgpool       average pool                     192x1x1           0              0
    classifier.0  linear HS                            360      69,480         69,120
    classifier.3  linear                                10       3,610          3,600
    ─────────────────────────────────────────────────────────────────────────────────
    total                                                      201,354      2,976,144

    0.20 M parameters (0.8 MB), 2.98 M multiply-adds a picture"
  `);
  const lines = text.split('\n').slice(2, -2);
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
});

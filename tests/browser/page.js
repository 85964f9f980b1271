/**
 * The page of the browser test: loads a model by address, asks it in every way, and reports the bits of
 * the answers. It imports 'bneck' as an application does.
 */

/** @type {typeof import('../../src/index.browser.ts')} In type checking 'bneck' is the one for Node. */
const { BneckError, Model, mobilenetV3 } = /** @type {any} */ (await import('bneck'));

/** @param {Float32Array} logits */
const bitsOf = (logits) => [...new Uint32Array(logits.buffer, logits.byteOffset, logits.length)];

/** @param {Promise<unknown>} refused */
const codeOf = (refused) =>
  refused.then(
    () => 'nothing was refused',
    (error) => (error instanceof BneckError ? error.code : String(error)),
  );

async function askModel() {
  const inputs = await (await fetch('/inputs.json')).json();
  const { side, width, height } = inputs;
  const model = await Model.load('/model.safetensors', { threads: inputs.threads });
  await model.compile({ batch: 2 });
  const tensor = { data: Float32Array.from(inputs.tensor), shape: [1, 3, side, side] };
  const pixels = new ImageData(Uint8ClampedArray.from(inputs.pixels), width, height);
  const [forward, forwardBytes, classes] = await Promise.all([
    model.forward(tensor),
    model.forwardBytes(Uint8Array.from(inputs.pictures), 2),
    model.classify(pixels, { top: 3 }),
  ]);
  const bytes = new Uint8Array(await (await fetch('/model.safetensors')).arrayBuffer());
  const copies = [await Model.load(new Blob([bytes])), await Model.load(bytes, { threads: 0 })];
  const again = await Promise.all(copies.map(async (copy) => bitsOf((await copy.forward(tensor)).data)));
  const fresh = await Model.create(mobilenetV3('small', { classes: 3, width: 0.35 }), { seed: 5, threads: 1 });
  const refusals = [
    await codeOf(Model.load('/nothing.safetensors')),
    await codeOf(Model.load(Uint8Array.of(1, 2, 3))),
    await codeOf(model.compile({ batch: 0 })),
    await codeOf(model.classify({ width: 2, height: 2, data: new Uint8Array(5) })),
  ];
  const report = {
    isolated: crossOriginIsolated,
    threads: model.threads,
    classNames: model.classNames,
    forward: bitsOf(forward.data),
    again,
    forwardBytes: bitsOf(forwardBytes),
    classes,
    fresh: bitsOf((await fresh.forward(tensor)).data),
    refusals,
    untouched: bytes.length > 0 && tensor.data.length > 0,
  };
  for (const each of [model, fresh, ...copies]) await each.dispose();
  return { ...report, disposed: await codeOf(model.forward(tensor)) };
}

askModel()
  .catch((error) => ({ failed: `${error.stack ?? error}` }))
  .then((report) => fetch('/report', { method: 'POST', body: JSON.stringify(report) }));

/**
 * The second form of loops over channels, for wide vectors: each vector has a second one beside it, 16 bytes further on, and V8 makes one of
 * 256 bits of both. A kernel is written once, for four channels (VECTOR, kernels/vector.ts); here every statement about vectors is written twice, the second time about
 * the upper half.
 *
 * A vector is what a declaration sets to `v128.…(`, `f32x4.…(`, a function of activation.ts, or another vector. Constants that are not loaded
 * (`const three = held(3.0)`) are the same in both halves, and stay single. A statement about vectors has a line for itself.
 * Functions with integer vectors stay as they are.
 */

/** Functions of vectors, lane by lane, that are called in expressions. */
const VECTOR_CALL =
  /^(f32x4|v128)\.|^(held|low_of|high_of|slope_of|offset_of|activate|hard_swish|hard_swish_slope|clamp|clamp_slope|inside)\(/;
const DECLARATION = /^(let|const)\s/;

/** Splits at commas outside brackets. @param {string} text @returns {string[]} */
function splitArguments(text) {
  const parts = [''];
  let depth = 0;
  for (const character of text) {
    if ('([{'.includes(character)) depth++;
    if (')]}'.includes(character)) depth--;
    if (character === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts.map((part) => part.trim());
}

/** Replaces each `name(arguments)` by what `rewrite` makes of the arguments. @param {string} text @param {RegExp} name @param {(name: string, parts: string[]) => string} rewrite @returns {string} */
function rewriteCalls(text, name, rewrite) {
  let result = '';
  let rest = text;
  for (;;) {
    const match = name.exec(rest);
    if (!match) return result + rest;
    const start = match.index + match[0].length;
    let end = start;
    for (let depth = 1; depth > 0; end++) depth += rest[end] === '(' ? 1 : rest[end] === ')' ? -1 : 0;
    const parts = splitArguments(rest.slice(start, end - 1)).map((part) => rewriteCalls(part, name, rewrite));
    result += rest.slice(0, match.index) + rewrite(match[0].slice(0, -1), parts);
    rest = rest.slice(end);
  }
}

/** What an expression or a statement says of the upper halves. @param {string} text @param {ReadonlySet<string>} vectors @returns {string} */
function upperHalf(text, vectors) {
  const moved = rewriteCalls(text, /v128\.(?:load|store)\(/, (call, parts) => {
    const fixed = call.endsWith('load') ? 1 : 2;
    const offset = parts[fixed] === undefined ? '16' : `${parts[fixed]} + 16`;
    return `${call}(${[...parts.slice(0, fixed), offset].join(', ')})`;
  });
  return moved.replace(/\b[a-z]\w*\b(?!\()/gi, (name) => (vectors.has(name) ? `${name}_upper` : name));
}

/** @param {string} value @param {ReadonlySet<string>} vectors */
function isVector(value, vectors) {
  return VECTOR_CALL.test(value) || vectors.has(value);
}

/**
 * @param {string} statement without its semicolon
 * @param {Set<string>} vectors those seen so far; grows
 * @returns {string}
 */
function widenStatement(statement, vectors) {
  const declaration = DECLARATION.exec(statement);
  if (declaration) {
    const kind = declaration[0];
    const parts = splitArguments(statement.slice(kind.length));
    const upper = [];
    for (const part of parts) {
      const [name = '', value = ''] = part.split(/ = (.*)/s);
      if (/f32x4|v128/.test(value) && !isVector(value, vectors)) throw new Error(`Is this a vector? ${statement}`);
      const varies = kind.startsWith('let') || /v128\.load/.test(value) || upperHalf(value, vectors) !== value;
      if (!isVector(value, vectors) || !varies) continue;
      upper.push(`${name}_upper = ${upperHalf(value, vectors)}`);
      vectors.add(name);
    }
    return upper.length === 0 ? `${statement};` : `${kind}${[...parts, ...upper].join(', ')};`;
  }
  if (/^v128\.store\(/.test(statement)) {
    // both values first: V8 joins two stores only if nothing is loaded between them, and then the upper one should come first
    const [target = '', value = '', offset = '0'] = splitArguments(statement.slice('v128.store('.length, -1));
    const values = `const lower = ${value}, upper = ${upperHalf(value, vectors)};`;
    return `{ ${values} v128.store(${target}, upper, ${offset} + 16); v128.store(${target}, lower, ${offset}); }`;
  }
  const [, assigned] = /^(\w+) = /.exec(statement) ?? [];
  if (assigned !== undefined && vectors.has(assigned)) return `${statement}; ${upperHalf(statement, vectors)};`;
  // a call: vectors among its arguments are followed by their upper halves
  const doubled = rewriteCalls(statement, /^\w+(<[\w, ]+>)?\(/, (call, parts) => {
    const both = parts.flatMap((part) => (isVector(part, vectors) ? [part, upperHalf(part, vectors)] : [part]));
    return `${call}(${both.join(', ')})`;
  });
  return `${doubled};`;
}

/** @param {string} source of a function @returns {string} */
function widenFunction(source) {
  if (source.includes('i32x4')) return source;
  /** @type {Set<string>} */
  const vectors = new Set();
  const signature = source.slice(0, source.indexOf(' {\n'));
  const wideSignature = signature.replace(/(\w+): v128/g, (parameter, name) => {
    vectors.add(name);
    return `${parameter}, ${name}_upper: v128`;
  });
  const lines = source.slice(signature.length).split('\n');
  const wideLines = lines.map((line) => {
    const [, space, condition, statement] = /^(\s*)((?:if|for) \(.*?\) )?(.+);$/.exec(line) ?? [];
    const wide = statement && widenStatement(statement, vectors);
    if (wide === undefined || wide === `${statement};`) {
      const left =
        !/^\s*(\/?\*|\/\/)/.test(line) && !DECLARATION.test(line.trim()) && upperHalf(line, vectors) !== line;
      if (left || (/f32x4|v128/.test(line) && !line.endsWith(';')))
        throw new Error(`Not one statement about vectors: ${line}`);
      return line;
    }
    if (statement?.includes(';')) throw new Error(`More than one statement about vectors in a line: ${line}`);
    return condition === undefined ? space + wide : `${space}${condition}{ ${wide} }`;
  });
  return wideSignature + wideLines.join('\n');
}

/**
 * Files of kernels/ that have a wide form, and the integers of their kernels that must be multiples of eight for it: with others, the first
 * form runs.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
export const WIDENED = {
  correlate: [],
  'depthwise-conv': ['channels', 'channelsPerTask'],
  'depthwise-tile': [],
  'depthwise-weight': [],
  // whose channels always are
  'expand-depthwise-conv': [],
  plane: [],
  'pointwise-conv': ['inChannels', 'outChannels'],
  pooling: ['channels'],
  statistics: ['channels'],
  // whose channels always are
  strassen: [],
  'strassen-conv': [],
  vector: [],
  view: [],
};

/** The wide form of a file of kernels/, to stand in build/wide/. @param {string} source @returns {string} */
export function widen(source) {
  const [head = '', ...functions] = source.split(/^(?=(?:export )?function )/m);
  const wideHead = head
    .replace('VECTOR: usize = 16', 'VECTOR: usize = 32')
    .replace(/from '\.\/([\w-]+)'/g, (whole, file) => (file in WIDENED ? whole : `from '../../kernels/${file}'`));
  return wideHead + functions.map(widenFunction).join('');
}

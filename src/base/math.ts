/**
 * exp, log, sin and cos from IEEE additions and multiplications alone. The host's Math functions may
 * differ in the last bit between engines; whatever reaches a weight or an input goes through these,
 * so that the same seed gives the same bits everywhere. Accuracy: a few ulp of double precision.
 */
const LN2_HIGH = 0.6931471803691238; // the upper bits of ln 2: k * LN2_HIGH is exact for |k| < 2^20
const LN2_LOW = 1.9082149292705877e-10;
const SQRT_HALF = Math.SQRT1_2;
const PI_OVER_2_HIGH = 1.5707963267341256;
const PI_OVER_2_LOW = 6.077100506506192e-11;

/** A number, and its bits: the lower 32 first, as on all machines that run WebAssembly's memory as arrays. */
const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);

/** Steps of a power of two that `exp` looks up. */
const STEPS = 64;
const STEP_HIGH = LN2_HIGH / STEPS;
const STEP_LOW = LN2_LOW / STEPS;
const STEPS_PER_UNIT = STEPS * Math.LOG2E;
/** The least and the greatest exponent of a normal number. */
const [LEAST_EXPONENT, GREATEST_EXPONENT] = [-1022, 1023];

/** 2^(j / STEPS) for each j: roots of roots, each of which halves the error of the one before. */
const rootsOfTwo = new Float64Array(STEPS).fill(1);
for (let count = 1; count < STEPS; count *= 2) {
  const coarser = rootsOfTwo.slice(0, count);
  for (let j = 0; j < 2 * count; j++) {
    rootsOfTwo[j] = Math.sqrt(j < count ? (coarser[j] as number) : 2 * (coarser[j - count] as number));
  }
}

/** 2^n, from the least exponent on. */
const powersOfTwo = new Float64Array(GREATEST_EXPONENT - LEAST_EXPONENT + 1);
for (let n = 0, power = 2 ** LEAST_EXPONENT; n < powersOfTwo.length; n++, power *= 2) powersOfTwo[n] = power;

/** e^x for x in [-708, 709], or NaN. */
function expWithin(x: number): number {
  // x = k ln(2) / STEPS + r, |r| <= ln(2) / 2 / STEPS; the sixth term of the series is below 1e-17
  const k = Math.floor(x * STEPS_PER_UNIT + 0.5);
  const r = x - k * STEP_HIGH - k * STEP_LOW;
  const beyondOne = r + r * r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120))));
  const root = rootsOfTwo[k & (STEPS - 1)] as number;
  return (root + root * beyondOne) * (powersOfTwo[(k >> 6) - LEAST_EXPONENT] as number);
}

/** e^x. Underflows to 0 below -708, overflows to Infinity above 709. */
export function exp(x: number): number {
  if (x > 709) return Number.POSITIVE_INFINITY;
  return x < -708 ? 0 : expWithin(x);
}

/**
 * Softmax's denominator: the sum of e^(value - greatest), in order.
 * @param greatest the largest of the values
 */
export function sumOfExponentials(values: Float32Array, greatest: number): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const x = (values[i] as number) - greatest;
    // what is less adds nothing to a sum of at least 1
    sum += expWithin(x < -708 ? -708 : x);
  }
  return sum;
}

/** base^exponent for a whole exponent of 0 or more, by squaring. */
export function power(base: number, exponent: number): number {
  let result = 1;
  let factor = base;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= factor;
    factor *= factor;
  }
  return result;
}

/** Natural logarithm of a positive normal number. */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return x;
  float[0] = x;
  const high = words[1] as number;
  let exponent = ((high >>> 20) & 0x7ff) - 1022;
  words[1] = (high & 0x000fffff) | 0x3fe00000;
  let mantissa = float[0]; // in [0.5, 1)
  if (mantissa < SQRT_HALF) {
    mantissa *= 2;
    exponent -= 1;
  }
  // log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| <= 0.172
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let series = 0;
  for (let n = 23; n >= 1; n -= 2) series = series * square + 1 / n;
  return exponent * LN2_HIGH + (2 * s * series + exponent * LN2_LOW);
}

/** sin(x + quarterTurns * pi / 2) for |x| below about 1e5, radians. */
function circular(x: number, quarterTurns: number): number {
  const quadrant = Math.round(x / (PI_OVER_2_HIGH + PI_OVER_2_LOW));
  const r = x - quadrant * PI_OVER_2_HIGH - quadrant * PI_OVER_2_LOW;
  const square = r * r;
  let cosine = 1;
  for (let n = 18; n >= 2; n -= 2) cosine = 1 - (square * cosine) / (n * (n - 1));
  let sine = 1;
  for (let n = 19; n >= 3; n -= 2) sine = 1 - (square * sine) / (n * (n - 1));
  sine *= r;
  switch ((((quadrant + quarterTurns) % 4) + 4) % 4) {
    case 0:
      return sine;
    case 1:
      return cosine;
    case 2:
      return -sine;
    default:
      return -cosine;
  }
}

/** Sine for |x| below about 1e5, radians. */
export function sin(x: number): number {
  return circular(x, 0);
}

/** Cosine for |x| below about 1e5, radians. */
export function cos(x: number): number {
  return circular(x, 1);
}

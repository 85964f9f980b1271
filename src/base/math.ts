/**
 * exp, log, sin and cos from IEEE additions and multiplications alone. The host's Math functions may
 * differ in the last bit between engines; whatever reaches a weight or an input goes through these,
 * so that the same seed gives the same bits everywhere. Accuracy: a few ulp of double precision.
 */
const LN2_HIGH = 0.6931471803691238; // the upper bits of ln 2: k * LN2_HIGH is exact for |k| < 2^20
const LN2_LOW = 1.9082149292705877e-10;
const INVERSE_LN2 = Math.LOG2E;
const SQRT_HALF = Math.SQRT1_2;
const PI_OVER_2_HIGH = 1.5707963267341256;
const PI_OVER_2_LOW = 6.077100506506192e-11;

/** A number, and its bits: the lower 32 first, as on all machines that run WebAssembly's memory as arrays. */
const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);

/** 2 to the power of an integer in [-1022, 1023], exactly. */
function powerOfTwo(exponent: number): number {
  words[0] = 0;
  words[1] = (exponent + 1023) << 20;
  return float[0] as number;
}

/** Range reduction: the whole number k for which x = k ln 2 + r, |r| <= ln2 / 2. */
function exponentOf(x: number): number {
  return Math.floor(x * INVERSE_LN2 + 0.5);
}

/** r = x - k ln 2. */
function remainderOf(x: number, k: number): number {
  return x - k * LN2_HIGH - k * LN2_LOW;
}

/** e^r, |r| <= ln2 / 2. */
function expOfRemainder(r: number): number {
  // Taylor series; the 14th term is below 1e-17. Two sums, of the even powers from the second on and
  // of the odd ones, which processors work on side by side.
  const q = r * r;
  const even = 1 / 2 + q * (1 / 24 + q * (1 / 720 + q * (1 / 40320 + q * (1 / 3628800 + q * (1 / 479001600)))));
  const odd = 1 / 6 + q * (1 / 120 + q * (1 / 5040 + q * (1 / 362880 + q * (1 / 39916800 + q * (1 / 6227020800)))));
  return 1 + (r + q * (even + r * odd));
}

/** e^x. Underflows to 0 below -708, overflows to Infinity above 709. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x > 709) return Number.POSITIVE_INFINITY;
  if (x < -708) return 0;
  const k = exponentOf(x);
  return expOfRemainder(remainderOf(x, k)) * powerOfTwo(k);
}

const remainders = new Float64Array(64);
const powers = new Float64Array(remainders.length);
const powerWords = new Uint32Array(powers.buffer);

/**
 * Softmax's denominator: the sum of e^(value - greatest), in order, the bits of adding up `exp`. Quicker, since powers of two are read long after their words are written (a
 * processor waits where a number is read of which a part was just written), and since the long loop has nothing else in it.
 * @param greatest the largest of the values
 */
export function sumOfExponentials(values: Float32Array, greatest: number): number {
  let sum = 0;
  for (let start = 0; start < values.length; start += remainders.length) {
    const count = Math.min(remainders.length, values.length - start);
    for (let i = 0; i < count; i++) {
      // what is less adds nothing to a sum of at least 1
      const x = Math.max((values[start + i] as number) - greatest, -708);
      const k = exponentOf(x);
      remainders[i] = remainderOf(x, k);
      powerWords[2 * i + 1] = (k + 1023) << 20;
    }
    for (let i = 0; i < count; i++) sum += expOfRemainder(remainders[i] as number) * (powers[i] as number);
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

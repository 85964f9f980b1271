// exp and log in double precision from additions and multiplications alone; src/base/math.ts, bit for bit.

const LN2_HIGH: f64 = 0.6931471803691238;
const LN2_LOW: f64 = 1.9082149292705877e-10;
const INVERSE_LN2: f64 = 1.4426950408889634;
const SQRT_HALF: f64 = 0.7071067811865476;

export function exp(x: f64): f64 {
  if (x != x) return x;
  if (x > 709.0) return Infinity;
  if (x < -708.0) return 0.0;
  const k = Math.floor(x * INVERSE_LN2 + 0.5);
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  const q = r * r;
  const even = 1.0 / 2.0 + q * (1.0 / 24.0 + q * (1.0 / 720.0 + q * (1.0 / 40320.0 + q * (1.0 / 3628800.0 + q * (1.0 / 479001600.0)))));
  const odd = 1.0 / 6.0 + q * (1.0 / 120.0 + q * (1.0 / 5040.0 + q * (1.0 / 362880.0 + q * (1.0 / 39916800.0 + q * (1.0 / 6227020800.0)))));
  return (1.0 + (r + q * (even + r * odd))) * reinterpret<f64>((<i64>k + 1023) << 52);
}

export function log(x: f64): f64 {
  if (!(x > 0.0)) return x == 0.0 ? -Infinity : NaN;
  if (x == Infinity) return x;
  const bits = reinterpret<u64>(x);
  let exponent = <i32>((bits >> 52) & 0x7ff) - 1022;
  let mantissa = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3fe0000000000000);
  if (mantissa < SQRT_HALF) {
    mantissa *= 2.0;
    exponent -= 1;
  }
  const s = (mantissa - 1.0) / (mantissa + 1.0);
  const square = s * s;
  let series: f64 = 0.0;
  for (let n = 23; n >= 1; n -= 2) series = series * square + 1.0 / <f64>n;
  return <f64>exponent * LN2_HIGH + (2.0 * s * series + <f64>exponent * LN2_LOW);
}

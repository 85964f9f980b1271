/**
 * Quantities as people read them in a terminal: short, with their unit, the same on every machine
 * (no locale). For files that are read again, numbers are written in full instead, as in
 * `metrics-csv.ts`. A quantity that is not a number, or is infinite, shows as `n/a`.
 */
const NOT_AVAILABLE = 'n/a';

/** 5483032 as `5,483,032`. Rounded to an integer. */
export function formatCount(count: number): string {
  if (!Number.isFinite(count)) return NOT_AVAILABLE;
  return count
    .toFixed(0)
    .replace(/^-0$/, '0')
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Seconds as `0.42s`, `12.3s`, `1m 23s`, `2h 05m` or `3d 04h`: two units at most. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return NOT_AVAILABLE;
  if (seconds < 0) return `-${formatDuration(-seconds)}`;
  // The bounds are where rounding would reach the next form.
  if (seconds < 9.995) return `${seconds.toFixed(2)}s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)}s`;
  const pair = (total: number, size: number) => [Math.floor(total / size), String(total % size).padStart(2, '0')];
  const wholeSeconds = Math.round(seconds);
  if (wholeSeconds < 3600) {
    const [minutes, rest] = pair(wholeSeconds, 60);
    return `${minutes}m ${rest}s`;
  }
  const wholeMinutes = Math.round(seconds / 60);
  if (wholeMinutes < 24 * 60) {
    const [hours, rest] = pair(wholeMinutes, 60);
    return `${hours}h ${rest}m`;
  }
  const [days, rest] = pair(Math.round(seconds / 3600), 24);
  return `${formatCount(days as number)}d ${rest}h`;
}

/** Bytes as `512 B`, `21.9 MB`: powers of 1000, three digits or so. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return NOT_AVAILABLE;
  if (bytes < 0) return `-${formatBytes(-bytes)}`;
  const units = ['kB', 'MB', 'GB', 'TB', 'PB'];
  if (Math.round(bytes) < 1000) return `${Math.round(bytes)} B`;
  let scaled = bytes / 1000;
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  return `${scaled < 99.95 ? scaled.toFixed(1) : formatCount(scaled)} ${units[unit]}`;
}

/** A fraction as percent: 0.934 as `93.4%`. `digits` after the point. */
export function formatPercent(fraction: number, digits = 1): string {
  return Number.isFinite(fraction) ? `${(fraction * 100).toFixed(digits)}%` : NOT_AVAILABLE;
}

/** So many a second: `1,234 images/s`, `12.3 images/s`, `0.42 images/s`. */
export function formatRate(perSecond: number, unit = 'images'): string {
  if (!Number.isFinite(perSecond)) return NOT_AVAILABLE;
  const size = Math.abs(perSecond);
  const shown = size >= 99.95 ? formatCount(perSecond) : perSecond.toFixed(size >= 9.995 ? 1 : 2);
  return `${shown} ${unit}/s`;
}

// Pictures as they come, [height][width][3] of bytes or of floats that are normalised already: bytes to floats, and lines as the stem's tiles read them.

/** Four coefficients of the three channels in turns, from channel `first` on. */
function channels_in_turns(coefficients: usize, first: i32): v128 {
  const second = load<f32>(coefficients + (<usize>((first + 1) % 3) << 2));
  const third = load<f32>(coefficients + (<usize>((first + 2) % 3) << 2));
  const turns = v128.load32_splat(coefficients + (<usize>first << 2));
  return f32x4.replace_lane(f32x4.replace_lane(turns, 1, second), 2, third);
}

/** Four integers x, as floats, times scale plus shift. */
function scale_integers(x: v128, scale: v128, shift: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(x), scale), shift);
}

/** target [pixels][3] floats = source * scale[c] + shift[c], source [pixels][3] u8, coefficients [2][3]. */
export function normalize_pixels(target: usize, source: usize, pixels: i32, coefficients: usize): void {
  const shifts = coefficients + 12;
  const s0 = channels_in_turns(coefficients, 0), s1 = channels_in_turns(coefficients, 1), s2 = channels_in_turns(coefficients, 2);
  const t0 = channels_in_turns(shifts, 0), t1 = channels_in_turns(shifts, 1), t2 = channels_in_turns(shifts, 2);
  for (const end = source + <usize>((pixels & ~3) * 3); source < end; source += 12) {
    const front = v128.load_ext<u8>(source);
    const back = v128.load_ext<u8>(source, 4);
    v128.store(target, scale_integers(i32x4.extend_low_i16x8_u(front), s0, t0));
    v128.store(target, scale_integers(i32x4.extend_high_i16x8_u(front), s1, t1), 16);
    v128.store(target, scale_integers(i32x4.extend_high_i16x8_u(back), s2, t2), 32);
    target += 48;
  }
  for (const end = source + <usize>((pixels & 3) * 3); source < end; source += 3) {
    for (let c: usize = 0; c < 3; c++) {
      store<f32>(target + (c << 2), <f32>load<u8>(source + c) * load<f32>(coefficients + (c << 2)) + load<f32>(shifts + (c << 2)));
    }
    target += 12;
  }
}

/** Bytes of a pixel of pictures that are normalised by `coefficients`, or, if these are 0, floats. */
export function pixel_bytes(coefficients: usize): usize {
  return coefficients == 0 ? 12 : 3;
}

/** Bytes of a line of a picture, as a 3 x 3 convolution with stride 2 sees it: floats, with zeros around. */
export function line_bytes(outWidth: i32): usize {
  return <usize>(2 * outWidth + 1) * 12;
}

/** target [count][line_bytes] <- lines of a picture from `top` on, from column -padding on; zeros outside. */
export function load_lines(
  target: usize, picture: usize, coefficients: usize, top: i32, count: i32, height: i32, width: i32, outWidth: i32, padding: i32,
): void {
  const bytes = line_bytes(outWidth);
  const before = <usize>padding * 12;
  const seen = min(width, 2 * outWidth + 1 - padding);
  const after = before + <usize>seen * 12;
  for (let h = top; h < top + count; h++) {
    if (h < 0 || h >= height) memory.fill(target, 0, bytes);
    else {
      const line = picture + <usize>(h * width) * pixel_bytes(coefficients);
      memory.fill(target, 0, before);
      if (coefficients == 0) memory.copy(target + before, line, after - before);
      else normalize_pixels(target + before, line, seen, coefficients);
      memory.fill(target + after, 0, bytes - after);
    }
    target += bytes;
  }
}

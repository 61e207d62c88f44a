/**
 * Counter-based pseudo-random numbers: a pure function of (seed, stream, index), so that nothing has a state to save.
 * Two rounds of the 64-bit finaliser of SplitMix64 (Steele, Lea & Flood 2014) over 32-bit halves, by `mix32` of
 * MurmurHash3. Not for secrets.
 */
function mix32(x: number): number {
  let h = x >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Whole number in [0, 2^32), a pure function of its arguments (each a whole number below 2^53). */
export function random32(seed: number, stream: number, index: number): number {
  let h = mix32((seed >>> 0) ^ 0x9e3779b9);
  h = mix32(h ^ Math.floor(seed / 0x1_0000_0000));
  h = mix32((h + Math.imul(stream >>> 0, 0x85ebca77)) >>> 0);
  h = mix32((h ^ Math.imul(index >>> 0, 0xc2b2ae3d)) >>> 0);
  return mix32((h + Math.floor(index / 0x1_0000_0000) + 0x27d4eb2f) >>> 0);
}

/** Number in [0, 1) with 32 random bits. */
export function random01(seed: number, stream: number, index: number): number {
  return random32(seed, stream, index) / 0x1_0000_0000;
}

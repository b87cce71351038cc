const FIRST_MS = 1_000;
const MOST_MS = 60_000;

/**
 * Milliseconds to wait before the attempt: doubled each time, and anywhere in the upper half of that, so that the clients of an
 * instance that ended do not all come back at once. chance: [0, 1).
 */
export function waitBefore(attempt, chance) {
  const whole = Math.min(MOST_MS, FIRST_MS * 2 ** attempt);
  return whole / 2 + (whole / 2) * chance;
}

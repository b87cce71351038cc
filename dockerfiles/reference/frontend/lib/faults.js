/** What a release is told to do wrong: {errorRate: 0 to 1, latencyMs}. Throws on a value that means nothing. */
export function faultsOf(environment) {
  return {
    errorRate: number(environment, "FAULT_ERROR_RATE", 1),
    latencyMs: number(environment, "FAULT_LATENCY_MS", 60_000),
  };
}

function number(environment, name, most) {
  const value = Number(environment[name] ?? 0);
  if (Number.isFinite(value) && value >= 0 && value <= most) return value;
  throw new Error(`${name}: must be a number from 0 to ${most}, not "${environment[name]}"`);
}

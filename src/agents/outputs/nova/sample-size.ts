// How many visitors each arm of a test needs, by the two-proportion z test.

export type TestDesign = {
  /** Rate today, between 0 and 1. */
  baselineRate: number;
  /** Smallest relative change worth finding, in percent. */
  mdePct: number;
  /** Two-sided. */
  alpha: number;
  power: number;
};

/** Visitors per arm, rounded up; null where the design makes no sense, such as a rate beyond 1. */
export function samplePerArm({ baselineRate, mdePct, alpha, power }: TestDesign): number | null {
  const changed = baselineRate * (1 + mdePct / 100);
  const isSound =
    baselineRate > 0 &&
    changed < 1 &&
    mdePct > 0 &&
    alpha > 0 &&
    alpha < 1 &&
    power > 0 &&
    power < 1;
  if (!isSound) return null;

  const middle = (baselineRate + changed) / 2;
  const under = normalQuantile(1 - alpha / 2) * Math.sqrt(2 * middle * (1 - middle));
  const over =
    normalQuantile(power) * Math.sqrt(baselineRate * (1 - baselineRate) + changed * (1 - changed));
  return Math.ceil(((under + over) / (changed - baselineRate)) ** 2);
}

/** The value below which a standard normal variable falls with this probability, found by halving. */
function normalQuantile(probability: number): number {
  let [low, high] = [-10, 10];
  for (let round = 0; round < 80; round += 1) {
    const middle = (low + high) / 2;
    if (normalBelow(middle) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

// Simpson's rule over the density; exact to about 1e-12 within ten deviations.
function normalBelow(value: number): number {
  const steps = 400;
  const width = value / steps;
  let sum = 0;
  for (let step = 0; step <= steps; step += 1) {
    const weight = step === 0 || step === steps ? 1 : step % 2 === 1 ? 4 : 2;
    sum += weight * Math.exp(-((step * width) ** 2) / 2);
  }
  return 0.5 + (sum * width) / 3 / Math.sqrt(2 * Math.PI);
}

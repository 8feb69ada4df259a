// Computes contrast ratios as WCAG 2 defines them.

/** Contrast ratio of two colours such as `#1a2b3c`, 1 to 21, to two decimals (rounded down). */
export function contrastRatio(left: string, right: string): number {
  const [dark = 0, light = 0] = [luminance(left), luminance(right)].toSorted((a, b) => a - b);

  return Math.floor(((light + 0.05) / (dark + 0.05)) * 100) / 100;
}

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) =>
    linear(Number.parseInt(hex.slice(start, start + 2), 16) / 255),
  );

  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function linear(channel: number): number {
  return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
}

/** Black or white, whichever reads better: one of the two always reaches 4.5. */
export function readableOn(background: string): string {
  const black = '#000000';
  const white = '#ffffff';

  return contrastRatio(background, white) >= contrastRatio(background, black) ? white : black;
}

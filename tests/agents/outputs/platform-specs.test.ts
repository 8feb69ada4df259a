import { expect, test } from 'vitest';

import { parsePlatformSpecs, platformSpecs } from '../../../src/agents/outputs/platform-specs.ts';

test('reads the limits of every platform', () => {
  const specs = platformSpecs();

  expect(specs.posts.x.caption.max).toBe(280);
  expect(specs.posts.instagram.max_hashtags).toBe(5);
  expect(specs.google_ads.headline.max).toBe(30);
});

test('says of every limit when and where it was verified, or that it was not', () => {
  const limits = [platformSpecs().placements, Object.values(platformSpecs().posts)].flat();
  const dated = limits.map((limit) => ('caption' in limit ? limit.caption : limit));

  expect(dated.every(({ source }) => source !== '')).toBe(true);
  expect(dated.some(({ verified_at: date }) => date === null)).toBe(true);
});

test('has the placements that campaigns use, each size once', () => {
  const sizes = platformSpecs().placements.map(({ width, height }) => `${width}x${height}`);

  expect(sizes).toEqual(
    expect.arrayContaining(['1080x1080', '1080x1350', '1080x1920', '1200x628', '1280x720']),
  );
});

test('tells what is wrong with a file that is not valid', () => {
  expect(() => parsePlatformSpecs('google_ads: { headline: { max: many } }')).toThrow(
    /platform-specs\.yaml.*google_ads\.headline\.max/s,
  );
});

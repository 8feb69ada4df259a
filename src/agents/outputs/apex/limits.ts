// Lengths that search results and Google Ads allow.

/** In characters as people see them. */
export const titleLength = { min: 30, max: 60 } as const;
export const metaLength = { min: 70, max: 160 } as const;

/** In columns: Google Ads counts characters of double width twice. */
export const assetColumns = {
  sitelink: 25,
  sitelinkLine: 35,
  callout: 25,
  snippetValue: 25,
} as const;

export const keywordLimit = { characters: 80, words: 10 } as const;

/** A tracking code: links differ by case, so there is only one. */
export const utmPattern = /^[a-z0-9_-]+$/;

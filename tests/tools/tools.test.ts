// What models are told of the tools.
import { expect, test } from 'vitest';

import { createTools } from '../../src/tools/tools.ts';
import { strictFetch } from './fetching.ts';

test('describes every tool by a JSON schema that all providers take', () => {
  const specs = createTools({ safeFetch: strictFetch() }).map(({ spec }) => spec);

  expect(specs.map(({ name }) => name)).toEqual(['fetch_page', 'audit_page', 'read_table']);
  for (const { parameters } of specs) {
    expect(parameters).toMatchObject({ type: 'object', additionalProperties: false });
    expect(parameters).not.toHaveProperty('$schema');
  }
});

// The tool read_table: whole files, by the name that the brief gives them.
import { expect, test } from 'vitest';

import { call, toolNamed, valueOf } from './calling.ts';

test('reads 5 MB whole, and shows little of it', async () => {
  const row = '2024-01-01,some campaign,12,"1,000.50",user@example.com\n';
  const rows = Math.floor(4_900_000 / row.length);

  const files = { 'a.csv': `date,campaign,clicks,cost,mail\n${row.repeat(rows)}` };
  const value = await valueOf(call(toolNamed('read_table'), { file: 'A.csv' }, { files }));

  expect(value).toMatchObject({ file: 'a.csv', rows });
  expect(JSON.stringify(value).length).toBeLessThan(10_000);
});

test('names the files that there are when asked for another', async () => {
  const files = { 'sales.csv': 'a\n1', 'ads.csv': 'a\n1' };

  const unknown = await call(toolNamed('read_table'), { file: '../etc/passwd' }, { files });
  const none = await call(toolNamed('read_table'), { file: 'sales.csv' });

  expect(unknown).toEqual({ ok: false, error: expect.stringContaining('sales.csv, ads.csv') });
  expect(none).toEqual({ ok: false, error: expect.stringContaining('no CSV file') });
});

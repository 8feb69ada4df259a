// The key of the model's provider: used, and to be found nowhere afterwards.
import { expect, test } from 'vitest';

import { ownerUrl, temporaryHome } from '../support/daemon.ts';
import { postmasterOf } from '../support/postmaster.ts';
import { key, startScriptedModel } from './scripted.ts';
import { everyRow, filesWith, readIfThere } from './traces.ts';

test('the key stays out of every file, row, argument list and child environment', async () => {
  await using model = await startScriptedModel(({ step, response, reply }) => {
    // A provider that quotes the key, as some do: errors are where keys usually leak.
    if (step === 2) response.writeHead(401).end(`{"error":{"message":"Bad key ${key}"}}`);
    else reply(1);
  });
  // With a PostgreSQL of its own, which is a child of the daemon.
  await using home = await temporaryHome({ ...model.variables, NIGHTSHIFT_LOG_LEVEL: 'debug' });
  const daemon = await home.start({ args: ['--no-sample'] });
  const url = await ownerUrl(daemon.ready);

  const { stderr } = await home.run(
    'submit',
    'Refills',
    'Announce them.',
    '--agents',
    'echo',
    '-w',
  );
  const rows = JSON.stringify(await everyRow(url));
  const postgres = await postmasterOf(home.path);
  const seen = await Promise.all([
    ...[daemon.pid, postgres].map((pid) => readIfThere(`/proc/${pid}/cmdline`)),
    readIfThere(`/proc/${postgres}/environ`),
  ]);
  const code = await daemon.stop();

  expect({ code, calls: model.calls().length }).toEqual({ code: 0, calls: 2 });
  expect(rows).toContain('Bad key');
  for (const text of [rows, stderr, daemon.stdout(), daemon.stderr(), ...seen])
    expect(text).not.toContain(key);
  expect(await filesWith(home.path, 'Bad key')).not.toEqual([]);
  expect(await filesWith(home.path, key)).toEqual([]);
});

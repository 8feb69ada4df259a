// All static checks, one after the other: every one runs, so that one round shows everything there is to mend.
import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);

const checks = [
  ['oxfmt', '--check', '.'],
  ['oxlint', '--type-aware', '--deny-warnings', '.'],
  ['tsc', '-p', '.'],
  ['knip'],
];

const failed = checks.filter(([tool, ...args]) => {
  process.stdout.write(`\n# ${[tool, ...args].join(' ')}\n`);
  const script = realpathSync(path.join(root, 'node_modules', '.bin', tool));
  return (
    spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' }).status !== 0
  );
});

const names = failed.map(([tool]) => tool).join(', ');
process.stdout.write(failed.length === 0 ? '\nAll checks passed.\n' : `\nFailed: ${names}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;

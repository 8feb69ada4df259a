// The command line: runs one command and ends with its exit code. Started by bin/nightshift.mjs.
import { createRedactor } from '../core/redact.ts';
import { exitCodeOf, failureText } from './failure.ts';
import { createProgram } from './program.ts';
import { createScreen } from './screen.ts';

const redactor = createRedactor();
const screen = createScreen({ out: process.stdout, err: process.stderr }, redactor);
// Whoever reads our output may stop early (`nightshift list | head`): that is no fault.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
}

try {
  const program = createProgram(screen, (code) => {
    process.exitCode = code;
  });
  await program.parseAsync(process.argv);
} catch (error) {
  const text = failureText(error, process.argv.includes('--json'));
  // The error may quote a service that echoes our key.
  if (text !== null) process.stderr.write(`${redactor.text(text)}\n`);
  process.exitCode = exitCodeOf(error);
}

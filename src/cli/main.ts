// The command line: runs one command and ends with its exit code. Started by bin/nightshift.mjs.
import { isDiskFault } from '../core/disk.ts';
import { createRedactor } from '../core/redact.ts';
import { exitCodeOf, exitCodes, failureText } from './failure.ts';
import { createProgram } from './program.ts';
import { createScreen } from './screen.ts';

const redactor = createRedactor();
const screen = createScreen({ out: process.stdout, err: process.stderr }, redactor);
let isOutputLost = false;
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever reads our output may stop early (`nightshift list | head`): that is no fault.
    if (error.code === 'EPIPE') process.exit(0);
    // Output into a file on a full disk: no reason for a daemon to die.
    if (!isDiskFault(error)) throw error;
    isOutputLost = true;
  });
}
// Node itself would print it as it is, and an error may quote a key.
process.on('uncaughtException', (error) => {
  process.stderr.write(`${redactor.text(failureText(error, false) ?? '')}\n`);
  process.exit(exitCodes.failed);
});

try {
  const program = createProgram(screen, (code) => {
    process.exitCode = code;
  });
  await program.parseAsync(process.argv);
  // A daemon has its log beside; of any other command, the output is all there is.
  if (isOutputLost && !process.argv.includes('start')) process.exitCode = exitCodes.failed;
} catch (error) {
  const text = failureText(error, process.argv.includes('--json'));
  // The error may quote a service that echoes our key.
  if (text !== null) process.stderr.write(`${redactor.text(text)}\n`);
  process.exitCode = exitCodeOf(error);
}

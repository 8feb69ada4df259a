// All commands with their arguments, help and examples. What they do is in `commands/`.
import { Command, Option } from 'commander';

import { backupCommand, restoreCommand } from './commands/backup.ts';
import { connectCommand } from './commands/connect.ts';
import { migrateCommand, pollCommand } from './commands/daemon-less.ts';
import { doctorCommand } from './commands/doctor.ts';
import { logsCommand } from './commands/logs.ts';
import { pruneCommand } from './commands/prune.ts';
import { agentsCommand, listCommand, resultsCommand } from './commands/reading.ts';
import {
  installCommand,
  restartCommand,
  serviceStatusCommand,
  uninstallCommand,
} from './commands/service.ts';
import { startCommand } from './commands/start.ts';
import { statusCommand } from './commands/status.ts';
import { submitCommand } from './commands/submit.ts';
import { cancelCommand, retryCommand, watchCommand } from './commands/task.ts';
import type { Screen } from './screen.ts';
import { version } from './session.ts';

/** Runs a command with what the command line gave it, and answers with the exit code. */
export type Run = (screen: Screen, args: unknown[], options: unknown) => Promise<number>;

const examples = `
Examples:
  nightshift start                                  run the daemon in this terminal
  nightshift submit "Spring launch" "We launch a refill subscription in March ..."
  nightshift submit --file brief.yaml --attach sales.csv --watch
  nightshift watch 1b2c3d4e                         follow a task until it ends

Exit codes: 0 done, 1 failed, 2 wrong usage, 78 wrong configuration.`;

/** `done` gets the exit code of the command that ran. Errors are thrown, CommanderErrors among them. */
export function createProgram(screen: Screen, done: (code: number) => void): Command {
  const program = new Command('nightshift')
    .description('Seven marketing agents work through your briefs on your own machine.')
    .version(version)
    .option(
      '--home <folder>',
      'where everything is kept (default: $NIGHTSHIFT_HOME or ~/.nightshift)',
    )
    .option(
      '--set <setting=value>',
      'one setting, such as poll.minutes=5; may be repeated',
      collect,
      [],
    )
    .option('--json', 'write the result as JSON')
    .addHelpText('after', examples)
    .configureHelp({ showGlobalOptions: true })
    .exitOverride();

  // The arguments of an action end with its options and itself, in this order.
  const run =
    (action: Run) =>
    async (...given: unknown[]) => {
      const command = given.at(-1);
      const options = command instanceof Command ? command.optsWithGlobals() : {};
      done(await action(screen, given.slice(0, -2), options));
    };

  addDaemon(program, run);
  addSubmit(program, run);
  addTasks(program, run);
  addBackup(program, run);
  addMachine(program, run);
  return program;
}

type Wrap = (action: Run) => (...given: unknown[]) => Promise<void>;

function addDaemon(program: Command, run: Wrap): void {
  program
    .command('start')
    .summary('run the daemon until it is stopped')
    .description(
      'Run the daemon until it is stopped. The first start on a home queues a sample brief.',
    )
    .option('--no-sample', 'queue no sample brief')
    .addOption(new Option('--supervised', 'as launchd runs it').hideHelp())
    .action(run(startCommand));
  program
    .command('poll')
    .summary('do what is due now, then end')
    .description('Do what is due now, wait for what came of it, write a summary as JSON, and end.')
    .option('--once', 'one cycle (the only way so far)')
    .action(run(pollCommand));
  program
    .command('migrate')
    .summary('bring the database of DATABASE_URL up to date')
    .description(
      'Bring the database of DATABASE_URL up to date; the daemon does the same at its start. For a Supabase project, say ' +
        'what it lacks, and change nothing without --apply.',
    )
    .option(
      '--apply',
      'with Supabase: apply what is missing over DATABASE_URL, the direct connection',
    )
    .action(run(migrateCommand));
  program
    .command('connect')
    .summary('connect an account: drive')
    .description(
      'Connect an account. `connect drive` asks for your consent to Google Drive in a browser.',
    )
    .argument('<service>', 'drive')
    .action(run(connectCommand));
}

function addSubmit(program: Command, run: Wrap): void {
  program
    .command('submit')
    .summary('hand in a brief')
    .description('Hand in a brief: a title and what the work is for, or a file that says more.')
    .argument('[title]', 'what the task is called')
    .argument('[text]', 'what the work is for, in a sentence or more (- reads it from the input)')
    .option('-f, --file <file>', 'a brief in YAML or JSON; - reads it from the input')
    .option('-a, --attach <file>', 'a CSV or text file of up to 5 MB; may be repeated', collect)
    .option('--agents <names>', 'only these agents, separated by commas')
    .option(
      '--profile <profile>',
      'parallel (all agents at once) or waves (each builds on those before)',
    )
    .option('--priority <priority>', 'low, normal, high or critical')
    .option(
      '--after <task>',
      'start only when this task has ended well; may be repeated',
      collect,
      [],
    )
    .option('--at <time>', 'start no earlier: 22:00, or 2027-03-01T22:00')
    .option('--timeout <seconds>', 'seconds that one attempt of an agent may take')
    .option('--max-retries <number>', 'further tries of an agent after its first')
    .option('--idempotency-key <key>', 'a second submission with the same key changes nothing')
    .option('-w, --watch', 'follow the task until it ends')
    .addHelpText('after', submitExamples)
    .action(run(submitCommand));
}

const submitExamples = `
Examples:
  nightshift submit "Autumn newsletter" "Three mails that bring lapsed customers back" --agents echo,social
  nightshift submit --file config/sample-brief.yaml --priority high --watch
  cat brief.json | nightshift submit --file - --at 22:00`;

function addTasks(program: Command, run: Wrap): void {
  const task = 'the id of a task, or its first four or more characters';

  program
    .command('list')
    .summary('list tasks, newest first')
    .option('--status <status>', 'only tasks in this state')
    .option('--limit <number>', 'how many at most', '20')
    .action(run(listCommand));
  program
    .command('status')
    .summary('show a task, or the daemon and its queue')
    .argument('[task]', task)
    .action(run(statusCommand));
  program
    .command('watch')
    .summary('follow a task until it ends')
    .argument('<task>', task)
    .action(run(watchCommand));
  program
    .command('logs')
    .summary('show the progress of a task, or the log of the daemon')
    .argument('[task]', task)
    .option('-f, --follow', 'go on as long as there is more to come')
    .option('--lines <number>', 'how many lines of the daemon there shall be', '100')
    .action(run(logsCommand));
  program
    .command('results')
    .summary('show where the results of a task are')
    .argument('<task>', task)
    .action(run(resultsCommand));
  program
    .command('cancel')
    .summary('cancel a task')
    .argument('<task>', task)
    .action(run(cancelCommand));
  program
    .command('retry')
    .summary('run the failed agents of a task again')
    .argument('<task>', task)
    .action(run(retryCommand));
  program.command('agents').summary('list the agents').action(run(agentsCommand));
}

function addBackup(program: Command, run: Wrap): void {
  program
    .command('backup')
    .summary('write everything that the database keeps to one file')
    .description(
      'Write everything that the database keeps, as it is at one moment, to one file that only you can read. The daemon may ' +
        'run meanwhile. Keys (.env) and settings (config.yaml) are not in it. With DATABASE_URL it is that database.',
    )
    .argument('<file>', 'where to, such as nightshift.tar.gz; - writes to the output')
    .option(
      '--outputs',
      'the published folders too; without them a restore writes them anew, as far as the database has the files',
    )
    .option('--force', 'replace the file if it is there')
    .action(run(backupCommand));
  program
    .command('restore')
    .summary('put a backup into an empty home')
    .description(
      'Put a backup into an empty home (--home), or into an empty database (DATABASE_URL), and bring it to this version. The ' +
        'file is checked first; what ends in the middle is repeated with the same command.',
    )
    .argument('<file>', 'what nightshift backup wrote')
    .addHelpText('after', restoreNotes)
    .action(run(restoreCommand));
}

const restoreNotes = `
What becomes of unfinished work:
  Agents at work when the backup was made go on after their last recorded step, without losing a try.
  Notifications in the backup are never sent again: those that were open are skipped, also by \`nightshift retry\`.
  Tasks that were still at work notify when they end, since that is news. If the old machine lives on, it does so too:
  stop it first.`;

function addMachine(program: Command, run: Wrap): void {
  program
    .command('prune')
    .summary('remove what is old enough')
    .description(
      'Remove what is older than the settings keep it (retention.*); the daemon does the same every night. Work that has ' +
        'not ended, and what it needs, always stays. Published folders are left alone.',
    )
    .option(
      '--older-than <days>',
      'all that ended longer ago, finished tasks and their results in the database included',
    )
    .option('--dry-run', 'count what would go, and remove nothing')
    .action(run(pruneCommand));
  program
    .command('doctor')
    .summary('find what is wrong, and say how to mend it')
    .description(
      'Check this machine, the home, the database, the outside services and the service. Ends with 1 when something is wrong.',
    )
    .option('--fix', 'mend what can be mended without harm, and say so')
    .option('--offline', 'ask no service outside of this machine')
    .action(run(doctorCommand));

  const service = program
    .command('service')
    .summary('let the system run the daemon: launchd on a Mac, systemd on Linux')
    .description('Let the system run the daemon, and start it again after crashes and restarts.');
  const system = 'from boot on, for all users (needs sudo); else for your user alone';
  const verbs: [string, string, Run][] = [
    ['install', 'install and start it; again: bring it up to date', installCommand],
    ['uninstall', 'stop and remove it', uninstallCommand],
    ['status', 'show whether it is installed, runs, and is unchanged', serviceStatusCommand],
    ['restart', 'restart it', restartCommand],
  ];
  for (const [verb, summary, action] of verbs) {
    service.command(verb).summary(summary).option('--system', system).action(run(action));
  }
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

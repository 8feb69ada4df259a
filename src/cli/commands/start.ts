// The command `start`: the daemon in this terminal, with the sample brief on the very first start.
import path from 'node:path';
import { readFileSync } from 'node:fs';

import { z } from 'zod';
import { parse } from 'yaml';

import { readRecovery, type RecoveryFile, type Serving, type Taken } from '../../app.ts';
import { adviceFor } from '../../core/advice.ts';
import { messageOf } from '../../core/errors.ts';
import { operations } from '../../operations/catalogue.ts';
import { perform } from '../../operations/operation.ts';
import { beginDaemon } from '../begin.ts';
import { exitCodeOf, exitCodes, failureText, plainIndented } from '../failure.ts';
import { follow } from '../follow.ts';
import { interruption } from '../interruption.ts';
import { shortId } from '../plain.ts';
import type { Run } from '../program.ts';
import type { Screen } from '../screen.ts';
import { GlobalOptions, type Session } from '../session.ts';
import { homeOf, installation } from '../settings.ts';
import { sayEnd } from './task.ts';

const StartOptions = z.object({
  sample: z.boolean().default(true),
  supervised: z.boolean().default(false),
});
const Sample = z.record(z.string(), z.unknown());
const sampleKey = 'nightshift-sample-brief';

export const startCommand: Run = async (screen, args, options) => {
  if (!StartOptions.parse(options).supervised) return await start(screen, args, options);

  return await start(screen, args, options).catch((error: unknown) => {
    if (exitCodeOf(error) !== exitCodes.configuration) throw error;
    // Not even recovery mode has a place on such a home, and launchd starts everything again but a success.
    screen.say(failureText(error, false) ?? '');
    screen.say('Not started again by itself. Mend it, then: nightshift service restart');
    return exitCodes.ok;
  });
};

const start: Run = async (screen, _args, options) => {
  const { sample, supervised } = StartOptions.parse(options);
  const { home: flag, json } = GlobalOptions.parse(options);
  const home = homeOf(flag);
  const recovery = readRecovery(home);
  if (recovery !== null) return sayRecovering({ screen, json, home }, recovery);
  let hurry: () => void = () => undefined;
  using stop = interruption(['SIGINT', 'SIGTERM', 'SIGHUP'], () => hurry());

  const given = { options, home, supervised, signal: stop.signal };
  const begun = await beginDaemon(screen, given).catch((error: unknown) => {
    if (stop.signal.aborted) return null;
    throw error;
  });
  if (begun === null) {
    screen.say('Stopped before it served.');
    return exitCodes.ok;
  }
  if (begun.type === 'taken') return sayTaken({ screen, json, home }, begun);

  const { session, started } = begun;
  hurry = () => void started.stop();
  sayServing(session, started);
  if (sample) await showSample(session, started, stop.signal);
  await aborted(stop.signal);

  screen.say('Stopping: running work is finished or handed back to the queue ...');
  await started.stop();
  screen.say('Stopped.');
  return exitCodes.ok;
};

// Whose output it is to be said in.
type Speaker = { screen: Screen; json: boolean; home: string };

function sayTaken({ screen, json, home }: Speaker, { owner }: Taken): number {
  const who = owner ? `pid ${owner.pid}, since ${owner.started_at}` : 'still starting';
  screen.say(`A daemon runs on ${home} already (${who}): nothing to do.`);
  if (json) screen.result(JSON.stringify({ type: 'taken', owner: owner ?? null }));

  return exitCodes.ok;
}

function sayRecovering({ screen, json, home }: Speaker, recovery: RecoveryFile): number {
  const { pid, since, code, reason } = recovery;
  screen.say(`A daemon runs on ${home} already (pid ${pid}), in recovery mode since ${since}.`);
  screen.say(`  It does not start: ${plainIndented(reason)}`);
  screen.say(`  ${adviceFor(code)}.`);
  if (json) screen.result(JSON.stringify({ type: 'taken', owner: null, recovery }));

  return exitCodes.ok;
}

function sayServing({ screen, app, options }: Session, { ready }: Serving): void {
  const { poll } = app.config.settings;
  const models =
    app.config.modelProvider === 'offline'
      ? 'drafts by rules (set OPENAI_API_KEY for a language model)'
      : `${app.config.settings.models.default} at ${app.config.secrets.OPENAI_BASE_URL ?? 'OpenAI'}`;

  if (options.json) screen.result(JSON.stringify({ type: 'serving', ready }));
  screen.say(screen.paint('bold', `Nightshift ${app.version} serves (pid ${ready.pid}).`));
  screen.say(`  Home     ${app.home}`);
  screen.say(`  Results  ${app.outputsFolder}`);
  screen.say(`  Models   ${models}`);
  screen.say(
    `  Polls    every ${poll.minutes} min${poll.wake ? ', and at once when work comes in' : ''}`,
  );
}

/** Only on a database that never had a task: whoever has work of their own needs no example. */
async function showSample(
  session: Session,
  { context }: Serving,
  signal: AbortSignal,
): Promise<void> {
  const { screen, options } = session;
  try {
    const before = await perform(operations.list, context, { limit: 1 });
    if (before.length > 0) return;

    const file = path.join(installation, 'config', 'sample-brief.yaml');
    const brief = Sample.parse(parse(readFileSync(file, 'utf8')));
    const input = { ...brief, idempotency_key: sampleKey };
    const { id, repeated } = await perform(operations.submit, context, input);
    if (repeated) return;

    screen.say(`\nThe first start: the agents work on a sample brief (task ${shortId(id)}).`);
    const onRow = options.json ? { onRow: () => undefined } : {};
    const task = await follow(context, id, { screen, signal, ...onRow });
    if (signal.aborted) return;
    sayEnd(session, task);
    screen.say(
      '\nNightshift keeps running; Ctrl-C stops it. In another terminal, hand in your own:',
    );
    screen.say('  npx nightshift submit "Title" "What the work is for" --watch');
  } catch (error) {
    // An example that fails is no reason to stop serving.
    screen.say(`nightshift: the sample brief did not run: ${messageOf(error)}`);
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

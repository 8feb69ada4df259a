// Checks of the model service: whether it takes our key and has our model, and whether its clock is ours.
import { z } from 'zod';

import { type Answer, ask, below } from './ask.ts';
import { type Check, fail, type Finding, ok, skip, warn } from './check.ts';
import { type DoctorPorts, secretsOf } from '../ports.ts';

const openAIAddress = 'https://api.openai.com/v1';
const slowMs = 2_000;
const offMs = 30_000;
const wrongMs = 300_000;

const Models = z.object({ data: z.array(z.object({ id: z.string() })) });

/** Both live on one question to the service. */
export function modelChecks(ports: DoctorPorts): Check[] {
  let answer: Promise<Answer> | undefined;
  const asked = (signal: AbortSignal): Promise<Answer> => (answer ??= askModels(ports, signal));

  return [
    { id: 'model', online: true, look: (signal) => checkModel(ports, () => asked(signal)) },
    { id: 'clock', look: (signal) => checkClock(ports, () => asked(signal)) },
  ];
}

function askModels(ports: DoctorPorts, signal: AbortSignal): Promise<Answer> {
  const { OPENAI_API_KEY: key, OPENAI_BASE_URL: base = openAIAddress } = secretsOf(ports);
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };

  return ask(ports.fetch, { url: below(base, 'models'), headers, signal });
}

async function checkModel(ports: DoctorPorts, asked: () => Promise<Answer>): Promise<Finding> {
  const { config } = ports;
  if (config === null) return skip('needs a valid configuration');
  if (config.modelProvider === 'offline') {
    return skip('agents draft by rules: set OPENAI_API_KEY for a language model');
  }
  const base = secretsOf(ports).OPENAI_BASE_URL ?? openAIAddress;
  const { host } = new URL(base);
  const answer = await asked();
  if (answer.type === 'silent') {
    return fail(
      `${host} does not answer (${answer.reason})`,
      'see the network, and OPENAI_BASE_URL',
    );
  }
  if (answer.status === 401 || answer.status === 403) {
    return fail(`${host} refuses the key (${answer.status})`, 'set another OPENAI_API_KEY');
  }
  // Some services of this kind have no list of models.
  if (answer.status === 404) return ok(`${host} answers in ${answer.tookMs} ms`);
  if (answer.status !== 200) {
    return fail(`${host} answers with ${answer.status}`, 'try again later; see OPENAI_BASE_URL');
  }
  return judgeModels(answer, { host, wanted: config.settings.models.default });
}

function judgeModels(
  { body, tookMs }: { body: unknown; tookMs: number },
  { host, wanted }: { host: string; wanted: string },
): Finding {
  const ids = Models.safeParse(body).data?.data.map(({ id }) => id) ?? [];
  // Gemini writes `models/…` before each name.
  const isThere = ids.length === 0 || ids.some((id) => id === wanted || id.endsWith(`/${wanted}`));
  const said = `${host} takes the key and answers in ${tookMs} ms`;

  if (!isThere) {
    return fail(`${host} has no model ${wanted}`, `set models.default, for example ${ids[0]}`);
  }
  return tookMs > slowMs ? warn(said, 'slow: see the network') : ok(said);
}

/** The database's clock is what the queue goes by; ours only has to be right for signatures. */
async function checkClock(ports: DoctorPorts, asked: () => Promise<Answer>): Promise<Finding> {
  const aheadMs = (await databaseAhead(ports)) ?? (await serviceAhead(ports, asked));
  if (aheadMs === null) return skip('nothing to compare this clock with');

  const off = Math.abs(aheadMs);
  const seconds = Math.round(off / 1_000);
  const message = `this clock is ${seconds} s ${aheadMs > 0 ? 'behind' : 'ahead'}`;
  const mend = 'let the system set its clock from the network';
  if (off > wrongMs) return fail(message, `${mend}: logins and signatures fail`);

  return off > offMs ? warn(message, mend) : ok('this clock is right');
}

// An embedded database has this machine's clock: that comparison would prove nothing.
async function databaseAhead(ports: DoctorPorts): Promise<number | null> {
  const { DATABASE_URL: external } = secretsOf(ports);
  if (external === undefined && ports.config?.profile !== 'supabase') return null;
  const facts = await ports.database().catch(() => null);

  return facts?.aheadMs ?? null;
}

async function serviceAhead(
  { config, now, offline }: DoctorPorts,
  asked: () => Promise<Answer>,
): Promise<number | null> {
  if (offline || config === null || config.modelProvider === 'offline') return null;
  const answer = await asked();

  return answer.type === 'answered' && answer.date !== null ? answer.date - now() : null;
}

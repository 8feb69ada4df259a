// Checks of Telegram: the token, who else gets what is written to the bot, and whom it may write to.
import { z } from 'zod';

import { type Answer, ask, below } from './ask.ts';
import { type Check, fail, type Finding, ok, skip, warn } from './check.ts';
import { type DoctorPorts, secretsOf } from '../ports.ts';

const telegramAddress = 'https://api.telegram.org';

const Me = z.object({ result: z.looseObject({ username: z.string() }) });
const Webhook = z.object({ result: z.looseObject({ url: z.string() }) });
const Chat = z.object({ result: z.looseObject({ type: z.string() }) });

type Call = (method: string) => Promise<Answer>;

export function telegramChecks(ports: DoctorPorts): Check[] {
  const withToken =
    (look: (call: Call) => Promise<Finding>): Check['look'] =>
    async (signal) => {
      const { TELEGRAM_BOT_TOKEN: token, TELEGRAM_API_ROOT: root } = secretsOf(ports);
      if (token === undefined) return skip('there is no TELEGRAM_BOT_TOKEN');
      const base = below(root ?? telegramAddress, `bot${token}`);
      return await look((method) => ask(ports.fetch, { url: below(base, method), signal }));
    };

  return [
    { id: 'telegram', online: true, look: withToken(checkToken) },
    { id: 'telegram-poller', online: true, look: withToken((call) => checkPoller(ports, call)) },
    { id: 'telegram-chats', online: true, look: withToken((call) => checkChats(ports, call)) },
  ];
}

async function checkToken(call: Call): Promise<Finding> {
  const answer = await call('getMe');
  if (answer.type === 'silent') {
    return fail(`Telegram does not answer (${answer.reason})`, 'see the network');
  }
  const me = Me.safeParse(answer.body).data;

  return answer.status === 200 && me !== undefined
    ? ok(`the bot is @${me.result.username}`)
    : fail(
        `Telegram refuses the token (${answer.status})`,
        'ask @BotFather for another one and set TELEGRAM_BOT_TOKEN',
      );
}

/** Telegram hands what is written to a bot to one listener only: a webhook, or whoever polls. */
async function checkPoller(ports: DoctorPorts, call: Call): Promise<Finding> {
  const answer = await call('getWebhookInfo');
  const hook = answer.type === 'answered' ? Webhook.safeParse(answer.body).data : undefined;
  if (hook === undefined) return skip('Telegram does not say');
  if (hook.result.url !== '') {
    const host = URL.canParse(hook.result.url) ? new URL(hook.result.url).host : 'elsewhere';
    return warn(
      `what is written to the bot goes to a webhook at ${host}: commands do not reach Nightshift`,
      'use a bot of its own, or call deleteWebhook (messages are sent all the same)',
    );
  }
  const isOurs = ports.config?.settings.telegram.bot === true && (await ports.homeFacts()).isTaken;
  // Asking would interrupt a daemon of ours that listens.
  if (isOurs) return ok('no webhook is in the way');

  const asked = await call('getUpdates?limit=1&timeout=0');
  return asked.type === 'answered' && asked.status === 409
    ? warn(
        'another program listens with this token: commands reach one of the two',
        'give Nightshift a bot of its own',
      )
    : ok('nobody else listens with this token');
}

async function checkChats(ports: DoctorPorts, call: Call): Promise<Finding> {
  const { TELEGRAM_CHAT_IDS: list = '' } = secretsOf(ports);
  const ids = list.split(/[\s,]+/).filter(Boolean);
  if (ids.length === 0) {
    return warn(
      'TELEGRAM_CHAT_IDS is empty: the bot writes to nobody',
      'write to the bot, then put the number of your chat there',
    );
  }
  const { bot, allowed_ids: allowed } = ports.config?.settings.telegram ?? { allowed_ids: [] };
  if (bot === true && allowed.length === 0) {
    return warn(
      'telegram.bot is on, but telegram.allowed_ids is empty: the bot obeys nobody',
      'put your own numeric id there',
    );
  }

  const chats = ids.map((id) => `getChat?chat_id=${encodeURIComponent(id)}`);
  const answers = await Promise.all(chats.map(call));
  const unknown = ids.filter((_, at) => !knows(answers[at]));
  return unknown.length === 0
    ? ok(`the bot may write to ${ids.length === 1 ? 'one chat' : `${ids.length} chats`}`)
    : fail(
        `the bot may not write to chat ${unknown.join(', ')}`,
        'open the bot in that chat and press Start, or take the number out',
      );
}

function knows(answer: Answer | undefined): boolean {
  return answer?.type === 'answered' && Chat.safeParse(answer.body).success;
}

// Keys and addresses of outside services: they come from the environment or `.env`, never from a YAML file.
import { z } from 'zod';

const httpUrl = z.url({ protocol: /^https?$/, error: 'is not an http or https address' });

const text = z.string().trim().min(1);

/** What this version reads. Further names of the product are listed in config/example.env as they come to use. */
export const Secrets = z.object({
  OPENAI_API_KEY: text.optional(),
  OPENAI_BASE_URL: httpUrl.optional(),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: 'is not an address of PostgreSQL' })
    .optional(),
  SUPABASE_URL: httpUrl.optional(),
  SUPABASE_SECRET_KEY: text.optional(),
  SUPABASE_PUBLISHABLE_KEY: text.optional(),
  GOOGLE_CLIENT_ID: text.optional(),
  GOOGLE_CLIENT_SECRET: text.optional(),
  GOOGLE_REFRESH_TOKEN: text.optional(),
  GOOGLE_SERVICE_ACCOUNT_FILE: text.optional(),
  GOOGLE_DRIVE_PARENT_ID: text.optional(),
  GOOGLE_DRIVE_ROOT_URL: httpUrl.optional(),
  GOOGLE_TOKEN_URL: httpUrl.optional(),
  TELEGRAM_BOT_TOKEN: z
    .string()
    .regex(/^\d+:[\w-]{30,}$/, 'is not a bot token as BotFather gives it')
    .optional(),
  TELEGRAM_CHAT_IDS: z
    .string()
    .regex(/^\s*(-?\d+|@\w+)(\s*,\s*(-?\d+|@\w+))*\s*$/, 'is not a list of chat ids')
    .optional(),
  TELEGRAM_API_ROOT: httpUrl.optional(),
});
export type Secrets = z.infer<typeof Secrets>;

export const secretNames = Secrets.keyof().options;

export const secretExamples: Record<keyof Secrets, string> = {
  OPENAI_API_KEY: 'sk-...',
  OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1',
  DATABASE_URL: 'postgres://nightshift@127.0.0.1:5432/nightshift',
  SUPABASE_URL: 'https://abcdefgh.supabase.co',
  SUPABASE_SECRET_KEY: 'sb_secret_...',
  SUPABASE_PUBLISHABLE_KEY: 'sb_publishable_...',
  GOOGLE_CLIENT_ID: '1234-abc.apps.googleusercontent.com',
  GOOGLE_CLIENT_SECRET: 'GOCSPX-...',
  GOOGLE_REFRESH_TOKEN: '1//...',
  GOOGLE_SERVICE_ACCOUNT_FILE: '/Users/me/.nightshift/service-account.json',
  GOOGLE_DRIVE_PARENT_ID: '1AbCdEfGhIjKlMnOp',
  GOOGLE_DRIVE_ROOT_URL: 'https://www.googleapis.com',
  GOOGLE_TOKEN_URL: 'https://oauth2.googleapis.com/token',
  TELEGRAM_BOT_TOKEN: '123456789:AAE...',
  TELEGRAM_CHAT_IDS: '123456789,-1009876543210',
  TELEGRAM_API_ROOT: 'https://api.telegram.org',
};

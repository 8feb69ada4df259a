// Keys and addresses of outside services: they come from the environment or `.env`, never from a YAML file.
import { z } from 'zod';

const httpUrl = z.url({ protocol: /^https?$/, error: 'is not an http or https address' });

/** What this version reads. Further names of the product are listed in config/example.env as they come to use. */
export const Secrets = z.object({
  OPENAI_API_KEY: z.string().trim().min(1).optional(),
  OPENAI_BASE_URL: httpUrl.optional(),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: 'is not an address of PostgreSQL' })
    .optional(),
  SUPABASE_URL: httpUrl.optional(),
});
export type Secrets = z.infer<typeof Secrets>;

export const secretNames = Secrets.keyof().options;

export const secretExamples: Record<keyof Secrets, string> = {
  OPENAI_API_KEY: 'sk-...',
  OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1',
  DATABASE_URL: 'postgres://nightshift@127.0.0.1:5432/nightshift',
  SUPABASE_URL: 'https://abcdefgh.supabase.co',
};

// An agent's definition as read from one file of `agents/`: front matter plus prompt.
import { z } from 'zod';

/** The front matter of `agents/<name>.md`. An unknown key is an error, so that a typo never goes unseen. */
export const AgentFrontMatter = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/, 'must be lower case, such as `vision`'),
  title: z.string().min(1).max(80),
  /** Place in the `waves` profile: 1 starts first. */
  wave: z.number().int().min(1).max(9),
  /** A model of the provider behind `OPENAI_BASE_URL`, or `default` for the setting `models.default`. */
  model: z.string().min(1).default('default'),
  /** Tried in order when the model before them is not available. */
  fallback_models: z.array(z.string().min(1)).max(5).default([]),
  /** Names of tools the agent may call. */
  tools: z.array(z.string()).max(40).default([]),
  enabled: z.boolean().default(true),
  /** A required agent's failure fails the whole task. */
  required: z.boolean().default(false),
  limits: z
    .strictObject({
      /** Loop iterations, that is model calls, in one run. */
      max_steps: z.number().int().min(1).max(100).default(10),
      /** Seconds one attempt may take. */
      timeout_seconds: z.number().int().min(1).max(86_400).default(1_800),
      /** Output tokens of one model call. */
      max_output_tokens: z.number().int().min(256).max(200_000).default(16_000),
      /** Input plus output tokens of the whole run, all attempts together. */
      max_tokens: z.number().int().min(1_000).default(400_000),
      /** US dollars of the whole run, where prices are known. */
      max_cost_usd: z.number().positive().default(2),
    })
    .prefault({}),
});
export type AgentFrontMatter = z.infer<typeof AgentFrontMatter>;

export type AgentDefinition = AgentFrontMatter & {
  /** The Markdown below the front matter: role, method, output, what not to do. */
  prompt: string;
  /** SHA-256 of the whole file, in hex: tells which definition a run used. */
  hash: string;
};

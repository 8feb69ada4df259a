// Chooses the model behind all agents: a provider when there is an account, rules when there is none.
import type { Model } from '../core/ports.ts';
import { createOfflineModel } from './models/offline.ts';
import type { OpenAIModelOptions } from './models/openai.ts';
import type { OutputKind } from './outputs/kind.ts';

export type { OpenAIModelOptions } from './models/openai.ts';

/** The model for `provider`, or the one by rules when that is null. */
export async function createModel(
  provider: OpenAIModelOptions | null,
  kinds: Record<string, OutputKind>,
): Promise<Model> {
  if (provider === null) return createOfflineModel(kinds);

  // The SDK costs a third of the idle daemon's memory: without an account it is never loaded.
  const { createOpenAIModel } = await import('./models/openai.ts');

  return createOpenAIModel(provider);
}

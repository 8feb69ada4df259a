// What an operation is: one verb of the product, for every door alike.
import type { z } from 'zod';

import { appError } from '../core/errors.ts';
import type { AgentLibrary } from '../core/ports.ts';
import type { Queue } from '../core/queue.ts';
import type { PrunePolicy } from '../core/retention.ts';
import { type Fault, faultsOf, listFaults } from './faults.ts';

export type OperationContext = {
  queue: Queue;
  agents: AgentLibrary;
  /** How long the settings keep what; a door that does not have it can prune by an age only. */
  retention?: PrunePolicy;
};

/** What an input is checked against: there without a database. */
export type Surroundings = Pick<OperationContext, 'agents'>;

/** `run` gets what `input` has checked, and throws errors of the catalogue. */
export type Operation<Input extends z.ZodType, Output extends z.ZodType> = {
  name: string;
  /** One line, as help shows it. */
  summary: string;
  input: Input;
  output: Output;
  /** Faults that only the context can tell, from input that may not even fit the schema. */
  check?(context: Surroundings, input: unknown): Fault[];
  run(context: OperationContext, input: z.output<Input>): Promise<z.output<Output>>;
};

/** Ties the types of an operation together. */
export function operation<Input extends z.ZodType, Output extends z.ZodType>(
  definition: Operation<Input, Output>,
): Operation<Input, Output> {
  return definition;
}

/** Everything wrong with an input; empty when it can be run. */
export function inputFaults<Input extends z.ZodType, Output extends z.ZodType>(
  verb: Operation<Input, Output>,
  context: Surroundings,
  input: unknown,
): Fault[] {
  const parsed = verb.input.safeParse(input);

  return [
    ...(parsed.success ? [] : faultsOf(parsed.error, verb.input, input)),
    ...(verb.check?.(context, input) ?? []),
  ];
}

/** The input as `run` gets it. Throws `brief_invalid` or `usage` with every fault in one message. */
export function checkInput<Input extends z.ZodType, Output extends z.ZodType>(
  verb: Operation<Input, Output>,
  context: Surroundings,
  input: unknown,
): z.output<Input> {
  const faults = inputFaults(verb, context, input);
  if (faults.length === 0) return verb.input.parse(input);

  const code = verb.name === 'submit' ? 'brief_invalid' : 'usage';
  throw appError(code, { detail: listFaults(faults), faults });
}

/** Checks the input, then runs. Bad input is refused with every fault in one message (`brief_invalid` or `usage`). */
export async function perform<Input extends z.ZodType, Output extends z.ZodType>(
  verb: Operation<Input, Output>,
  context: OperationContext,
  input: unknown,
): Promise<z.output<Output>> {
  return await verb.run(context, checkInput(verb, context, input));
}

// Makes this worker, and the agents it knows, known to the database.
import type { AgentDefinition } from '../core/agent.ts';
import { messageOf } from '../core/errors.ts';
import type { AgentLibrary, Log, Sink } from '../core/ports.ts';
import type { Queue } from '../core/queue.ts';
import type { DaemonSettings, WorkerIdentity } from './context.ts';
import { scrub } from './scrub.ts';

export type RegistrationPorts = {
  queue: Pick<Queue, 'registerAgents' | 'registerWorker'>;
  agents: AgentLibrary;
  sinks: Sink[];
  worker: WorkerIdentity;
  settings: Pick<DaemonSettings, 'leaseSeconds' | 'retry'>;
  log: Log;
};

export type Registration = {
  /** Registers the agents and the worker; may be repeated. Throws as the queue does. */
  register(): Promise<void>;
  /** Registers the agents again when their files have changed. Never rejects: the next time will do. */
  refreshAgents(): Promise<void>;
};

export function createRegistration(ports: RegistrationPorts): Registration {
  const { queue, agents, log } = ports;
  let known = '';

  async function registerAgents(): Promise<void> {
    const list = agents.list();
    const fingerprint = list.map(({ name, hash }) => `${name} ${hash}`).join('\n');
    if (fingerprint === known) return;

    await queue.registerAgents(list.map(registered));
    known = fingerprint;
    log.info('agents registered', { agents: list.map(({ name }) => name) });
  }

  return {
    async register() {
      // First: a database that refuses this build is to keep the agents of the newer one.
      await queue.registerWorker(workerRow(ports));
      // In an empty database a row that is gone means that the agents are gone as well.
      known = '';
      await registerAgents();
    },

    async refreshAgents() {
      try {
        await registerAgents();
      } catch (error) {
        log.warn('the agents were not registered', { error: scrub(messageOf(error)) });
      }
    },
  };
}

function registered(agent: AgentDefinition) {
  const { name, title, wave, hash, enabled, required, limits } = agent;

  return { name, title, wave, hash, enabled, required, timeoutSeconds: limits.timeout_seconds };
}

function workerRow({ worker, settings, sinks }: RegistrationPorts) {
  const { id: workerId, name, version, schema, replaces } = worker;

  return {
    workerId,
    name,
    version,
    ...(schema !== undefined && { schema }),
    leaseSeconds: settings.leaseSeconds,
    retry: settings.retry,
    sinks: sinks.map(({ name: sink, stage, targets }) => ({
      name: sink,
      stage,
      ...(targets && { targets }),
    })),
    ...(replaces === undefined ? {} : { replaces }),
  };
}

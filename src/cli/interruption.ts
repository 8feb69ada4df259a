// Ctrl-C and its like as an abort signal, for as long as a command can do something better than die.

export type Interruption = Disposable & { signal: AbortSignal };

/** `again` is called when it is asked for once more, at least a second after the first time. */
export function interruption(
  names: NodeJS.Signals[] = ['SIGINT', 'SIGTERM'],
  again?: () => void,
): Interruption {
  const controller = new AbortController();
  let firstAt = 0;

  const heard = (): void => {
    if (!controller.signal.aborted) {
      firstAt = performance.now();
      controller.abort();
    } else if (performance.now() - firstAt > echoMs) again?.();
  };
  for (const name of names) process.on(name, heard);

  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const name of names) process.off(name, heard);
    },
  };
}

// Under npm one Ctrl-C arrives twice: from the terminal, and passed on by npm.
const echoMs = 1_000;

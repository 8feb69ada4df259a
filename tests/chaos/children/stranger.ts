// A program that has nothing to do with Nightshift: it says which signals reach it.
const heard: NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP', 'SIGUSR2', 'SIGCONT'];

for (const name of heard) process.on(name, () => process.stdout.write(`${name}\n`));
process.stdout.write('here\n');
setInterval(() => undefined, 60_000);

// Loaded before the daemon: as long as the file DIES is there, it dies of an error that nobody caught once it serves.
import { existsSync } from 'node:fs';
import path from 'node:path';

const home = process.env['NIGHTSHIFT_HOME'] ?? '';

const look = setInterval(() => {
  const isServing = existsSync(path.join(home, 'run', 'daemon.json'));
  if (!isServing || !existsSync(process.env['DIES'] ?? '')) return;
  clearInterval(look);
  throw new Error(`a part broke, and quoted ${process.env['OPENAI_API_KEY']}`);
}, 20);
look.unref();

// Starts PostgreSQL as a daemon would, says where it is, and goes on until someone kills it.
import { startPostgres } from '../../src/postgres/server.ts';
import { silentLog } from '../support/cluster.ts';

const server = await startPostgres({ home: process.argv[2] ?? '', log: silentLog });
process.stdout.write(`${server.pid()}\n`);
setInterval(() => undefined, 60_000);

#!/usr/bin/env node
import { main } from './program.ts';
import { models } from './shipped-models.ts';

const interrupt = new AbortController();
// Once: a second Ctrl-C ends the program at once.
process.once('SIGINT', () => interrupt.abort());

process.exitCode = await main(
  process.argv.slice(2),
  { stdout: process.stdout, stderr: process.stderr, cwd: process.cwd(), env: process.env, signal: interrupt.signal },
  models,
);

/**
 * npm run parity -- <fixture folder> …
 *
 * Compares our network with each fixture and prints the worst comparison of each kind; exits 1 on a mismatch or on any
 * missing, extra or differently shaped parameter name. tools/golden/parity.py makes fixtures for any salt.
 */
import { compareFixtures } from './fixture.ts';

const folders = process.argv.slice(2);
if (folders.length === 0) {
  console.error('usage: npm run parity -- <fixture folder> [<fixture folder> …]');
  process.exit(2);
}
process.exitCode = await compareFixtures(folders, console.log);

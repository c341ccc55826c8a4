/**
 * What to read beside the map, without a network: error levels, ghosts, grids, copies, tables, metadata.
 *
 * @module forgelens/evidence
 */
export type { Credentials, CredentialsReader } from './content-credentials.ts';
export type {
  Box,
  Evidence,
  EvidenceId,
  EvidenceMap,
  EvidenceText,
  MatchedPair,
  Outcome,
  Point,
  Source,
  Table,
} from './evidence.ts';
export { evidenceKinds, examine, type ExamineOptions } from './examine.ts';
export type { EvidenceKind, Picture, Tools } from './subject.ts';

/** What a reader of C2PA credentials says of a file. */
export interface Credentials {
  /** Whether signature and hashes fit the file. Who signed is not checked against a list of trusted signers. */
  readonly valid: boolean;
  /** Facts in rows: who signed, with what program, what was done. */
  readonly rows: readonly (readonly [string, string])[];
}

/** Reads the C2PA manifest of a file. @throws anything when the manifest is broken. */
export type CredentialsReader = (bytes: Uint8Array) => Promise<Credentials | null>;

/** Bytes as an address that a page can hold itself. */
export const toDataAddress = (type: string, bytes: Uint8Array): string =>
  `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;

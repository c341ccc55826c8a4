/** What made a result, as it is written into the result. */
export const software = { name: 'forgelens', version: '0.1.0' } as const;

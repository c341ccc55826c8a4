import type { Credentials, CredentialsReader } from './content-credentials.ts';

/**
 * A reader of C2PA credentials made of the optional package `@trustnxt/c2pa-ts` (pure TypeScript, Apache-2.0), or null where
 * it is not installed. It runs in Node and in browsers.
 */
export async function loadCredentialsReader(): Promise<CredentialsReader | null> {
  try {
    const [asset, jumbf, manifest] = await Promise.all([
      import('@trustnxt/c2pa-ts/asset'),
      import('@trustnxt/c2pa-ts/jumbf'),
      import('@trustnxt/c2pa-ts/manifest'),
    ]);
    return async (bytes): Promise<Credentials> => {
      const file = asset.JPEG.canRead(bytes) ? new asset.JPEG(bytes) : new asset.PNG(bytes);
      const store = manifest.ManifestStore.read(jumbf.SuperBox.fromBuffer(Uint8Array.from(file.getManifestJUMBF()!)));
      const { isValid, statusEntries } = await store.validate(file);
      const active = store.getActiveManifest();
      const claim = active?.claim;
      const signature = active?.signature?.signatureData;
      const facts: [string, string | undefined][] = [
        ['Made by', [claim?.claimGeneratorName, claim?.claimGeneratorVersion].filter(Boolean).join(' ')],
        ['Title', claim?.title],
        ['Signed by', signature?.certificate?.subject],
        ['Certified by', signature?.certificate?.issuer],
        ['Signed at', signature?.timestamp?.toISOString()],
        ['Manifests', String(store.manifests.length)],
      ];
      for (const assertion of active?.assertions?.assertions ?? [])
        if (assertion instanceof manifest.ActionAssertion)
          for (const { action, digitalSourceType, softwareAgent } of assertion.actions)
            facts.push(['Done', [action, softwareAgent?.name, digitalSourceType].filter(Boolean).join(', ')]);
      return {
        problems: isValid ? [] : statusEntries.filter(({ success }) => !success).map(({ code }) => code),
        rows: facts.filter((fact): fact is [string, string] => !!fact[1]),
      };
    };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return null;
    throw error;
  }
}

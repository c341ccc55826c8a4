import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { PictureIcon } from './icons.tsx';
import type { Given } from './pictures.ts';

/** A small picture of a file; a sign where the browser does not have it or cannot show its format. */
export function Thumbnail({ given }: { readonly given: Given }): JSX.Element {
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    if (given instanceof URL) return;
    const made = URL.createObjectURL(given);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [given]);
  return (
    <span class="thumbnail">
      {address ? (
        <img src={address} alt="" loading="lazy" decoding="async" onError={() => setAddress(null)} />
      ) : (
        <PictureIcon />
      )}
    </span>
  );
}

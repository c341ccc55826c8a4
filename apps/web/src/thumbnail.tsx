import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { PictureIcon } from './icons.tsx';

/** A small picture of a file; a sign where the browser cannot show its format. */
export function Thumbnail({ file }: { readonly file: File }): JSX.Element {
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
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

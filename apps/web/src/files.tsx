import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { strings } from './strings.ts';

interface Props {
  readonly onFiles: (files: readonly File[]) => void;
  readonly children: ComponentChildren;
}

/** The whole page takes what is dropped or pasted. The files' own bytes are taken: nothing is drawn and encoded again. */
export function DropTarget({ onFiles, children }: Props): JSX.Element {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const take = (given: DataTransfer | null) => {
      const files = [...(given?.files ?? [])];
      if (files.length > 0) onFiles(files);
      return files.length > 0;
    };
    const over = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      take(event.dataTransfer);
    };
    const paste = (event: ClipboardEvent) => {
      if (take(event.clipboardData)) event.preventDefault();
    };
    addEventListener('dragover', over);
    addEventListener('dragleave', leave);
    addEventListener('drop', drop);
    addEventListener('paste', paste);
    return () => {
      removeEventListener('dragover', over);
      removeEventListener('dragleave', leave);
      removeEventListener('drop', drop);
      removeEventListener('paste', paste);
    };
  });
  return (
    <>
      {children}
      {isOver && (
        <div class="dropping" aria-hidden="true">
          {strings.start.dropNow}
        </div>
      )}
    </>
  );
}

/** A button that asks for files. */
export const FileButton = ({ onFiles, children, class: style }: Props & { readonly class: string }): JSX.Element => (
  <label class={`${style} file-button`}>
    <input
      type="file"
      multiple
      accept="image/*,.tif,.tiff,.heic,.heif,.avif,.bmp"
      class="unseen"
      onChange={event => {
        const input = event.currentTarget;
        onFiles([...(input.files ?? [])]);
        // The same file may be chosen again.
        input.value = '';
      }}
    />
    {children}
  </label>
);

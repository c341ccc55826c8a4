/** Bytes as an address that a page can hold itself. */
export const toDataAddress = (type: string, bytes: Uint8Array): string => `data:${type};base64,${base64(bytes)}`;

/** In parts: a function takes no more than some thousand arguments. */
function base64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

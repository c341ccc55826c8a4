/**
 * Frees memory at once that the garbage collector would get to later, when more of it has piled up: what is sent to a
 * port that nobody listens at is gone. The buffer is empty afterwards.
 */
export function free(buffer: ArrayBufferLike): void {
  nowhere.postMessage(null, [buffer as ArrayBuffer]);
}

const nowhere = (() => {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  return port1;
})();

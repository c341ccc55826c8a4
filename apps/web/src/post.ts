interface PostOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Told how many bytes of the body have been sent. */
  readonly onSent: (bytes: number) => void;
}

/**
 * POSTs a body and tells how far it is, which fetch does not.
 * @throws {TypeError} when there is no answer, as fetch does
 * @throws the signal's reason when it is aborted
 */
export function post(path: string, body: FormData, { headers, signal, onSent }: PostOptions): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', path);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }) => onSent(loaded);
    request.onload = () => resolve(responseOf(request));
    request.onerror = () => reject(new TypeError('the connection broke'));
    request.onabort = () => reject(signal.reason as Error);
    signal.throwIfAborted();
    signal.addEventListener('abort', () => request.abort());
    request.send(body);
  });
}

function responseOf(request: XMLHttpRequest): Response {
  const { status, statusText } = request;
  const headers = new Headers();
  for (const [, name, value] of request.getAllResponseHeaders().matchAll(/^([^:\r\n]+): *(.*?)\r?$/gm))
    headers.append(name!, value!);
  return new Response(request.responseText, { status, statusText, headers });
}

/**
 * Graphs that run in a worker, so that the thread of whoever asks stays free. The same messages go to a worker of
 * Node and to one of a browser: a request names an executable, and is answered with tensors or with an error.
 */
import { CheckpointError, ShapeError, UsageError } from '../errors.ts';
import type { OnnxModel } from '../onnx/writer.ts';
import { writeOnnx } from '../onnx/writer.ts';
import { Tensor } from '../tensor.ts';
import { free } from './free.ts';
import type { Executable, Runtime, Tensors } from './runtime.ts';
import type { Open, SessionModel } from './session.ts';
import { explained } from './session.ts';

type Request = { readonly executable: number } & (
  | {
      readonly call: 'open';
      readonly device: string;
      readonly options: unknown;
      readonly model: SessionModel;
      readonly state: Tensors;
    }
  | { readonly call: 'run'; readonly inputs: Tensors }
  | { readonly call: 'readState' | 'close' }
);

interface Reply {
  readonly id: number;
  readonly tensors: Tensors;
  readonly error?: Pick<Error, 'name' | 'message' | 'stack'>;
}

/** One end of a channel between two threads. */
export interface Port {
  post(message: object, transfer: ArrayBuffer[]): void;
  listen(listener: (message: unknown) => void): void;
}

/** The asking end of a worker. */
export interface WorkerPort extends Port {
  /** Calls back when the worker fails or ends. */
  onEnd(listener: (reason: string) => void): void;
  terminate(): Promise<void>;
}

/** A runtime whose sessions live in a worker that serves `device`. */
export function remoteRuntime(name: string, worker: WorkerPort, device: string, options: unknown): Runtime {
  interface Waiting {
    readonly resolve: (tensors: Tensors) => void;
    readonly reject: (error: Error) => void;
  }
  const waiting = new Map<number, Waiting>();
  let ended: Error | null = null;
  let requests = 0;
  let executables = 0;

  const end = (error: Error): void => {
    ended ??= error;
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  worker.onEnd(reason => end(new Error(`${name}: the worker has ended: ${reason}`)));
  worker.listen(message => {
    if (ended) return; // Whoever asked has been told so.
    const { id, tensors, error } = message as Reply;
    const { resolve, reject } = waiting.get(id)!;
    waiting.delete(id);
    if (error) reject(revived(error));
    else resolve(unpack(tensors));
  });
  const ask = (request: Request, transfer: ArrayBuffer[] = []): Promise<Tensors> =>
    new Promise((resolve, reject) => {
      if (ended) return reject(ended);
      const id = requests++;
      waiting.set(id, { resolve, reject });
      worker.post({ id, ...request }, transfer);
    });

  function opening(executable: number, model: SessionModel, state: Tensors): Parameters<typeof ask> {
    const { tensors, transfer } = pack(state, { keep: true });
    // Copied one by one: a view that is sent takes the whole of its buffer along.
    const external = Object.fromEntries(Object.entries(model.external).map(([key, bytes]) => [key, bytes.slice()]));
    const moved = [model.bytes, ...Object.values(external)].map(({ buffer }) => buffer as ArrayBuffer);
    return [
      { call: 'open', executable, device, options, model: { ...model, external }, state: tensors },
      [...moved, ...transfer],
    ];
  }

  // Made where neither the model nor its weights are in reach: they would be kept for as long as it is.
  const askingExecutable = (executable: number, nodes: OnnxModel['nodes']): Executable => ({
    run(inputs) {
      const { tensors, transfer } = pack(inputs, { keep: true });
      return explained({ nodes }, () => ask({ call: 'run', executable, inputs: tensors }, transfer));
    },
    readState: () => ask({ call: 'readState', executable }),
    close: async () => void (await ask({ call: 'close', executable })),
  });

  return {
    name,
    async compile(graph, state = {}) {
      const executable = executables++;
      const { nodes, ...model } = writeOnnx(graph, { external: true });
      await explained({ nodes }, () => ask(...opening(executable, model, state)));
      return askingExecutable(executable, nodes);
    },
    async close() {
      end(new UsageError(`${name}: the runtime is closed; open another one`));
      await worker.terminate();
    },
  };
}

/** The worker's side: opens sessions on the devices it knows, and answers one request after the other. */
export function serve(port: Port, devices: Readonly<Record<string, (options: never) => Open>>): void {
  const executables = new Map<number, Executable>();

  const answer = async (request: Request): Promise<Tensors> => {
    if (request.call === 'open') {
      const open = devices[request.device]!(request.options as never);
      executables.set(request.executable, await open(request.model, unpack(request.state)));
      for (const { buffer } of Object.values(request.model.external)) free(buffer);
      return {};
    }
    const executable = executables.get(request.executable);
    if (executable === undefined) throw new UsageError(`${request.call}: the executable is closed`);
    switch (request.call) {
      case 'run':
        return executable.run(unpack(request.inputs));
      case 'readState':
        return executable.readState();
      case 'close':
        executables.delete(request.executable);
        await executable.close();
        return {};
    }
  };

  let last: Promise<void> = Promise.resolve();
  port.listen(message => {
    const { id, ...request } = message as Request & { readonly id: number };
    last = last.then(async () => {
      try {
        const { tensors, transfer } = pack(await answer(request), { keep: false });
        port.post({ id, tensors } satisfies Reply, transfer);
      } catch (error) {
        const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
        port.post({ id, tensors: {}, error: { name, message, stack } } satisfies Reply, []);
      }
    });
  });
}

/** Tensors as a message: their buffers are moved, not copied. To keep them here too, copies are sent. */
function pack(tensors: Tensors, { keep }: { readonly keep: boolean }): { tensors: Tensors; transfer: ArrayBuffer[] } {
  const sent = Object.entries(tensors).map(([name, { dtype, shape, data }]): [string, Tensor] => {
    const isWhole = data.byteLength === data.buffer.byteLength;
    return [name, new Tensor(dtype, shape, keep || !isWhole ? data.slice() : data)];
  });
  return { tensors: Object.fromEntries(sent), transfer: sent.map(([, tensor]) => tensor.data.buffer as ArrayBuffer) };
}

/** A message's tensors, which have lost their class on the way. */
const unpack = (tensors: Tensors): Tensors =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape, data }]) => [name, new Tensor(dtype, shape, data)]),
  );

/** An error from the worker, with the class, message and stack that it had there. */
function revived({ name, message, stack }: Pick<Error, 'name' | 'message' | 'stack'>): Error {
  const classes: Readonly<Record<string, { readonly prototype: Error }>> = { CheckpointError, ShapeError, UsageError };
  const error = Object.setPrototypeOf(new Error(message), (classes[name] ?? Error).prototype) as Error;
  return Object.assign(error, { name, stack });
}

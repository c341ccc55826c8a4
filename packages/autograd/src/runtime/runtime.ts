import type { Graph } from '../graph.ts';
import type { Tensor } from '../tensor.ts';

/** Named tensors, as a graph takes and gives them. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** Somewhere graphs run: a device with an execution provider. */
export interface Runtime {
  /** Provider and place, e.g. "node-cpu", "web-webgpu". */
  readonly name: string;
  /**
   * Prepares a graph for running.
   * @param state - the first value of each of the graph's state values, but for those that start at zero; not to be changed
   * until the first run
   * @throws {UsageError} when the provider is missing here, or a state tensor is missing or of another type
   */
  compile(graph: Graph, state?: Tensors): Promise<Executable>;
  /** Frees what the runtime itself holds: its worker, if it has one. Executables must be closed first. */
  close(): Promise<void>;
}

/** A graph on a device, ready to run. Its state stays there between runs. */
export interface Executable {
  /**
   * Runs the graph once: reads the inputs and the state, gives the outputs, and replaces the state by its next value.
   * Runs are not concurrent: await one before the next.
   */
  run(inputs: Tensors): Promise<Tensors>;
  /** A copy of the state on the host. */
  readState(): Promise<Tensors>;
  /** Frees the device's memory. */
  close(): Promise<void>;
}

/** Compiles, runs once, closes: for tests and for things done once. */
export async function runOnce(
  runtime: Runtime,
  graph: Graph,
  inputs: Tensors = {},
  state: Tensors = {},
): Promise<Tensors> {
  const executable = await runtime.compile(graph, state);
  try {
    return await executable.run(inputs);
  } finally {
    await executable.close();
  }
}

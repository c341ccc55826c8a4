import { UsageError } from '../../errors.ts';
import type { Open, SessionModel } from '../session.ts';
import { openSession } from '../session.ts';
import { requireUnchanged } from './file-tensors.ts';

export interface CpuOptions {
  /** Threads of one run; as many as the machine has cores by default. */
  readonly threads?: number | undefined;
}

/** How ONNX Runtime is set up for a network on the CPU. */
export const cpuSessionOptions = ({ threads, trains }: CpuOptions & { readonly trains: boolean }) => ({
  executionProviders: ['cpu'],
  ...(threads !== undefined && { intraOpNumThreads: threads }),
  // ONNX Runtime's arena keeps all it ever held, and memory patterns allocate what they plan beside it: together they
  // double what an inference needs, and add half to a training step, for a tenth of its time at most.
  enableCpuMemArena: false,
  enableMemPattern: false,
  // The last level lays maps out anew for convolutions with constant weights; a training has none, and pays twice.
  graphOptimizationLevel: trains ? ('extended' as const) : ('all' as const),
  // Batch norms stay beside their convolutions, for a twentieth of the time: folded, they would be a copy of the
  // weights that is there while these are copied once more, into the layout that convolutions read.
  extra: { optimization: { disable_specified_optimizers: 'ConvBNFusion' } },
});

/** How each device opens a session in the calling thread. onnxruntime-node is loaded when the first one is opened. */
export const devices = {
  cpu:
    ({ threads }: CpuOptions): Open =>
    async (model, state) => {
      const ort = await import('onnxruntime-node');
      const options = cpuSessionOptions({ threads, trains: Object.keys(model.state).length > 0 });
      const extra = { ...options.extra, session: await weightsFolder(model) };
      return openSession(ort, model, { ...options, stateOnGpu: false, writesInPlace: true, extra }, state);
    },
  webgpu:
    (_options: object): Open =>
    async (model, state) => {
      const ort = await import('onnxruntime-node');
      const extra = { session: await weightsFolder(model) };
      try {
        return await openSession(ort, model, { executionProviders: ['webgpu'], stateOnGpu: true, extra }, state);
      } catch (error) {
        if (!/WebGPU adapter|no available backend/i.test(String(error))) throw error;
        throw new UsageError(
          'node-webgpu: no GPU adapter was found; install the Vulkan driver of your GPU and libvulkan1, ' +
            "or use a software GPU, such as the one that comes with Debian's chromium: " +
            'VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json',
          { cause: error },
        );
      }
    },
};

/** Tells ONNX Runtime in which folder the file is that weights stay in. */
async function weightsFolder({ weightsFile }: SessionModel): Promise<Record<string, string>> {
  if (weightsFile === null) return {};
  await requireUnchanged(weightsFile);
  return { model_external_initializers_file_folder_path: weightsFile.folder };
}

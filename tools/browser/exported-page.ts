/** The page that runs an exported model with nothing but ONNX Runtime. */

type Provider = 'wasm' | 'webgpu';
declare const location: { readonly origin: string };

async function fetchBytes(path: string): Promise<ArrayBuffer> {
  return (await fetch(`${location.origin}/exported/${path}`)).arrayBuffer();
}

/** The probabilities of image.bin by model.onnx. */
async function locate(provider: Provider, size: number): Promise<number[]> {
  const ort = provider === 'wasm' ? await import('onnxruntime-web/wasm') : await import('onnxruntime-web/webgpu');
  ort.env.wasm.wasmPaths = `${location.origin}/ort/`;
  ort.env.wasm.numThreads = 2;
  const session = await ort.InferenceSession.create(await fetchBytes('model.onnx'), { executionProviders: [provider] });
  const image = new ort.Tensor('float32', new Float32Array(await fetchBytes('image.bin')), [1, 3, size, size]);
  const { probabilities } = await session.run({ image });
  return [...((await probabilities!.getData()) as Float32Array)];
}

Object.assign(globalThis, { locate });

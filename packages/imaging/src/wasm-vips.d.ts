/** The little of wasm-vips that is used here. Its own types are out of reach behind its package.json's `exports`. */
declare module 'wasm-vips' {
  export interface VipsImage {
    readonly width: number;
    readonly height: number;
    readonly bands: number;
    /** The type of a sample: `uchar`, `ushort`, … */
    readonly format: string;
    readonly interpretation: string;
    hasAlpha(): boolean;
    /** 0 where there is no such field. */
    getTypeof(field: string): number;
    getInt(field: string): number;
    getString(field: string): string;
    autorot(): VipsImage;
    cast(format: string): VipsImage;
    colourspace(space: string, options: { source_space: string }): VipsImage;
    copy(options: { interpretation: string }): VipsImage;
    copyMemory(): VipsImage;
    extractBand(band: number, options: { n: number }): VipsImage;
    iccTransform(profile: string, options: { input_profile: string; intent: string }): VipsImage;
    writeToMemory(): Uint8Array | Uint16Array;
    jpegsaveBuffer(options: Readonly<Record<string, string | number | boolean>>): Uint8Array;
    pngsaveBuffer(options: Readonly<Record<string, string | number | boolean>>): Uint8Array;
    webpsaveBuffer(options: Readonly<Record<string, string | number | boolean>>): Uint8Array;
    /** Frees it. */
    delete(): void;
  }

  export interface Vips {
    readonly Image: {
      newFromBuffer(
        bytes: Uint8Array,
        options: string,
        more: { access: string; fail_on: string; page?: number },
      ): VipsImage;
      newFromMemory(
        samples: Uint8Array | Uint16Array,
        width: number,
        height: number,
        bands: number,
        format: string,
      ): VipsImage;
    };
    readonly Cache: { max(operations: number): void };
    concurrency(threads: number): void;
  }

  export default function open(options: {
    /** Modules to load beside libvips itself. */
    readonly dynamicLibraries: readonly string[];
    /** Where a file of the package is. */
    readonly locateFile: (name: string) => string;
    /** The script that threads begin with. */
    readonly mainScriptUrlOrBlob: string;
    readonly preRun: (module: { readonly ENV: Record<string, string> }) => void;
  }): Promise<Vips>;
}

declare module 'wasm-vips/versions' {
  const versions: { readonly vips: string };
  export default versions;
}

export interface BundleOptions {
  /** Relative to the root, as `outFile`. */
  readonly entry: string
  readonly outFile: string
  /** What the bundle was made from; by default `sourceStampOf`. */
  readonly stampOf?: (root: string) => string
}
export function bundle(options: BundleOptions): Promise<string>
export function sourceStampOf(root: string): string

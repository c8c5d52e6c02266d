export interface BundleOptions {
  /** Relative to the root, as `outFolder`, which holds nothing else. */
  readonly entry: string
  readonly outFolder: string
}
export function bundle(options: BundleOptions): Promise<string>
export function sourceStampOf(root: string): string
export function threadModulesOf(root: string): string[]

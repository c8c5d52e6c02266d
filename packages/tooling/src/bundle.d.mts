export interface BundleOptions {
  /** Relative to the root, as `outFolder`, which holds nothing else. */
  readonly entry: string
  readonly outFolder: string
}
export function bundle(options: BundleOptions): Promise<string>
export function sourceStampOf(root: string): string
export function threadModulesOf(root: string): string[]
export interface BundleAllOptions {
  /** Name of each main file → path of its TypeScript, relative to the root. */
  readonly entries: Readonly<Record<string, string>>
  /** Absolute; holds nothing else. */
  readonly folder: string
}
export function bundleAll(options: BundleAllOptions): Promise<void>
export interface BundleOnceOptions {
  readonly entries: BundleAllOptions['entries']
  /** Absolute; holds a folder for each state of the sources. */
  readonly parent: string
}
export function bundleOnce(options: BundleOnceOptions): Promise<string>

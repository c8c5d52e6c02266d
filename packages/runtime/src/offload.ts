/** Work for another thread. Batches only, never single messages. */
export interface Offload {
  /** Runs the named job with a structured-clonable input and resolves with its output. */
  run<Input, Output>(job: string, input: Input): Promise<Output>
}

// What is measured, as data: the shape of each load, and which deployment gets it.
const KIB = 1024

interface Concurrency {
  readonly connections: number
  /** Calls under way on each connection. */
  readonly depth: number
}

export type Workload =
  | (Concurrency & { readonly kind: 'send'; readonly bodyBytes: number })
  | (Concurrency & { readonly kind: 'remoting-send'; readonly bodyBytes: number })
  /** A half message and its commit, one after the other. */
  | (Concurrency & { readonly kind: 'transaction'; readonly bodyBytes: number })
  /** The same send by another generator, where it is installed. */
  | (Concurrency & { readonly kind: 'h2load'; readonly bodyBytes: number })
  /** Sends at a fixed rate. */
  | { readonly kind: 'send-at-rate'; readonly connections: number; readonly bodyBytes: number }
  /** A backlog, received in batches and acknowledged one by one. */
  | { readonly kind: 'drain'; readonly connections: number; readonly receivers: number; readonly bodyBytes: number }
  /** Send, receive and acknowledge at a fixed rate: the latency is that from the intended send to the arrival. */
  | {
      readonly kind: 'end-to-end'
      readonly connections: number
      readonly receivers: number
      readonly bodyBytes: number
    }

/** The cell that the first floor is about: 1 KiB, 8 connections with 32 calls under way on each. */
export const FLOOR_SEND = { kind: 'send', bodyBytes: KIB, connections: 8, depth: 32 } as const satisfies Workload

const SEND_ONE_AT_A_TIME = { kind: 'send', bodyBytes: KIB, connections: 1, depth: 1 } as const satisfies Workload
/** What a message costs to consume, of a backlog of the same messages as `FLOOR_SEND`. */
export const DRAIN = { kind: 'drain', bodyBytes: KIB, connections: 8, receivers: 8 } as const satisfies Workload
/** The same message in two calls. */
export const TRANSACTION = { ...FLOOR_SEND, kind: 'transaction' } as const satisfies Workload
const END_TO_END = { kind: 'end-to-end', bodyBytes: KIB, connections: 8, receivers: 8 } as const satisfies Workload

/** What floors are about, one after the other and repeated: the cost of a send is the measure of the others. */
export const REPEATED: readonly Workload[] = [FLOOR_SEND, DRAIN, TRANSACTION]

export const STANDALONE_ASYNC: readonly Workload[] = [
  { ...FLOOR_SEND, kind: 'h2load' },
  { ...FLOOR_SEND, bodyBytes: 100 },
  { ...FLOOR_SEND, bodyBytes: 16 * KIB },
  SEND_ONE_AT_A_TIME,
  { ...SEND_ONE_AT_A_TIME, connections: 64 },
  { kind: 'send-at-rate', bodyBytes: KIB, connections: 8 },
  END_TO_END,
  { ...FLOOR_SEND, kind: 'remoting-send' },
]

export const STANDALONE_SYNC: readonly Workload[] = [FLOOR_SEND, SEND_ONE_AT_A_TIME]

export const CLUSTER_ASYNC: readonly Workload[] = [FLOOR_SEND, DRAIN, END_TO_END]

/** As in tables: 'send 1 KiB 8 × 32'. */
export function titleOf(workload: Workload): string {
  const size = workload.bodyBytes % KIB === 0 ? `${workload.bodyBytes / KIB} KiB` : `${workload.bodyBytes} B`
  switch (workload.kind) {
    case 'send':
    case 'h2load':
      return `send ${size}, ${workload.connections} × ${workload.depth}`
    case 'transaction':
      return `half message + commit ${size}, ${workload.connections} × ${workload.depth}`
    case 'remoting-send':
      return `remoting send ${size}, ${workload.connections} × ${workload.depth}`
    case 'send-at-rate':
      return `send ${size} at a fixed rate`
    case 'drain':
      return `receive + ack ${size}, ${workload.receivers} receivers`
    case 'end-to-end':
      return `send → receive + ack ${size} at a fixed rate`
  }
}

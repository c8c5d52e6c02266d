// All mutants: the faults that would break a promise. Each belongs to one of the promises' areas.
import type { Mutant } from '../mutant.ts'
import { CLIENT_MUTANTS } from './clients.ts'
import { DEDUP_MUTANTS } from './dedup.ts'
import { DELAY_MUTANTS } from './delay.ts'
import { DURABILITY_MUTANTS } from './durability.ts'
import { FILTER_MUTANTS } from './filters.ts'
import { GROUP_MUTANTS } from './groups.ts'
import { INFLIGHT_MUTANTS } from './inflight.ts'
import { LIMIT_MUTANTS } from './limits.ts'
import { ORDER_MUTANTS } from './order.ts'
import { RECOVERY_MUTANTS } from './recovery.ts'
import { RETENTION_MUTANTS } from './retention.ts'
import { SCALING_MUTANTS } from './scaling.ts'
import { SESSION_MUTANTS } from './sessions.ts'
import { STORE_MUTANTS } from './store.ts'
import { TRANSACTION_MUTANTS } from './transaction.ts'
import { TRACE_MUTANTS } from './trace.ts'

export const MUTANTS: readonly Mutant[] = [
  ...DURABILITY_MUTANTS,
  ...RECOVERY_MUTANTS,
  ...STORE_MUTANTS,
  ...RETENTION_MUTANTS,
  ...INFLIGHT_MUTANTS,
  ...ORDER_MUTANTS,
  ...DEDUP_MUTANTS,
  ...DELAY_MUTANTS,
  ...TRANSACTION_MUTANTS,
  ...FILTER_MUTANTS,
  ...LIMIT_MUTANTS,
  ...SCALING_MUTANTS,
  ...SESSION_MUTANTS,
  ...TRACE_MUTANTS,
  ...GROUP_MUTANTS,
  ...CLIENT_MUTANTS,
]

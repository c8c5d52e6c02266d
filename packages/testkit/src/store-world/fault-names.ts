// Faults of the store's world as the report names them. Each must have hit in a long run.
import { DISK_FAULT_NAMES } from './disk-faults.ts'
import { JOURNAL_DAMAGE_NAME, MESSAGE_DAMAGE_NAMES, REST_DAMAGE_NAMES } from './rest-damage.ts'

export const FAULT_NAMES: readonly string[] = [
  'kills',
  'power losses',
  'orderly stops',
  'lost pieces of 512 bytes',
  'lost pieces of 4096 bytes',
  'torn pieces of 512 bytes',
  'torn pieces of 4096 bytes',
  'lost folder changes',
  ...DISK_FAULT_NAMES,
  ...REST_DAMAGE_NAMES,
  ...MESSAGE_DAMAGE_NAMES,
  JOURNAL_DAMAGE_NAME,
]

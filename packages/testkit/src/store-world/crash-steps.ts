// Every step at which a broker must have been killed in a long run: by phase and kind of file, the calls. One that nobody
// passes any more, and one that is new, both fail the run.
import type { DiskCall } from '../sim/index.ts'
import { type LogPurpose, type Phase, stepOf } from './steps.ts'

/** By phase and kind of file: calls separated by spaces; in brackets what the bytes are for. */
type Calls = Readonly<Partial<Record<Phase, Readonly<Record<string, string>>>>>

const CALLS: Calls = {
  recovering: {
    abort: 'open read sync write',
    'apache-checkpoint': 'open read rename sync truncate write',
    'config-folder': 'list',
    damaged: 'make-folder open sync sync-folder write',
    'flushed-mark': 'open read remove rename sync truncate write',
    folder: 'list lock make-folder sync-folder',
    'foreign-folder': 'list',
    index: 'open read remove size sync truncate write',
    'index-folder': 'list make-folder sync-folder',
    'last-writer': 'open read remove rename sync truncate write',
    log: 'open read remove size sync truncate write',
    'log-folder': 'list make-folder sync-folder',
    mirror: 'read',
    queue: 'open read remove size sync truncate write',
    'queue-checkpoint': 'open read remove rename sync truncate write',
    'queue-folder': 'list make-folder remove sync-folder',
    reserve: 'open remove write',
    'start-cache': 'read',
    'timer-folder': 'list make-folder sync-folder',
    'timer-image': 'read remove',
    'timer-run': 'open read remove size sync truncate write',
    'unit-pack': 'open read size sync write',
    'unit-pack-folder': 'list make-folder sync-folder',
  },
  running: {
    'apache-checkpoint': 'open rename sync truncate write',
    'config-folder': 'list make-folder sync-folder',
    'flushed-mark': 'open remove rename sync truncate write',
    folder: 'list space sync-folder',
    index: 'open read remove sync truncate write',
    'index-folder': 'make-folder sync-folder',
    log: 'open read remove size sync truncate write(messages) write(settings) write(states) write(zeros) write(held) write(due) write(moved) write(recall) write(half) write(half-moved) write(commit) write(rollback) write(decided) write(given-up)',
    'log-folder': 'sync-folder',
    mirror: 'open rename sync truncate write',
    queue: 'open read remove size sync truncate write',
    'queue-checkpoint': 'open remove rename sync truncate write',
    'queue-folder': 'list make-folder remove sync-folder',
    reserve: 'open remove size sync write',
    'start-cache': 'open remove rename sync truncate write',
    'timer-folder': 'list sync-folder',
    'timer-image': 'open remove rename sync truncate write',
    'timer-progress': 'open rename sync truncate write',
    'timer-run': 'open read remove size sync truncate write',
    'unit-pack': 'open read remove sync write',
    'unit-pack-folder': 'list make-folder sync-folder',
  },
  stopping: {
    abort: 'remove',
    'apache-checkpoint': 'open rename sync truncate write',
    'config-folder': 'list make-folder sync-folder',
    'flushed-mark': 'open remove rename sync truncate write',
    folder: 'list space sync-folder',
    index: 'open read sync truncate write',
    'index-folder': 'make-folder sync-folder',
    'last-writer': 'open remove rename sync truncate write',
    log: 'open read remove size sync truncate write',
    'log-folder': 'sync-folder',
    mirror: 'open read rename sync truncate write',
    queue: 'open read size sync truncate write',
    'queue-checkpoint': 'open remove rename sync truncate write',
    'queue-folder': 'make-folder remove sync-folder',
    reserve: 'open remove size sync write',
    'start-cache': 'open remove rename sync truncate write',
    'timer-folder': 'list sync-folder',
    'timer-image': 'open remove rename sync truncate write',
    'timer-progress': 'open rename sync truncate write',
    'timer-run': 'open read remove size sync truncate write',
    'unit-pack': 'open read remove sync write',
    'unit-pack-folder': 'list make-folder sync-folder',
  },
}

/** Only after a start on a full disk with nothing kept for it, after another broker had the folder, or once in many thousand
 *  lives: tests of the store go through them, no run must end there. A long run counts the seeds that pass them, and fails when
 *  they are not so few. */
const RARE: Calls = {
  recovering: {
    abort: 'remove',
    'config-folder': 'sync-folder',
    damaged: 'read',
    reserve: 'size sync',
    'start-cache': 'remove',
    'timer-image': 'open rename sync truncate write',
    'timer-progress': 'read',
  },
  running: {
    'apache-checkpoint': 'read',
    abort: 'open sync write',
    'index-folder': 'space',
    'last-writer': 'open remove rename sync truncate write',
  },
  stopping: {
    abort: 'open sync write',
    'apache-checkpoint': 'read',
    index: 'remove',
    'index-folder': 'space',
    queue: 'remove',
    'queue-folder': 'list',
  },
}

const CALL = /^([a-z-]+)(?:\(([a-z-]+)\))?$/u

function stepsOf(phase: Phase, kind: string, text: string): string[] {
  const [, call, purpose] = CALL.exec(text) ?? []
  const parts = { phase, kind, call: call as DiskCall, purpose: purpose as LogPurpose | undefined }
  return (['before', 'after'] as const).flatMap((side) => stepOf({ ...parts, side }) ?? [])
}

function namesOf(table: Calls): string[] {
  return Object.entries(table).flatMap(([phase, kinds]) =>
    Object.entries(kinds).flatMap(([kind, calls]) =>
      calls.split(' ').flatMap((call) => stepsOf(phase as Phase, kind, call)),
    ),
  )
}

/** Their names, as in 'running: before write of log (messages)'. */
export const CRASH_STEPS: readonly string[] = namesOf(CALLS)
/** Others that a broker may pass. */
export const RARE_STEPS: readonly string[] = namesOf(RARE)

const SELDOM =
  /^recovering: .* (?:apache-checkpoint|damaged|flushed-mark|queue|queue-checkpoint|reserve|index|index-folder)$|(?:remove|list) of (?:log|queue|queue-folder|index)$| of reserve$|^stopping: .* (?:of (?:log|queue)|space of folder)$|zeros|moved|^recovering: .* (?:of timer-(?:image|run)|truncate of log)$|^running: .* (?:size of queue|remove of timer-run)$|^stopping: .* of timer-run$|of unit-pack(?:-folder)?$/u

/** Those of `CRASH_STEPS` that few lives pass. */
export const SELDOM_STEPS: readonly string[] = CRASH_STEPS.filter((step) => SELDOM.test(step))

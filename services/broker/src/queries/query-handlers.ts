// The handlers of requests that look and change nothing: settings, messages, what became of them, progress of groups.
import { createTraceMessage, type TraceDeps } from '../trace/trace-message.ts'
import { type AllSettingsDeps, createAllSettings } from './all-settings.ts'
import { createMessageQueries, type MessageQueriesDeps } from './message-queries.ts'
import { createProgress, type ProgressDeps } from './progress.ts'
import { createPullMessage, type PullDeps } from './pull-message.ts'

export type QueryDeps = Omit<AllSettingsDeps & ProgressDeps & MessageQueriesDeps & PullDeps & TraceDeps, 'reader'>

/** As the table of requests names them. */
export function createQueryHandlers(deps: QueryDeps & { readonly store: ProgressDeps['reader'] }) {
  const reading = { ...deps, reader: deps.store }
  return {
    allSettings: createAllSettings(deps),
    messageQueries: createMessageQueries(deps),
    pull: createPullMessage(reading),
    traceMessage: createTraceMessage(deps),
    progress: createProgress(reading),
  }
}

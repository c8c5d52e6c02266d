import { MqError, type MqErrorCode } from '../src/index.ts'

/** The code of the MqError that `action` throws; undefined when it throws none. Any other error passes through. */
export function codeOf(action: () => unknown): MqErrorCode | undefined {
  try {
    action()
    return undefined
  } catch (error) {
    if (error instanceof MqError) return error.code
    throw error
  }
}

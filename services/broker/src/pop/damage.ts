// Tells damage from what may pass.
import { MqError } from '@rocketmq-ts/model'

/** True where no later try can do better. */
export function isDamage(error: unknown): boolean {
  return error instanceof MqError && error.code === 'damaged'
}

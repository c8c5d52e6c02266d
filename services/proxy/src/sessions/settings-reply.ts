// What a client is told to work with. Its own settings come back, overwritten where the server decides.
// Clients copy numbers blindly: each one given here is positive. Java: GrpcClientSettingsManager.
import { msToDuration, type RetryPolicyInit, type Settings, type SettingsInit } from '@rocketmq-ts/grpc/v2'
import { attemptsMaxOf, retryDelaysOf } from '../messaging/retry-delays.ts'
import type { GroupSettings } from '../upstream/upstream.ts'

export interface PublishingLimits {
  readonly bodyBytesMax: number
  readonly attemptsMax: number
  readonly backoffInitialMs: number
  readonly backoffMaxMs: number
  readonly backoffMultiplier: number
}

/** Producers need an exponential back-off: several fail to start without one. */
export function publishingReply(settings: Settings, limits: PublishingLimits): SettingsInit {
  return {
    ...echoOf(settings),
    backoffPolicy: {
      maxAttempts: limits.attemptsMax,
      exponentialBackoff: {
        initial: msToDuration(limits.backoffInitialMs),
        max: msToDuration(limits.backoffMaxMs),
        multiplier: limits.backoffMultiplier,
      },
    },
    publishing: {
      topics: settings.publishing?.topics ?? [],
      maxBodySize: limits.bodyBytesMax,
      validateMessageType: true,
    },
  }
}

export interface SubscriptionLimits {
  readonly batchSizeMax: number
  readonly pollMsMax: number
}

export function subscriptionReply(settings: Settings, group: GroupSettings, limits: SubscriptionLimits): SettingsInit {
  return {
    ...echoOf(settings),
    backoffPolicy: backoffOf(group),
    subscription: {
      group: settings.subscription?.group,
      subscriptions: settings.subscription?.subscriptions ?? [],
      fifo: group.fifo,
      receiveBatchSize: limits.batchSizeMax,
      longPollingTimeout: msToDuration(limits.pollMsMax),
    },
  }
}

function echoOf({ clientType, accessPoint, requestTimeout, userAgent }: Settings): SettingsInit {
  // Without endpoints: the C++ client exports metrics to them even when told not to.
  return { clientType, accessPoint, requestTimeout, userAgent, metric: { on: false } }
}

function backoffOf(group: GroupSettings): RetryPolicyInit {
  const maxAttempts = attemptsMaxOf(group)
  const delays = retryDelaysOf(group.retryPolicy)
  if (delays.kind === 'listed') {
    return { maxAttempts, customizedBackoff: { next: delays.delaysMs.map((delayMs) => msToDuration(delayMs)) } }
  }
  const { initialMs, maxMs, multiplier } = delays
  return {
    maxAttempts,
    exponentialBackoff: { initial: msToDuration(initialMs), max: msToDuration(maxMs), multiplier },
  }
}

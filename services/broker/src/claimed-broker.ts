// Any number of equal brokers over one folder, such as containers that share a volume: each takes the lowest folder
// `broker-N` that nobody holds, and the name that goes with it. What holds a folder is the lock of its store, so it is
// never free while its broker lives, always free once that is dead, and two brokers never have one name.
import { FileError, type Readiness, type Service } from '@rocketmq-ts/runtime'
import type { Broker } from './broker.ts'

/** Folders that are tried; also the most brokers of one root. */
export const CLAIM_FOLDERS_MAX = 256

/** What a broker is told to be. */
export interface Claim {
  readonly brokerName: string
  readonly storePathRootDir: string
}

export interface ClaimedBrokerOptions {
  /** Absolute path of the folder that holds the folders `broker-N`. */
  readonly root: string
  /** Creates, without starting it, the broker of one folder. */
  readonly brokerOf: (claim: Claim) => Broker
}

export interface ClaimedBroker extends Service {
  readiness(): Readiness
  /** What it took; undefined until it started. */
  readonly claim: Claim | undefined
}

/**
 * Creates a broker that finds its folder when it starts. `start` rejects with `FileError` 'locked' where all folders are
 * held; a folder that can not be opened for any other reason is never passed over, since its messages are waited for.
 */
export function createClaimedBroker({ root, brokerOf }: ClaimedBrokerOptions): ClaimedBroker {
  let broker: Broker | undefined
  let claim: Claim | undefined
  let stopped = false

  return {
    async start() {
      for (let number = 0; number < CLAIM_FOLDERS_MAX && !stopped; number += 1) {
        const tried = claimOf(root, number)
        broker = brokerOf(tried)
        try {
          await broker.start()
          claim = tried
          return
        } catch (error) {
          if (!(error instanceof FileError && error.code === 'locked')) throw error
        }
      }
      if (stopped) return
      throw new FileError('locked', root, `all ${CLAIM_FOLDERS_MAX} folders broker-N are held; choose another folder`)
    },
    async stop() {
      stopped = true
      await broker?.stop()
    },
    readiness: () => broker?.readiness() ?? { ready: false, reason: 'the broker looks for a free folder' },
    get claim() {
      return claim
    },
  }
}

function claimOf(root: string, number: number): Claim {
  const brokerName = `broker-${number}`
  return { brokerName, storePathRootDir: `${root}/${brokerName}` }
}

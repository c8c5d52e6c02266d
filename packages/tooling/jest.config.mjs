// One jest configuration for all packages: Node strips the types, nothing is transformed.
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

export default {
  rootDir: root,
  roots: ['<rootDir>/packages', '<rootDir>/services'],
  testMatch: ['**/test/**/*.test.ts'],
  transform: {},
  extensionsToTreatAsEsm: ['.ts'],
  maxWorkers: '100%',
  // No test waits for real time: a limit only ends what hangs, also on a machine that does much else.
  testTimeout: 60_000,
  testEnvironment: '<rootDir>/packages/tooling/src/jest-environment.mjs',
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  watchman: false,
  injectGlobals: false,
}

// jest's own context has its own Error, Map and so on; objects made by Node's core are of the outer realm.
// This environment makes `instanceof` true for both, so that tests of IO can say `toThrow(Error)`.
import { TestEnvironment } from 'jest-environment-node'

const SHARED_CLASSES = [
  'Error',
  'TypeError',
  'RangeError',
  'SyntaxError',
  'AggregateError',
  'Map',
  'Set',
  'Date',
  'Promise',
  'Array',
  'Object',
  'RegExp',
]

export default class Environment extends TestEnvironment {
  async setup() {
    await super.setup()
    // jest gives tests a copy of `process` that hears no events; the simulated world listens for unhandled rejections.
    this.global[Symbol.for('rocketmq-ts.process')] = process
    for (const name of SHARED_CLASSES) {
      const inner = this.global[name]
      const outer = globalThis[name]
      const own = Function.prototype[Symbol.hasInstance]
      Object.defineProperty(inner, Symbol.hasInstance, {
        configurable: true,
        value(value) {
          return own.call(this, value) || (this === inner && value instanceof outer)
        },
      })
    }
  }
}

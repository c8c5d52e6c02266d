// Tests without limits of their own: on a slow machine they would end what is well. The runner of mutants ends what hangs.
import Environment from '../jest-environment.mjs'

/** More than any run; the longest that a timer takes. */
const FOR_EVER_MS = 2 ** 31 - 1

export default class PatientEnvironment extends Environment {
  async handleTestEvent(event, state) {
    state.testTimeout = FOR_EVER_MS
    if (event.name === 'test_start') event.test.timeout = FOR_EVER_MS
  }
}

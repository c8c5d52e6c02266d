// What clients can make a service hold is bounded, and a configuration is never understood by half.
import type { Mutant } from '../mutant.ts'

export const LIMIT_MUTANTS: readonly Mutant[] = [
  {
    name: 'Requests that came in part are read on above the bound',
    file: 'packages/runtime/src/input-budget.ts',
    text: '    account.stream.pause()\n',
    replacement: '',
    testFile: 'packages/runtime/test/input-budget.test.ts',
    test: 'input budget: a large request at the bound → it waits, and goes on when another is whole',
  },
  {
    name: 'A connection that is gone still counts among the requests in work',
    file: 'packages/remoting/src/transport/listener-bounds.ts',
    text: 'change(-requestBytes)',
    replacement: 'change(0)',
    testFile: 'packages/remoting/test/transport/listener-bounds.test.ts',
    test: 'requests in work: a client that goes without its answer → holds nothing any more',
  },
  {
    name: 'A secret is printed',
    file: 'packages/config/src/describe.ts',
    text: "named.setting.isSecret && value !== ''",
    replacement: "named.setting.isSecret && value === ''",
    testFile: 'packages/config/test/node/configure.test.ts',
    test: 'print: into a file → that file gives the same configuration; a secret is not in it',
  },
  {
    name: 'A property of Apache that would change the broker is passed over',
    file: 'packages/config/src/foreign-settings.ts',
    text: "if (rule.kind === 'without-effect')",
    replacement: "if (rule.kind !== 'without-effect') return undefined\n  if (rule.kind === 'without-effect')",
    testFile: 'packages/config/test/parse-config.test.ts',
    test: 'config: faults in all sources → all of them at once: the file by lines, the environment, flags in their order',
  },
]

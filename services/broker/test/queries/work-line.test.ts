import { expect, test } from '@jest/globals'
import { createWorkLine } from '../../src/queries/work-line.ts'

/** Work that ends when it is told to. */
function createWork(line: ReturnType<typeof createWorkLine>) {
  const begun: string[] = []
  const ends = new Map<string, (failure?: Error) => void>()
  const add = (name: string): Promise<string> =>
    line(() => {
      begun.push(name)
      return new Promise((resolve, reject) => {
        ends.set(name, (failure) => (failure === undefined ? resolve(name) : reject(failure)))
      })
    })
  return { add, begun, end: (name: string, failure?: Error) => ends.get(name)?.(failure) }
}

test('work line: more than is done at a time → the rest begins in order, as places come free, also by a failure', async () => {
  const { add, begun, end } = createWork(createWorkLine({ inWorkMax: 2, waitingMax: 9, name: 'queries' }))
  const all = ['a', 'b', 'c', 'd'].map(add)
  await Promise.resolve()
  expect(begun).toEqual(['a', 'b'])
  end('b', new Error('no'))
  await expect(all[1]).rejects.toThrow('no')
  expect(begun).toEqual(['a', 'b', 'c'])
  end('c')
  await all[2]
  expect(begun).toEqual(['a', 'b', 'c', 'd'])
  end('a')
  end('d')
  expect(await Promise.all([all[0], all[2], all[3]])).toEqual(['a', 'c', 'd'])
})

test('work line: full → busy, and nothing of it is begun; a place that came free is given again', async () => {
  const { add, begun, end } = createWork(createWorkLine({ inWorkMax: 1, waitingMax: 1, name: 'queries' }))
  const [a, b] = [add('a'), add('b')]
  await expect(add('c')).rejects.toMatchObject({ code: 'busy', message: expect.stringContaining('queries') })
  end('a')
  await a
  end('b')
  await b
  const d = add('d')
  await Promise.resolve()
  end('d')
  expect(await d).toBe('d')
  expect(begun).toEqual(['a', 'b', 'd'])
})

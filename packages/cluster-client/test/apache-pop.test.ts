// Handles as Apache's client builds them from the answer of Apache's broker; the fixture is recorded by
// packages/tooling/src/record-remoting.mjs.
import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { createFrameDecoder, decodeCommand, PopMessage, type RemotingCommand } from '@rocketmq-ts/remoting'
import { readPopped } from '../src/index.ts'

const file = new URL('../../remoting/test/fixtures/apache-5.3.3.json', import.meta.url)
const { exchanges } = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly exchanges: readonly { readonly code: number; readonly request: string; readonly answer: string }[]
}

function commandOf(hex: string): RemotingCommand {
  const commands: RemotingCommand[] = []
  createFrameDecoder().push(Buffer.from(hex, 'hex'), (frame) => commands.push(decodeCommand(frame)))
  return commands[0] as RemotingCommand
}

test('apache: a pop answer → the handles that Apache’s client acknowledges with', () => {
  const pop = exchanges.find(({ code }) => code === PopMessage.code)
  const change = exchanges.find(({ code }) => code === 200_053)
  const { extFields, body } = commandOf(pop?.answer ?? '')
  const question = { topic: 'Recorded', consumerGroup: 'recorders', brokerName: 'broker-a' }
  const messages = readPopped(question, PopMessage.answer.decode(extFields), body)
  expect(messages).toHaveLength(3)
  expect(messages[0]?.handleText).toBe(commandOf(change?.request ?? '').extFields.get('extraInfo'))
})

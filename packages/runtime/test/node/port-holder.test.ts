import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from '@jest/globals'
import { createNodeNetwork, findPortHolder } from '@rocketmq-ts/runtime/node'

const tells = existsSync('/proc/net/tcp') ? test : test.skip

async function listening(host: string) {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

tells.each(['127.0.0.1', '::'])('port holder: a port on %s → its process, with program and script', async (host) => {
  const { server, port } = await listening(host)
  expect(findPortHolder(port)).toMatch(new RegExp(String.raw`^process ${process.pid} \(node`))
  server.close()
})

test('port holder: a free port → nobody', async () => {
  const { server, port } = await listening('127.0.0.1')
  await once(server.close(), 'close')
  expect(findPortHolder(port)).toBeUndefined()
})

tells('network: a port that is taken → the error names the process', async () => {
  const { server, port } = await listening('127.0.0.1')
  const listened = createNodeNetwork().listen({ host: '127.0.0.1', port, accept() {} })
  await expect(listened).rejects.toMatchObject({
    code: 'address-in-use',
    message: expect.stringContaining(`port 127.0.0.1:${port} is taken by process ${process.pid}`),
  })
  server.close()
})

// Requests for tests of the transports.
import { bool, defineRequest, int32, optional, text, type RequestHandler } from '../../src/index.ts'

export const Echo = defineRequest({
  code: 7001,
  name: 'ECHO',
  header: { word: text(), times: int32(), loud: optional(bool()) },
  answer: { word: text(), times: int32() },
})

/** The same code, and a sender that checks less. */
export const LaxEcho = defineRequest({
  code: 7001,
  name: 'LAX_ECHO',
  header: { word: optional(text()), times: optional(text()) },
  answer: { word: optional(text()), times: optional(text()) },
})

/** Answers with the word and the body of the request. */
export const echo: RequestHandler = (arrived) => {
  const { header, body, respond } = readEcho(arrived)
  respond({ code: 0, header: { word: header.word, times: header.times }, body })
}

export function readEcho(arrived: Parameters<RequestHandler>[0]) {
  const request = arrived.as(Echo)
  return { header: request.header, body: request.body, respond: request.respond.bind(request) }
}

/**
 * Answers input that is not HTTP or not complete in time. No request exists yet, so the answer is written to the
 * socket.
 */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { type ErrorCode, failure } from '../../core/index.ts'
import { problemDetailsOf } from './problem-details.ts'

/** The errors of Node's parser that have a code of their own. */
const rejections: Readonly<Record<string, ErrorCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request.timeout',
  HPE_HEADER_OVERFLOW: 'request.headers',
}

/** @param request the request id of the answer */
export function rejectUnreadable(error: Error & { code?: string }, socket: Socket, request: string): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const code = rejections[error.code ?? ''] ?? 'request.invalid'
  const rejection = failure(code, { problem: 'it is not readable HTTP' })
  const { status } = rejection
  const body = JSON.stringify(problemDetailsOf(rejection, request))
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/problem+json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  socket.destroy(error)
}

/**
 * Answers input that is not HTTP or not complete in time. No request exists yet, so the answer is written to the
 * socket.
 */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { failure } from '../../core/index.ts'
import { problemDetailsOf } from './problem-details.ts'

/** Answers by the error codes of Node's parser. */
const rejections: Readonly<Record<string, { readonly status: number; readonly problem: string }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, problem: 'it did not come whole in time' },
  HPE_HEADER_OVERFLOW: { status: 431, problem: 'its headers are too large' },
}
const noHttp = { status: 400, problem: 'it is not readable HTTP' }

/** @param request the request id of the answer */
export function rejectUnreadable(error: Error & { code?: string }, socket: Socket, request: string): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const { status, problem } = rejections[error.code ?? ''] ?? noHttp
  const body = JSON.stringify({ ...problemDetailsOf(failure('request.invalid', { problem }), request), status })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/problem+json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  socket.destroy(error)
}

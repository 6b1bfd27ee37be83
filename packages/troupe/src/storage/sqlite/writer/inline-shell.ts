/** Runs the writer in the caller's thread: for data in memory, where there is no disk to wait for. */
import type { WriterReply, WriterShell } from '../../writer-port.ts'
import { Writer, type WriterOptions } from './writer.ts'

export function inlineShell(options: WriterOptions): WriterShell {
  const writer = new Writer(options)
  return {
    threaded: false,
    send: async (request) => writer.handle(request)[0] as WriterReply,
    close: async () => writer.close(),
  }
}

/** Runs the writer on the calling thread: for databases in memory, and for programs without a file for the thread. */
import type { WriterReply, WriterShell } from '../../writer-port.ts'
import type { Writer } from './writer.ts'

export function inlineShell(writer: Writer): WriterShell {
  return {
    threaded: false,
    async send(request) {
      const reply = writer.handle(request)[0] as WriterReply
      if (request.kind === 'batch' || request.kind === 'slice') writer.tend()
      return reply
    },
    close: async () => writer.close(),
  }
}

/** Runs the writer where it is called: databases in memory, and programs that have no file for the thread. */
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

/** The thread of the writer: one batch in, one reply out, housekeeping after the reply. Loads nothing of other rooms. */
import { parentPort, workerData } from 'node:worker_threads'
import type { WriterRequest } from '../writer-port.ts'
import { openForWriting } from './connection.ts'
import { Writer } from './writer.ts'

const { path, checkpointPages } = workerData as { readonly path: string; readonly checkpointPages: number }
const writer = new Writer({ open: () => openForWriting(path), reopens: true, checkpointPages })
const port = parentPort
if (!port) throw new Error('This file runs as a thread of its own.')

port.on('message', (request: WriterRequest | 'close') => {
  if (request === 'close') {
    writer.close()
    port.close()
    return
  }
  port.postMessage(writer.handle(request))
  if (request.kind === 'batch') writer.tend()
})
port.postMessage('ready')

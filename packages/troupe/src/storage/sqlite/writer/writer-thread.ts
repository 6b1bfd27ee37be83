/** The thread of the writer: batches in, a reply to each out, housekeeping after the replies. Loads nothing of other rooms. */
import { statSync } from 'node:fs'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { ChangeBatch, WriterFailure, WriterRequest } from '../../writer-port.ts'
import { openForWriting } from '../open-for-writing.ts'
import { Writer } from './writer.ts'

const { path, checkpointPages } = workerData as { readonly path: string; readonly checkpointPages: number }
const writer = new Writer({
  open: () => openForWriting(path),
  reopens: true,
  checkpointPages,
  fileMissing: mindFile(path),
})
const port = parentPort
if (!port) throw new Error('This file runs as a thread of its own.')

/** Behind a batch nothing but batches is on its way. */
const next = () => receiveMessageOnPort(port)?.message as ChangeBatch | undefined

port.on('message', (request: WriterRequest | 'close') => {
  if (request === 'close') {
    writer.close()
    port.close()
    return
  }
  for (const reply of writer.handle(request, next)) port.postMessage(reply)
  if (request.kind === 'batch') writer.tend()
})
port.postMessage('ready')

/**
 * A file that was removed still takes what is written, and keeps it for nobody but this process: nothing of that may be
 * acknowledged. Another one in its place is none of ours; the same one, put back, is.
 */
function mindFile(name: string): () => WriterFailure | undefined {
  const now = () => statSync(name, { throwIfNoEntry: false })?.ino
  const opened = now()
  let fileMissing = false
  return () => {
    const found = now()
    fileMissing = found === undefined || (fileMissing && found !== opened)
    if (!fileMissing) return undefined
    const message = found === undefined ? 'it was removed or moved away' : 'another file was put in its place'
    return { ok: false, problem: 'io', message }
  }
}

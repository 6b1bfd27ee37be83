/** The thread of the writer: batches in, a reply to each out, housekeeping after the replies. Loads nothing of other rooms. */
import { MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { ChangeBatch, WriterRequest } from '../../writer-port.ts'
import { createFileWriter, type FileWriterOptions } from './file-writer.ts'

const options = workerData as FileWriterOptions
const writer = createFileWriter(options)
const port = parentPort
if (!port) throw new Error('This file runs as a thread of its own.')

/** Behind a batch nothing but batches is on its way. Deno's port cannot be read so: there each batch is committed alone. */
const next = () =>
  port instanceof MessagePort ? (receiveMessageOnPort(port)?.message as ChangeBatch | undefined) : undefined

port.on('message', (request: WriterRequest | 'close') => {
  if (request === 'close') {
    writer.close()
    // Within a thread it ends the thread alone; Deno's port cannot be closed.
    process.exit()
  }
  for (const reply of writer.handle(request, next)) port.postMessage(reply)
  if (request.kind === 'batch' || request.kind === 'slice') writer.tend()
})
port.postMessage('ready')

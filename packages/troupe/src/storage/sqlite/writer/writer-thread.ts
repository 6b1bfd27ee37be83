/**
 * The thread of the writer: receives batches, replies to each, and does maintenance after the replies. Loads no other
 * module.
 */
import { MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { ChangeBatch, WriterRequest } from '../../writer-port.ts'
import { createFileWriter, type FileWriterOptions } from './file-writer.ts'

const options = workerData as FileWriterOptions
const writer = createFileWriter(options)
const port = parentPort
if (!port) throw new Error('This file runs as a thread of its own.')

/**
 * After a batch only batches can be in flight. In Deno the port cannot be read directly, so each batch is committed
 * alone.
 */
const next = () =>
  port instanceof MessagePort ? (receiveMessageOnPort(port)?.message as ChangeBatch | undefined) : undefined

port.on('message', (request: WriterRequest | 'close') => {
  if (request === 'close') {
    writer.close()
    // In a thread `process.exit` ends only the thread; Deno's port cannot be closed.
    process.exit()
  }
  for (const reply of writer.handle(request, next)) port.postMessage(reply)
  if (request.kind === 'batch' || request.kind === 'slice') writer.tend()
})
port.postMessage('ready')

/** Runs the writer in a thread, so that waiting for the disk does not block the caller's thread. */
import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { WriterFailure, WriterReply, WriterRequest, WriterShell } from '../../writer-port.ts'
import type { FileWriterOptions } from './file-writer.ts'

/**
 * Finds the file of the thread, beside this file.
 * @returns undefined if there is none, because the library was bundled into another program
 */
export function findWriterThread(): URL | undefined {
  // A bundle in the CommonJS format has no import.meta.url.
  const url = import.meta.url as string | undefined
  if (url === undefined) return undefined
  const entry = new URL(url.endsWith('.ts') ? './writer-thread.ts' : './writer-thread.js', url)
  return existsSync(entry) ? entry : undefined
}

/** @throws the error with which the thread ended before it was ready */
export async function threadShell(entry: URL, options: FileWriterOptions): Promise<WriterShell> {
  const worker = new Worker(entry, { workerData: options, name: 'troupe-writer', execArgv: [] })
  const answers: ((reply: WriterReply) => void)[] = []
  let dead: WriterFailure | undefined
  let failed: Error | undefined
  const ended = new Promise<void>((resolve) =>
    worker.once('exit', (code) => {
      const message = `the writer thread ended (${failed?.message ?? `exit code ${code}`})`
      dead = { ok: false, problem: 'dead', message }
      for (const answer of answers.splice(0)) answer(dead)
      resolve()
    }),
  )
  worker.on('error', (error) => {
    failed = error instanceof Error ? error : new Error(String(error))
  })
  await Promise.race([new Promise((resolve) => worker.once('message', resolve)), ended])
  if (dead) throw failed ?? new Error(dead.message)
  worker.on('message', (reply: WriterReply) => {
    const answer = answers.shift()
    if (answers.length === 0) worker.unref()
    answer?.(reply)
  })
  // Only a request in flight keeps the process alive.
  worker.unref()
  return {
    threaded: true,
    send(request: WriterRequest) {
      if (dead) return Promise.resolve(dead)
      worker.ref()
      return new Promise((resolve) => {
        answers.push(resolve)
        worker.postMessage(request)
      })
    },
    async close() {
      if (dead) return
      worker.ref()
      worker.postMessage('close')
      await ended
    },
  }
}

/** Runs the writer in a thread, so that waiting for the disk stops nobody else. */
import { Worker } from 'node:worker_threads'
import type { WriterFailure, WriterReply, WriterRequest, WriterShell } from '../../writer-port.ts'

export interface ThreadShellOptions {
  readonly path: string
  readonly checkpointPages: number
}

/** Beside this file, in whichever form this file itself runs. */
const entry = new URL(import.meta.url.endsWith('.ts') ? './writer-thread.ts' : './writer-thread.js', import.meta.url)

/** @throws the error with which the thread ended before it was ready */
export async function threadShell(options: ThreadShellOptions): Promise<WriterShell> {
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
  // Only a batch on its way keeps the process alive.
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

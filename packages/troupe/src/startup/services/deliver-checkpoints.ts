/** Where checkpoints go: a line of a file, durable before it counts as delivered, or a request to a URL. */
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { failure } from '../../core/index.ts'
import type { Checkpoint, Fetch } from '../../security/index.ts'

const timeoutMs = 10_000

/**
 * @param fetchTo of a URL of HTTP
 * @returns takes a path, or a URL of HTTP
 */
export const deliverCheckpointsBy =
  (fetchTo: (url: string) => Fetch) =>
  (to: string): ((checkpoint: Checkpoint) => Promise<void>) =>
    /^https?:\/\//.test(to) ? (checkpoint) => post(fetchTo(to), to, checkpoint) : (checkpoint) => append(to, checkpoint)

async function append(path: string, checkpoint: Checkpoint): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const file = await open(path, 'a+', 0o600)
  try {
    const begin = (await isCutOff(file)) ? '\n' : ''
    await file.appendFile(`${begin}${JSON.stringify(checkpoint)}\n`)
    await file.datasync()
  } finally {
    await file.close()
  }
}

/** A crash or a full disk has left half a line, which would take the next one with it. */
async function isCutOff(file: FileHandle): Promise<boolean> {
  const stat = await file.stat()
  if (!stat.isFile() || stat.size === 0) return false
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, stat.size - 1)
  return buffer.toString() !== '\n'
}

async function post(fetch: Fetch, url: string, checkpoint: Checkpoint): Promise<void> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(checkpoint),
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  })
  await answer.body?.cancel()
  if (!answer.ok) throw failure('audit.undelivered', { status: answer.status })
}

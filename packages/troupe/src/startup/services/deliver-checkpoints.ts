/** Delivers checkpoints to a file, as a line that is durable before it counts as delivered, or to a URL, as a request. */
import { existsSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { failure } from '../../core/index.ts'
import { checkpointsOf } from '../../operations/index.ts'
import { type Checkpoint, type Fetch, readCheckpoint } from '../../security/index.ts'
import { createFolder } from '../../storage/index.ts'

const timeoutMs = 10_000
/** Bytes that are read from the end of a file: a checkpoint has about 300 bytes. */
const tailBytes = 65_536

interface CheckpointTarget {
  readonly deliver: (checkpoint: Checkpoint) => Promise<void>
  /** The newest delivered checkpoint. A URL accepts checkpoints and returns none. */
  readonly last?: () => Promise<Checkpoint | undefined>
  readonly delivered?: () => Promise<readonly Checkpoint[]>
}

/**
 * @param fetchTo sends the request to an HTTP URL
 * @returns a function that takes a path or an HTTP URL
 */
export const deliverCheckpoints =
  (fetchTo: (url: string) => Fetch) =>
  (to: string): CheckpointTarget =>
    /^https?:\/\//.test(to)
      ? { deliver: (checkpoint) => post(fetchTo(to), to, checkpoint) }
      : { deliver: (checkpoint) => append(to, checkpoint), last: () => lastOf(to), delivered: () => deliveredTo(to) }

/** The path has no file before the first checkpoint. */
async function deliveredTo(path: string): Promise<readonly Checkpoint[]> {
  return existsSync(path) ? checkpointsOf(path) : []
}

/** Reads from the end. A line that a crash cut off was never delivered. */
async function lastOf(path: string): Promise<Checkpoint | undefined> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!file) return undefined
  try {
    const { size } = await file.stat()
    const from = Math.max(0, size - tailBytes)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(tailBytes), 0, tailBytes, from)
    const lines = buffer.subarray(0, bytesRead).toString().split('\n')
    for (const line of lines.reverse())
      try {
        return readCheckpoint(JSON.parse(line), path)
      } catch {}
    return undefined
  } finally {
    await file.close()
  }
}

async function append(path: string, checkpoint: Checkpoint): Promise<void> {
  createFolder(dirname(path))
  const file = await open(path, 'a+', 0o600)
  try {
    const begin = (await isCutOff(file)) ? '\n' : ''
    await file.appendFile(`${begin}${JSON.stringify(checkpoint)}\n`)
    await file.datasync()
  } finally {
    await file.close()
  }
}

/** Ends a partial line that a crash or a full disk left, since the next line would be appended to it. */
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

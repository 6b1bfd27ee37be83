/** Where checkpoints go: a line of a file, durable before it counts as delivered, or a request to a URL. */
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { failure } from '../../core/index.ts'
import { type Checkpoint, type Fetch, readCheckpoint } from '../../security/index.ts'

const timeoutMs = 10_000
/** The last lines of a file: a checkpoint has some 300 bytes. */
const tailBytes = 65_536

interface CheckpointTarget {
  readonly deliver: (checkpoint: Checkpoint) => Promise<void>
  /** The newest that was delivered; a URL takes checkpoints and does not return them. */
  readonly last?: () => Promise<Checkpoint | undefined>
}

/**
 * @param fetchTo of a URL of HTTP
 * @returns takes a path, or a URL of HTTP
 */
export const deliverCheckpoints =
  (fetchTo: (url: string) => Fetch) =>
  (to: string): CheckpointTarget =>
    /^https?:\/\//.test(to)
      ? { deliver: (checkpoint) => post(fetchTo(to), to, checkpoint) }
      : { deliver: (checkpoint) => append(to, checkpoint), last: () => lastOf(to) }

/** Reads from the end; a line that a crash cut off never counted. */
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

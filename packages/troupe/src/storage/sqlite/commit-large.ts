/**
 * Commits one large change in slices, so that no section of the caller's thread is long: each is checked, encoded,
 * executed and decoded before the next, and all share one transaction.
 */
import { type Clock, nextMacrotask, TroupeError } from '../../core/index.ts'
import { checkChange } from '../changes/check-change.ts'
import type { Change, CommitResult, Row } from '../storage-port.ts'
import type { Cell, WriterFailure, WriterShell } from '../writer-port.ts'
import { decodeResult, decodeStatements, type Invalid } from './writer/decode-result.ts'
import type { Encoder } from './writer/encoder.ts'
import { outcome } from './writer/wire.ts'

/** Statements and feed items of a slice: some milliseconds. */
const sliceSize = 512

const sizeOf = ({ statements, feed = [] }: Change): number => Math.max(statements.length, feed.length)

export const isLarge = (change: Change): boolean => sizeOf(change) > 2 * sliceSize

export interface SlicePorts {
  readonly shell: WriterShell
  readonly clock: Clock
  readonly encoder: Encoder
  /** The storage's time, ms since 1970. */
  readonly at: number
}

/** Before the first slice is sent. @throws what `checkChange` throws */
async function checkSlices(change: Change, clock: Clock): Promise<void> {
  for (let i = 0; i * sliceSize < sizeOf(change); i++) {
    checkChange(sliceOf(change, i))
    if (i % 8 === 7) await nextMacrotask(clock)
  }
}

/** @returns a TroupeError for a value that storage would change silently; nothing of the change stays then */
export async function commitLarge(
  change: Change,
  ports: SlicePorts,
): Promise<CommitResult | Invalid | TroupeError | WriterFailure> {
  try {
    await checkSlices(change, ports.clock)
  } catch (error) {
    if (error instanceof TroupeError) return error
    throw error
  }
  return commitSlices(change, ports)
}

async function commitSlices(change: Change, ports: SlicePorts): Promise<CommitResult | Invalid | WriterFailure> {
  const rows: (readonly Row[])[] = []
  const affected: number[] = []
  const slices = Math.ceil(sizeOf(change) / sliceSize)
  let revision: number | null = null
  for (let i = 0; i < slices; i++) {
    const [first, last] = [i === 0, i === slices - 1]
    const slice = sliceOf(change, i)
    const cells: Cell[] = []
    ports.encoder.encode(slice, cells)
    const reply = await ports.shell.send({ kind: 'slice', at: ports.at, first, last, cells })
    if (!reply.ok) return reply
    // The statement that met a large integer reads such integers from now on.
    if (reply.cells[0] === outcome.retry) return commitSlices(change, ports)
    if (reply.cells[0] !== outcome.done) return decodeResult({ cells: reply.cells, next: 0 }, change)
    revision = reply.cells[2] as number | null
    decodeStatements({ cells: reply.cells, next: 3 }, slice.statements, { rows, affected })
    if (!last) await nextMacrotask(ports.clock)
  }
  return { ok: true, rows, affected, revision, at: ports.at, repeated: false }
}

function sliceOf({ statements, feed = [], ...change }: Change, index: number): Change {
  const [from, to] = [index * sliceSize, (index + 1) * sliceSize]
  return { ...change, statements: statements.slice(from, to), feed: feed.slice(from, to) }
}

/**
 * Commits one large change in slices, so that the caller's thread is never blocked for long. Each slice is checked,
 * encoded, executed and decoded before the next, and all share one transaction.
 */
import { type Clock, nextMacrotask, TimeSlice, TroupeError } from '../../../core/index.ts'
import { checkChange } from '../../changes/check-change.ts'
import type { Statement } from '../../changes/statement.ts'
import type { Change, CommitResult, Row } from '../../storage-port.ts'
import type { Cell, WriterFailure, WriterShell } from '../../writer-port.ts'
import { decodeResult, decodeStatements, type Invalid } from '../writer/decode-result.ts'
import type { Encoder } from '../writer/encoder.ts'
import { outcome } from '../writer/wire.ts'

/** The maximum number of statements and of feed items in a slice; takes some milliseconds. */
const sliceSize = 512
/** The maximum number of values in a slice, because one statement may write many rows. */
const sliceValues = 2_048
/** The number of characters from which a slice is complete: to bind and to write texts takes time by their length. */
const sliceCharacters = 2 * 1024 * 1024

export function isLarge({ statements, feed = [] }: Change): boolean {
  if (Math.max(statements.length, feed.length) > 2 * sliceSize) return true
  let values = 0
  let characters = 0
  for (const { binds } of statements) {
    values += binds.length
    characters += charactersOf(binds)
  }
  return values > 4 * sliceValues || characters > sliceCharacters
}

function charactersOf(binds: Statement['binds']): number {
  let characters = 0
  for (const bind of binds) if (typeof bind === 'string') characters += bind.length
  return characters
}

export interface SlicePorts {
  readonly shell: WriterShell
  readonly clock: Clock
  readonly encoder: Encoder
  /** The storage's time, ms since 1970. */
  readonly at: number
}

/** Checks the whole change before the first slice is sent. @throws the errors of `checkChange` */
async function checkSlices(change: Change, clock: Clock): Promise<void> {
  const time = new TimeSlice(clock)
  for (const slice of slicesOf(change)) {
    checkChange(slice)
    if (time.isOver) await time.renew()
  }
}

/** @returns a TroupeError for a value that storage would change silently; the change then has no effect */
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
  const slices = slicesOf(change)
  let revision: number | null = null
  let first = true
  // The caller has just made the change, which may have taken long.
  await nextMacrotask(ports.clock)
  for (let next = slices.next(); !next.done; first = false) {
    const slice = next.value
    next = slices.next()
    const last = next.done === true
    const cells: Cell[] = []
    ports.encoder.encode(slice, cells)
    const reply = await ports.shell.send({ kind: 'slice', at: ports.at, first, last, cells })
    if (!reply.ok) return reply
    // The statement returned a large integer and reads integers as bigint from now on.
    if (reply.cells[0] === outcome.retry) return commitSlices(change, ports)
    if (reply.cells[0] !== outcome.done) return decodeResult({ cells: reply.cells, next: 0 }, change)
    revision = reply.cells[2] as number | null
    decodeStatements({ cells: reply.cells, next: 3 }, slice.statements, { rows, affected })
    // Also after the last slice: the caller of the change works through all its rows next.
    await nextMacrotask(ports.clock)
  }
  return { ok: true, rows, affected, revision, at: ports.at, repeated: false }
}

function* slicesOf({ statements, feed = [], ...change }: Change): Generator<Change, undefined> {
  let from = 0
  for (let feedFrom = 0; from < statements.length || feedFrom < feed.length; feedFrom += sliceSize) {
    let to = from
    let [values, characters] = [0, 0]
    for (; to < statements.length && to - from < sliceSize; to++) {
      if (values >= sliceValues || characters >= sliceCharacters) break
      const { binds } = statements[to] as Statement
      values += binds.length
      characters += charactersOf(binds)
    }
    yield { ...change, statements: statements.slice(from, to), feed: feed.slice(feedFrom, feedFrom + sliceSize) }
    from = to
  }
}

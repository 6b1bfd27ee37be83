/**
 * Writes one journal. Invariant: every fragment moves the head row from the sequence and epoch that this writer knows,
 * so that a change of a writer that lost its journal changes nothing.
 */
import { encodeJson, failure } from '../../core/index.ts'
import type { Blobs, Fragment, Statement } from '../../storage/index.ts'
import { type Body, EncodedBody, type JournalId, type JournalLimits, type JournalMark } from '../journal-port.ts'
import type { JournalStatements } from './journal-statements.ts'

interface JournalWriterOptions {
  readonly statements: JournalStatements
  readonly limits: JournalLimits
  readonly blobs: Blobs | undefined
  readonly version: number
  readonly warn: (user: string, journal: JournalId, records: number) => void
}

type Move = JournalStatements['move'] | JournalStatements['moveAndClose']

/** The size in bytes above which a body is stored as a blob. */
const largeBytes = 64 * 1024
/** The number of records that a full journal accepts for its end and for results of earlier claims. */
const reserve = 1_024

export const encodeBody = (body: Body, what: string): EncodedBody =>
  body instanceof EncodedBody ? body : new EncodedBody(encodeJson(body, what))

/** Appends to one journal from a known head. It assumes that the change of each created fragment commits. */
export class JournalWriter {
  readonly user: string
  readonly id: JournalId
  readonly epoch: number
  #head: number
  #bytes: number
  #snapshotAt: number
  #warned: boolean
  readonly #options: JournalWriterOptions

  constructor(
    options: JournalWriterOptions,
    user: string,
    id: JournalId,
    at: JournalMark & { readonly epoch: number },
  ) {
    this.#options = options
    this.user = user
    this.id = id
    this.epoch = at.epoch
    this.#head = at.head
    this.#bytes = at.bytes
    this.#snapshotAt = at.snapshotAt
    this.#warned = at.head >= options.limits.warnRecords
  }

  /** The sequence number of the newest record, including fragments that are not committed yet. */
  get head(): number {
    return this.#head
  }

  /**
   * @param options.closes the same statement closes the journal
   * @param options.last the end of the journal, or the result of an earlier claim: accepted also if the journal is full
   * @throws CapacityError `journal.full`
   */
  append(
    at: number,
    bodies: readonly Body[],
    { last = false, closes = false }: { readonly last?: boolean; readonly closes?: boolean } = {},
  ): Fragment {
    const { move, moveAndClose } = this.#options.statements
    return this.#append(at, bodies, closes ? moveAndClose : move, last)
  }

  /**
   * Appends results of effects after a cancel has fenced this writer. Rejected with `journal.lost` after a takeover.
   */
  appendFenced(at: number, bodies: readonly Body[]): Fragment {
    return this.#append(at, bodies, this.#options.statements.moveFenced, true)
  }

  /** Appends after the end of a closed or fenced journal, for results that become known later. */
  appendEnded(at: number, bodies: readonly Body[]): Fragment {
    return this.#append(at, bodies, this.#options.statements.moveEnded, true)
  }

  /** Returns the position of the writer. Pass it to `rewind` if the change of later fragments fails. */
  mark(): JournalMark {
    return { head: this.#head, bytes: this.#bytes, snapshotAt: this.#snapshotAt }
  }

  rewind(mark: JournalMark): void {
    this.#head = mark.head
    this.#bytes = mark.bytes
    this.#snapshotAt = mark.snapshotAt
  }

  /** Returns true if the next append should include a snapshot. */
  snapshotDue(): boolean {
    return this.#head - this.#snapshotAt >= this.#options.limits.snapshotEvery
  }

  writeSnapshot(state: Body): Fragment {
    const { statements, blobs, version } = this.#options
    const { text } = encodeBody(state, `A snapshot of ${this.id}`)
    const owner = `snapshot:${this.id}`
    // A snapshot that is too large must not be tried again with each record.
    this.#snapshotAt = this.#head
    const storedBlob = text.length > largeBytes ? blobs?.store(this.user, owner, text) : undefined
    const large = storedBlob && 'blob' in storedBlob.value ? JSON.stringify(storedBlob.value) : null
    const head = { user: this.user, id: this.id }
    return {
      statements: [
        ...(blobs?.release(this.user, owner) ?? []),
        ...(storedBlob?.statements ?? []),
        statements.snapshot({ ...head, seq: this.#head, version, state: large === null ? text : null, blob: large }),
      ],
    }
  }

  /** Moves the head without a record, so that a change fails if this writer does not own the journal any more. */
  prove(): Fragment {
    return { statements: [this.#move(this.#options.statements.move, 0, this.#head + 1, this.#bytes)] }
  }

  #append(at: number, bodies: readonly Body[], move: Move, last: boolean): Fragment {
    const encoded = bodies.map((body) => encodeBody(body, `A record of ${this.id}`))
    let bytes = this.#bytes
    for (const body of encoded) bytes += body.bytes
    const to = this.#head + encoded.length
    this.#checkLimits(to, bytes, last)
    const records = this.records(this.#head, at, encoded)
    const moved = this.#move(move, at, to, bytes)
    return { statements: [moved, ...records] }
  }

  #move(move: Move, at: number, to: number, bytes: number): Statement {
    const from = this.#head
    const statement = move(
      { user: this.user, id: this.id, from, to, epoch: this.epoch, bytes, at },
      { expect: { rows: 1 }, otherwise: 'journal.lost', detail: { journal: this.id } },
    )
    this.#head = to
    this.#bytes = bytes
    return statement
  }

  /** Creates the statements of the records after a sequence number. */
  records(after: number, at: number, bodies: readonly EncodedBody[]): readonly Statement[] {
    const { statements, blobs, version } = this.#options
    const blobRows: Statement[] = []
    const rows = bodies.map(({ text }, index) => {
      const storedBlob = text.length > largeBytes ? blobs?.store(this.user, `journal:${this.id}`, text) : undefined
      const large = storedBlob && 'blob' in storedBlob.value ? JSON.stringify(storedBlob.value) : null
      if (large !== null && storedBlob) blobRows.push(...storedBlob.statements)
      const body = large === null ? text : null
      return { user: this.user, id: this.id, seq: after + 1 + index, at, version, body, blob: large }
    })
    return [...blobRows, ...statements.records(rows)]
  }

  #checkLimits(records: number, bytes: number, last: boolean): void {
    const { limits, warn } = this.#options
    const extra = last ? reserve : 0
    if (records > limits.maxRecords + extra)
      throw failure('journal.full', { journal: this.id, used: records, limit: limits.maxRecords, unit: 'records' })
    if (!last && bytes > limits.maxBytes)
      throw failure('journal.full', { journal: this.id, used: bytes, limit: limits.maxBytes, unit: 'bytes' })
    if (records < limits.warnRecords || this.#warned) return
    this.#warned = true
    warn(this.user, this.id, records)
  }
}

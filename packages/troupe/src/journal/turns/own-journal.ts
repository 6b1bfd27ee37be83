/**
 * The journal of one step as the target of its commits: what a part of the step records and the statements that belong to
 * it are one change, which moves the head of the journal. The first change creates the journal.
 */
import { type Clock, TimeSlice, type WorkInParts } from '../../core/index.ts'
import type { CommitResult, Fragment, Statement, Storage } from '../../storage/index.ts'
import { EncodedBody, type JournalId, type Journals, type JournalWriter } from '../journal-port.ts'
import type { CommittedWrite } from '../recorder-port.ts'
import type { StepSpec } from '../steps-port.ts'

export type Rejection = Extract<CommitResult, { readonly ok: false }>

/** What each fragment of a committed change made, by its index. */
export type Made = (index: number) => CommittedWrite

/** How a change ends the journal, if it does. */
export type JournalEnd = false | 'completed' | 'failed'

/** A rejection names the index of the fragment that caused it; -1 is the head of the journal. */
export type JournalOutcome = { readonly ok: true; readonly made: Made } | (Rejection & { readonly part: number })

export interface OwnJournalOptions {
  readonly storage: Storage
  readonly journals: Journals
  readonly clock: Clock
  readonly user: string
  readonly step: JournalId
  /** The step of a run: its journal is deleted with that of the run. */
  readonly isChild?: boolean
  readonly retention?: StepSpec['retention']
  readonly writer: JournalWriter | undefined
  /** Begins the journal, unless its first change ends it. */
  readonly firstRecord: () => string
}

interface CommitHow {
  readonly closes: JournalEnd
  /** After a cancel that fenced this writer. */
  readonly fenced: boolean
}

/** Records are cut, so that a long answer does not move its neighbours into a large value. */
const recordCharacters = 128 * 1024

export class OwnJournal {
  readonly #options: OwnJournalOptions
  #writer: JournalWriter | undefined

  constructor(options: OwnJournalOptions) {
    this.#options = options
    this.#writer = options.writer
  }

  /** Undefined before the journal exists. */
  get writer(): JournalWriter | undefined {
    return this.#writer
  }

  /** Commits entries and fragments in one change; a rejected change leaves the writer where it was. */
  commit(texts: readonly string[], fragments: readonly Fragment[], how: CommitHow): Promise<JournalOutcome> {
    const { storage, user } = this.#options
    const commitAlone = (change: Fragment) => storage.commit({ ...change, id: null, scope: { user } })
    return this.commitThrough(commitAlone, texts, fragments, how) as Promise<JournalOutcome>
  }

  /**
   * The same in a change that another makes.
   * @param commit resolves with undefined where nothing was committed
   */
  async commitThrough(
    commit: (change: Fragment) => Promise<CommitResult | undefined>,
    texts: readonly string[],
    fragments: readonly Fragment[],
    how: CommitHow,
  ): Promise<JournalOutcome | undefined> {
    const before = this.#writer
    const mark = before?.mark()
    const slice = new TimeSlice(this.#options.clock)
    const isCreated = !before && !how.closes
    const records = await slice.finish(recordsOf(isCreated ? [this.#options.firstRecord(), ...texts] : texts))
    const statements: Statement[] = [...this.#journal(records, how).statements]
    const ends = [statements.length]
    for (const fragment of fragments) {
      if (slice.isOver) await slice.renew()
      // A turn of very many messages has more statements in one fragment than a call may have arguments.
      for (const statement of fragment.statements) statements.push(statement)
      ends.push(statements.length)
    }
    const feed = fragments.flatMap((fragment) => fragment.feed ?? [])
    const wake = [...new Set(fragments.flatMap((fragment) => fragment.wake ?? []))]
    let result: CommitResult | undefined
    try {
      result = await commit({ statements: shifted(statements, fragments, ends), feed, wake })
    } catch (error) {
      this.#rewind(before, mark)
      throw error
    }
    if (result?.ok) {
      const { rows, revision } = result
      return { ok: true, made: (index) => ({ rows: rows.slice(ends[index], ends[index + 1]), revision }) }
    }
    this.#rewind(before, mark)
    if (!result) return undefined
    const failed = result.statement
    return { ...result, part: ends.findIndex((end) => failed < end) - 1 }
  }

  #rewind(before: JournalWriter | undefined, mark: ReturnType<JournalWriter['mark']> | undefined): void {
    if (before && mark) before.rewind(mark)
    this.#writer = before
  }

  #journal(bodies: readonly EncodedBody[], { closes, fenced }: CommitHow): Fragment {
    const { journals, user, step, isChild = false, clock, retention } = this.#options
    const retentionMs = closes === 'failed' ? retention?.failedMs : retention?.completedMs
    const at = clock.now()
    if (this.#writer) {
      if (bodies.length === 0) return this.#writer.prove()
      const isClosed = closes !== false && !fenced
      const { statements } = fenced
        ? this.#writer.appendFenced(at, bodies)
        : this.#writer.append(at, bodies, { last: true, closes: isClosed })
      if (!closes) return { statements }
      return {
        statements: [...statements, ...journals.close(user, step, { isChild, retentionMs, isClosed }).statements],
      }
    }
    const created = journals.create(user, step, 'step', at, bodies, { closed: closes !== false, isChild, retentionMs })
    this.#writer = created.writer
    return created.fragment
  }
}

/** `sameAs` of a fragment counts from its own first statement, in the change it counts from the change's. */
function shifted(
  statements: readonly Statement[],
  fragments: readonly Fragment[],
  ends: readonly number[],
): readonly Statement[] {
  if (
    !fragments.some((fragment) =>
      fragment.statements.some((statement) => statement.expect && 'sameAs' in statement.expect),
    )
  )
    return statements
  const moved = statements.slice(0, ends[0])
  fragments.forEach((fragment, index) => {
    for (const statement of fragment.statements) {
      const { expect } = statement
      const start = ends[index] as number
      moved.push(expect && 'sameAs' in expect ? { ...statement, expect: { sameAs: expect.sameAs + start } } : statement)
    }
  })
  return moved
}

/** Joins entries into records. */
function* recordsOf(texts: readonly string[]): WorkInParts<readonly EncodedBody[]> {
  const records: EncodedBody[] = []
  let open: string[] = []
  let length = 0
  const close = () => {
    const record = new EncodedBody(`[${open.join(',')}]`)
    // The bytes are counted here, in parts, and not all at once when the records are stored.
    void record.bytes
    records.push(record)
    open = []
    length = 0
  }
  for (const text of texts) {
    if (length > 0 && length + text.length > recordCharacters) close()
    open.push(text)
    length += text.length
    yield
  }
  if (open.length > 0) close()
  return records
}

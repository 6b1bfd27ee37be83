/**
 * Staged writes: a tree of stages, one for the step and one for each tool call in it. A turn commits the writes of the stage
 * that asked for the commit, of its ancestors, and of the finished stages. Other running stages retain their writes.
 */
import { type Clock, TimeSlice } from '../../core/index.ts'
import type { Fragment } from '../../storage/index.ts'
import type { CommittedWrite, StagedWrite } from '../recorder-port.ts'
import type { CallId, StagePath } from '../replay/call-id.ts'
import type { AnswerItem } from '../replay/step-record.ts'

export interface CallWrite {
  readonly id: CallId
  readonly write: StagedWrite
}

/** A commit that waits for effects. Effects that are called after it begin with it. */
export interface PendingCommit {
  readonly behind: (() => void)[]
}

export class Stage {
  readonly path: StagePath
  readonly parent: Stage | undefined
  /** False if this is the stage of a body that has returned. */
  running = true
  /** The calls of clients that have not ended: the code of a step or body ends after them. */
  readonly #clientCalls = new Set<Promise<unknown>>()
  /** The commit of this stage that waits for effects. */
  committing: PendingCommit | undefined
  /** The result of a body that has returned, until a turn records it. */
  result: { readonly call: CallId; readonly item: AnswerItem; readonly text: string } | undefined
  readonly listeners: ((committed: readonly StagedWrite[]) => void)[] = []
  /** The writes and the child stages, in the order of their creation. */
  parts: (CallWrite | Stage)[] = []

  constructor(path: StagePath, parent?: Stage) {
    this.path = path
    this.parent = parent
    parent?.parts.push(this)
  }

  /** True if the body of this stage or of an ancestor has returned. */
  get over(): boolean {
    return !this.running || (this.parent?.over ?? false)
  }

  /** Returns the commit of this stage or of an ancestor for which its next effects wait. */
  get pendingCommit(): PendingCommit | undefined {
    return this.committing ?? this.parent?.pendingCommit
  }

  /** Makes a call of a client, which the code of this stage may not await. */
  async clientCall<T>(run: () => Promise<T>): Promise<T> {
    const call = run()
    this.#clientCalls.add(call)
    try {
      return await call
    } finally {
      this.#clientCalls.delete(call)
    }
  }

  get hasClientCalls(): boolean {
    return this.#clientCalls.size > 0
  }

  /** Resolves when the calls of clients have ended. Their errors are those of the code. */
  async clientCallsEnded(): Promise<void> {
    while (this.hasClientCalls) await Promise.allSettled(this.#clientCalls)
  }

  /** Drops the writes, because the body has thrown. */
  discard(): void {
    this.parts = []
    this.running = false
  }
}

export interface CommitSet {
  readonly staged: readonly CallWrite[]
  readonly stages: readonly Stage[]
  /** Running stages, which retain their writes. */
  readonly remaining: readonly Stage[]
}

const isIncluded = (stage: Stage, lineage: ReadonlySet<Stage>): boolean => lineage.has(stage) || !stage.running

/** Returns true if `collect` would include the stage: it and all its ancestors are included. */
export const isInCommitSet = (stage: Stage, lineage: ReadonlySet<Stage>): boolean =>
  isIncluded(stage, lineage) && (stage.parent === undefined || isInCommitSet(stage.parent, lineage))

/**
 * Collects the writes that a turn commits.
 * @param lineage the stages that ask for the commit, and their ancestors
 */
export function collect(root: Stage, lineage: ReadonlySet<Stage>): CommitSet {
  const staged: CallWrite[] = []
  const stages: Stage[] = []
  const remaining: Stage[] = []
  const visit = (stage: Stage) => {
    if (!isIncluded(stage, lineage)) {
      remaining.push(stage)
      return
    }
    stages.push(stage)
    for (const part of stage.parts) {
      if (part instanceof Stage) visit(part)
      else staged.push(part)
    }
  }
  visit(root)
  return { staged, stages, remaining }
}

/**
 * Finds tool calls of one turn that write the same name as a sibling or an ancestor, and would therefore conflict with each
 * other at each attempt.
 * @returns undefined without a conflict; `body`, to be committed alone, is the first of these calls that has returned
 */
export function findConflicts(root: Stage, lineage: ReadonlySet<Stage>): { readonly body?: CommitSet } | undefined {
  let any = false
  const firstIn = (stage: Stage): Stage | undefined => {
    const conflicts = conflictsIn(stage)
    any ||= conflicts.size > 0
    for (const child of stage.parts) {
      if (!(child instanceof Stage) || !isIncluded(child, lineage)) continue
      // An inner stage is committed before its ancestors.
      const first = firstIn(child) ?? (conflicts.has(child) && child.result ? child : undefined)
      if (first) return first
    }
    return undefined
  }
  const first = firstIn(root)
  if (!first) return any ? {} : undefined
  const others = root.parts.filter((part) => part instanceof Stage && part !== first) as Stage[]
  return { body: { ...collect(first, new Set()), remaining: [root, ...others] } }
}

/** Returns the stage and those of its children that write the same name as another one of them. */
function conflictsIn(stage: Stage): ReadonlySet<Stage> {
  const writers = new Map<string, Set<Stage>>()
  const visit = (inner: Stage, top: Stage) => {
    for (const part of inner.parts)
      if (part instanceof Stage) visit(part, top === stage ? part : top)
      else {
        const name = `${part.write.module} ${part.write.call.name}`
        writers.set(name, (writers.get(name) ?? new Set()).add(top))
      }
  }
  visit(stage, stage)
  return new Set([...writers.values()].flatMap((stages) => (stages.size > 1 ? [...stages] : [])))
}

export function lineageOf(stage: Stage, into: Set<Stage>): void {
  for (let each: Stage | undefined = stage; each; each = each.parent) into.add(each)
}

/** Removes the collected writes from their stages, so that no later turn commits them again. */
export function remove({ stages }: CommitSet): void {
  // Innermost first, because a stage that is done is removed from its parent. All writes of a collected stage were collected.
  for (const stage of [...stages].reverse()) {
    stage.result = undefined
    stage.parts = stage.parts.filter((part) => part instanceof Stage && !isDone(part))
  }
}

/** Returns true for a recorded body, which has nothing to commit. */
const isDone = (stage: Stage): boolean => !stage.running && stage.result === undefined && stage.parts.length === 0

const manyWrites = 10_000

/**
 * The writes of a turn in the order in which all writers take their locks: context, messages, other. Writes of one module
 * have the order in which they were staged.
 */
export class TurnWrites {
  readonly #commitSet: CommitSet
  #ordered: readonly StagedWrite[] | undefined

  constructor(commitSet: CommitSet) {
    this.#commitSet = commitSet
  }

  async fragments(slice: TimeSlice): Promise<readonly Fragment[]> {
    const fragments: Fragment[] = []
    // The collection of so many writes has used up the slice.
    if (this.#commitSet.staged.length > manyWrites) await slice.renew()
    const writes = this.#inOrder()
    for (const [i, { fragment, rest }] of writes.entries()) {
      if (slice.isOver) await slice.renew()
      const own = await fragment()
      fragments.push(rest && writes[i + 1]?.rest !== rest ? joined(own, await rest()) : own)
    }
    return fragments
  }

  /** @param made returns the committed rows of a fragment by its index */
  async reportCommitted(made: (index: number) => CommittedWrite, clock: Clock): Promise<void> {
    const writes = this.#inOrder()
    for (const stage of this.#commitSet.stages) for (const listener of stage.listeners) listener(writes)
    const slice = new TimeSlice(clock)
    for (const [i, write] of writes.entries()) {
      if (slice.isOver) await slice.renew()
      write.committed?.(made(i))
    }
  }

  #inOrder(): readonly StagedWrite[] {
    if (this.#ordered) return this.#ordered
    const byModule: Record<StagedWrite['module'], StagedWrite[]> = { context: [], messages: [], other: [] }
    for (const { write } of this.#commitSet.staged) byModule[write.module].push(write)
    this.#ordered = [...byModule.context, ...byModule.messages, ...byModule.other]
    return this.#ordered
  }
}

const joined = (first: Fragment, second: Fragment): Fragment =>
  first.statements.length === 0
    ? second
    : {
        statements: [...first.statements, ...second.statements],
        feed: [...(first.feed ?? []), ...(second.feed ?? [])],
        wake: [...(first.wake ?? []), ...(second.wake ?? [])],
      }

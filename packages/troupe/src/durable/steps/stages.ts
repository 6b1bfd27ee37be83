/**
 * Staged writes: a tree of stages, one for the step and one for each tool call in it. What a turn commits is the stage
 * that asked, those around it, and those that are finished; a running neighbour keeps its own.
 */
import type { Fragment } from '../../storage/index.ts'
import type { CommittedWrite, StagedWrite } from '../recorder-port.ts'
import type { CallId, StagePath } from './call-identity.ts'
import type { Item } from './step-log.ts'

export interface Staged {
  readonly id: CallId
  readonly write: StagedWrite
}

export class Stage {
  readonly path: StagePath
  readonly parent: Stage | undefined
  /** A body runs until it returns; others are finished whenever they have no open call. */
  readonly isBody: boolean
  running: boolean
  openCalls = 0
  /** Of a body that returned, until a turn records it. */
  result: { readonly call: CallId; readonly item: Item; readonly text: string } | undefined
  readonly listeners: ((committed: readonly StagedWrite[]) => void)[] = []
  /** Own writes and children in the order in which they were made. */
  parts: (Staged | Stage)[] = []

  constructor(path: StagePath, parent: Stage | undefined, isBody: boolean) {
    this.path = path
    this.parent = parent
    this.isBody = isBody
    this.running = isBody
    parent?.parts.push(this)
  }

  /** Its body, or one around it, has returned. */
  get over(): boolean {
    for (let stage: Stage | undefined = this; stage; stage = stage.parent)
      if (stage.isBody && !stage.running) return true
    return false
  }

  /** What it wrote is dropped: its body threw. */
  discard(): void {
    this.parts = []
    this.running = false
  }
}

export interface Collected {
  readonly staged: readonly Staged[]
  readonly stages: readonly Stage[]
  /** Stages that go on and keep what is theirs. */
  readonly left: readonly Stage[]
}

/** @param lineage the stages that ask to commit, and all around them */
export function collect(root: Stage, lineage: ReadonlySet<Stage>): Collected {
  const staged: Staged[] = []
  const stages: Stage[] = []
  const left: Stage[] = []
  const visit = (stage: Stage) => {
    const included = lineage.has(stage) || (stage.isBody ? !stage.running : stage.openCalls === 0)
    if (!included) {
      left.push(stage)
      return
    }
    stages.push(stage)
    for (const part of stage.parts) {
      if (part instanceof Stage) visit(part)
      else staged.push(part)
    }
  }
  visit(root)
  return { staged, stages, left }
}

/** Stages right below the step, and the step itself, that write under one name with another of them. */
export function contending(root: Stage): ReadonlySet<Stage> {
  const writers = new Map<string, Set<Stage>>()
  const visit = (stage: Stage, top: Stage) => {
    for (const part of stage.parts)
      if (part instanceof Stage) visit(part, top === root ? part : top)
      else {
        const name = `${part.write.room} ${part.write.call.name}`
        writers.set(name, (writers.get(name) ?? new Set()).add(top))
      }
  }
  visit(root, root)
  return new Set([...writers.values()].flatMap((stages) => (stages.size > 1 ? [...stages] : [])))
}

/** The first body of these that has returned, without what stands around it and beside it. */
export function collectBody(root: Stage, of: ReadonlySet<Stage>): Collected | undefined {
  const children = root.parts.filter((part) => part instanceof Stage)
  const first = children.find((stage) => of.has(stage) && stage.isBody && !stage.running && stage.result)
  return first && { ...collect(first, new Set()), left: [root, ...children.filter((other) => other !== first)] }
}

export function lineageOf(stage: Stage, into: Set<Stage>): void {
  for (let each: Stage | undefined = stage; each; each = each.parent) into.add(each)
}

/** Takes what was collected out of its stages, so that no later turn commits it again. */
export function remove({ staged, stages }: Collected): void {
  const gone = new Set<Staged | Stage>(staged)
  // Innermost first: a stage that is done leaves the one around it.
  for (const stage of [...stages].reverse()) {
    stage.result = undefined
    stage.parts = stage.parts.filter((part) => !gone.has(part) && !(part instanceof Stage && isDone(part)))
  }
}

/** A body that was recorded has nothing more to commit. */
const isDone = (stage: Stage): boolean =>
  stage.isBody && !stage.running && stage.result === undefined && stage.parts.length === 0

const rooms = ['context', 'messages', 'other'] as const

/** In the order in which all writers take their locks: context, messages, other; within it as staged. */
const inOrder = (staged: readonly Staged[]): readonly StagedWrite[] =>
  rooms.flatMap((room) => staged.flatMap(({ write }) => (write.room === room ? [write] : [])))

export async function fragmentsOf({ staged }: Collected): Promise<readonly Fragment[]> {
  const fragments: Fragment[] = []
  for (const write of inOrder(staged)) fragments.push(await write.fragment())
  return fragments
}

/** @param made of the fragments of `fragmentsOf`, by their index */
export function tellCommitted({ staged, stages }: Collected, made: (index: number) => CommittedWrite): void {
  const writes = staged.map(({ write }) => write)
  for (const stage of stages) for (const listener of stage.listeners) listener(writes)
  for (const [i, write] of inOrder(staged).entries()) write.committed?.(made(i))
}

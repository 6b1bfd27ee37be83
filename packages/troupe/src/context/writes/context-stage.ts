/** The writes and reads of one stage of a step: the overlay, the versions that it has read, and the plans of its writes. */
import { failure, type Provenance, TroupeError } from '../../core/index.ts'
import type { Recorder } from '../../journal/index.ts'
import type { Entry, HistoryEntry } from '../context-client.ts'
import type { Actor, Push, Removal } from '../entries/fragments.ts'
import type { MeshServices } from '../mesh-services.ts'
import { labelsOfRead } from '../reads/note-live-read.ts'
import { Overlay, type OverlayEntry } from './overlay.ts'
import { type CheckJson, check, type PlannedPush, planPush, planRemoval } from './plan-writes.ts'

/** The maximal number of versions that the provenance of a write names as its sources. */
const maxReads = 64

export class ContextStage {
  readonly overlay: Overlay
  readonly #mesh: MeshServices
  readonly #actor: Actor
  readonly #recorder: Recorder
  readonly #readFrom: Set<string>
  /** The time in ms since 1970 at which this process began to execute the step. */
  readonly #began: number
  /** Rejections that were decided by recorded answers. Their incidents were recorded at the first execution. */
  readonly #replayed = new WeakSet<Error>()

  /** @param over the enclosing stage, for the stage of a tool call */
  constructor(mesh: MeshServices, actor: Actor, recorder: Recorder, over?: ContextStage) {
    this.#mesh = mesh
    this.#actor = actor
    this.#recorder = recorder
    this.overlay = new Overlay(over?.overlay)
    this.#readFrom = over ? over.#readFrom : new Set()
    this.#began = over ? over.#began : mesh.clock.now()
    recorder.onCommitted((committed) => this.overlay.dropCommitted(committed))
  }

  /** Adds the versions that were read so far. */
  derived(provenance: Provenance): Provenance {
    return this.#readFrom.size > 0 ? { ...provenance, readFrom: [...this.#readFrom] } : provenance
  }

  noteEntry(entry: Entry): void {
    this.noteRead(entry.key, entry)
  }
  /** Adds the labels of a read entry to the step, and thereby to its later writes. */
  noteRead(key: string, entry: Pick<HistoryEntry, 'version' | 'audience' | 'taint' | 'provenance'>): void {
    const labels = labelsOfRead(entry, this.#mesh.core)
    const source = `${key}@${entry.version}`
    if (this.#readFrom.size < maxReads) this.#readFrom.add(source)
    if (labels.length > 0) this.#recorder.addTaint(labels, source)
  }

  /** Returns true also if the step has read more versions than are stored. */
  #hasRead(key: string, version: number): boolean {
    return this.#readFrom.size >= maxReads || this.#readFrom.has(`${key}@${version}`)
  }

  /**
   * Decides a push on what is stored and staged at the call.
   * @param unseen an update found no visible entry. An entry that it may write but not read would cause a conflict at each attempt
   * @throws the rejection that is visible at the call
   */
  async planPush(push: Push, unseen: boolean, overlay = this.overlay): Promise<PlannedPush> {
    const { key } = push
    return this.#decide(key, push.grantees, overlay, (found) => {
      if (unseen && found.existing && !found.readable && found.writable)
        throw failure('context.unread', { agent: this.#actor.agent, key })
      const planned = planPush(this.#mesh.core, this.#actor, push, found)
      const unread = found.since === true && !this.#hasRead(key, planned.entry.version - 1)
      return { ...planned, unread }
    })
  }

  /** @returns undefined if the agent sees no entry */
  planRemoval(removal: Removal, overlay = this.overlay): Promise<OverlayEntry | undefined> {
    return this.#decide(removal.key, undefined, overlay, (found) => planRemoval(this.#actor, removal, found))
  }

  async #decide<T>(
    key: string,
    grantees: readonly string[] | undefined,
    overlay: Overlay,
    decide: (found: CheckJson) => T,
  ): Promise<T> {
    const step = { id: this.#recorder.step, began: this.#began }
    let wasAsked = false
    const ask = () => {
      wasAsked = true
      return check(this.#mesh.core, this.#actor, overlay, key, grantees, step)
    }
    for (;;) {
      const before = overlay.stagings(key)
      const found = await this.#recorder.answer({ kind: 'check', name: key }, ask)
      // A parallel call may have staged a write of this key meanwhile.
      if (overlay.stagings(key) !== before) continue
      try {
        return decide(found)
      } catch (error) {
        // A changed version repeats the turn.
        if (error instanceof TroupeError && error.code === 'context.conflict') this.#recorder.markStale(error)
        if (!wasAsked) this.noteReplayed(error)
        throw error
      }
    }
  }

  noteReplayed(error: unknown): void {
    if (error instanceof Error) this.#replayed.add(error)
  }
  isReplayed(error: unknown): boolean {
    return error instanceof Error && this.#replayed.has(error)
  }

  /** Notes a write before it is staged. @returns a function to call with the write that the recorder has staged */
  staging(key: string, staged: OverlayEntry): (entry: object) => void {
    this.overlay.stages(key)
    return (entry) => this.overlay.set(key, staged, entry)
  }
}

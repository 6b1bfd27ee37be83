/**
 * Sends changes to the writer. If the writer is in a thread, changes are sent in small batches as they arrive. The
 * writer executes one batch while the next is encoded, and commits the arrived batches together. Otherwise the changes
 * that arrive during a batch are sent together in the next one.
 *
 * Invariant: every accepted change is answered exactly once, in order. No probe is sent while a batch is in flight, and
 * no batch before the recovery from an earlier failure.
 */
import { type Clock, MacrotaskQueue } from '../../../core/index.ts'
import type { Change, CommitResult } from '../../storage-port.ts'
import type { WriterShell } from '../../writer-port.ts'
import { ChangeAnswers, type ChangeAnswersOptions } from './change-answers.ts'
import { commitLarge } from './commit-large.ts'
import { type PendingChange, PendingChanges } from './pending-changes.ts'
import { SendWindow } from './send-window.ts'
import { StorageTime } from './storage-time.ts'
import { WriteState } from './write-state.ts'
import { WriterRecovery } from './writer-recovery.ts'

export interface CommitQueueOptions extends ChangeAnswersOptions {
  readonly shell: WriterShell
  readonly clock: Clock
  /** The path, for messages. */
  readonly location: string
}

/** The maximum changes and cells of a batch, and the maximum number of batches in flight. */
const batchLimits = {
  here: { changes: 1_024, cells: 131_072, batches: 1 },
  /**
   * Small, because the first batch is executed while the next is encoded; further changes would only wait in the
   * thread.
   */
  threaded: { changes: 16, cells: 8_192, batches: 64 },
}
/** In memory a commit needs only microtasks: after so many changes timers and sockets get a turn. */
const yieldAfter = 256

export class CommitQueue {
  readonly time: StorageTime
  readonly state: WriteState
  readonly #ports: { readonly shell: WriterShell; readonly clock: Clock }
  readonly #pending: PendingChanges
  readonly #answers: ChangeAnswers
  readonly #recovery: WriterRecovery
  readonly #window: SendWindow
  readonly #macrotasks: MacrotaskQueue
  #isScheduled = false
  #whenIdle: (() => void)[] = []
  /** The open transaction of a large change, which spans macrotasks. */
  #sliced: Promise<void> | undefined

  constructor({ shell, clock, location, ...answering }: CommitQueueOptions) {
    const limits = shell.threaded ? batchLimits.threaded : batchLimits.here
    this.#ports = { shell, clock }
    this.time = new StorageTime(clock)
    this.state = new WriteState(location)
    this.#pending = new PendingChanges(limits)
    this.#window = new SendWindow(limits.batches)
    this.#answers = new ChangeAnswers(answering)
    this.#macrotasks = new MacrotaskQueue(clock, yieldAfter)
    this.#recovery = new WriterRecovery({
      shell,
      clock,
      state: this.state,
      pending: this.#pending,
      answers: this.#answers,
      probed: () => this.#next(),
    })
  }

  /** Resolves when the large change ends; until then a read on the writer's connection would see half of it. */
  get sliced(): Promise<void> | undefined {
    return this.#ports.shell.threaded ? undefined : this.#sliced
  }

  commit(change: Change): Promise<CommitResult> {
    return new Promise((resolve, reject) => {
      this.state.check()
      this.#pending.add({ change, resolve, reject })
      if (this.#ports.shell.threaded && this.#pending.fillsBatch) this.#send()
      else if (!this.#isScheduled) {
        // Sends one microtask later, so that changes made in the same task share a batch.
        this.#isScheduled = true
        void Promise.resolve().then(() => {
          this.#isScheduled = false
          this.#send()
        })
      }
    })
  }

  /** Rejects new changes, and resolves when all accepted ones are answered. */
  async close(): Promise<void> {
    if (this.state.isClosed) return
    this.state.close()
    this.#recovery.close()
    if (!this.#isIdle) await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
    await this.#ports.shell.close()
  }

  /** Frees pages between batches. A failure shows at the next batch, which needs the same disk. */
  async vacuum(pages: number): Promise<void> {
    if (!this.#isIdle || !this.state.isOpen) return
    this.#window.hold()
    await this.#ports.shell.send({ kind: 'vacuum', pages })
    this.#window.release()
    this.#next()
  }

  get #isIdle(): boolean {
    return this.#window.isIdle && !this.#recovery.holdsBatches && this.#pending.first === undefined
  }

  #next(): void {
    this.#send()
    if (this.#isIdle) for (const resolve of this.#whenIdle.splice(0)) resolve()
  }

  #send(): void {
    for (let { first } = this.#pending; first; { first } = this.#pending) {
      if (!this.#window.isOpen || this.#recovery.holdsBatches) return
      if (!first.isLarge) void this.#sendBatch()
      else if (!this.#window.isIdle) return
      else {
        this.#pending.shift()
        this.#sliced = this.#sendSlices(first)
      }
    }
  }

  async #sendBatch(): Promise<void> {
    const { group, cells } = this.#pending.nextBatch()
    const at = this.time.now()
    this.#answers.begin(group)
    this.#window.add()
    const reply = await this.#ports.shell.send({ kind: 'batch', at, changes: group.length, cells })
    this.#window.remove()
    if (reply.ok) this.#answers.answerBatch(group, reply.cells)
    else {
      // The writer answers all later batches with the same failure until a probe is sent.
      this.#answers.reject(group, () => this.state.errorOf(reply))
      this.#recovery.fail(reply)
    }
    if (this.#recovery.isNeeded && this.#window.isIdle) await this.#recovery.recover()
    else if (reply.ok && !this.#ports.shell.threaded) await this.#yieldTurns(group.length)
    this.#next()
  }

  /** Commits one large change; no other request is sent between its slices. */
  async #sendSlices(pending: PendingChange): Promise<void> {
    this.#window.hold()
    this.#answers.begin([pending])
    const ports = { ...this.#ports, encoder: this.#pending.encoder, at: this.time.now() }
    const result = await commitLarge(pending.change, ports)
    this.#window.release()
    this.#sliced = undefined
    if ('problem' in result) {
      this.#answers.reject([pending], () => this.state.errorOf(result))
      this.#recovery.fail(result)
    } else this.#answers.answerLarge(pending, result)
    if (this.#recovery.isNeeded) await this.#recovery.recover()
    this.#next()
  }

  async #yieldTurns(changes: number): Promise<void> {
    this.#macrotasks.spend(changes)
    const turn = this.#macrotasks.next
    if (!turn) return
    this.#window.hold()
    await turn
    this.#window.release()
  }
}

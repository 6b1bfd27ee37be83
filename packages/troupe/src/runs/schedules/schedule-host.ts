/**
 * Serves the due schedules of a troupe: finds due work of all users by one read. It has no durable state: any other process with
 * the code can continue.
 */
import { failedWith, PeriodicTask, type TroupeError, type TroupeEvent, type UserId, userKey } from '../../core/index.ts'
import { waitAtMost } from '../../journal/index.ts'
import { backoffDelay } from '../../resilience/index.ts'
import { commit } from './begin-run.ts'
import { ContextSource } from './context-source.ts'
import { MessageSource } from './message-source.ts'
import { type ScheduleParts, scheduleIdOf } from './schedule-parts.ts'
import type { DueSchedule } from './schedule-store.ts'
import { emitScheduleEvent, isMoved, type Serving, serveSchedule } from './serve-schedule.ts'

/** A schedule that is left to another process, which has the code or can write. */
interface UnhandledSchedule {
  readonly until: number
  /** True if it was left before for the same reason. */
  readonly isRepeated: boolean
  /** The failures in a row. */
  readonly failures?: number
}

/** A schedule that is being served. */
interface ScheduleInProgress {
  promise: Promise<void>
  needsRecheck: boolean
  /** True if it was found due meanwhile: what is due is read again afterwards. */
  isDue: boolean
  /** Aborts when the troupe closes or the user is erased. */
  readonly stop: AbortController
}

const batch = 200
/** The number of schedules that are served concurrently. */
const concurrency = 8
/** The time in ms after which a schedule no longer counts as one of them, because its task takes long to prepare. */
const maxWaitMs = 100
/** The interval in ms of checks for schedules of other processes, whose notifications may be lost. */
const maxPollMs = 300_000
/** The delay in ms after a failed check, and between two checks of sources. */
const pauseMs = 1_000
/** The pauses before a failed schedule is served again. */
const backoff = { baseMs: pauseMs, maxMs: 10_000 }
/** The time in ms for another process to start the run; then the reason is stored, and the schedule is checked later. */
const firstPauseMs = 3_000
const unhandledPauseMs = 30_000
const overEvents = ['run.completed', 'run.failed', 'run.cancelled'] as const

export class ScheduleHost {
  readonly parts: ScheduleParts
  readonly #context: ContextSource
  readonly #messages: MessageSource
  readonly #unhandled = new Map<string, UnhandledSchedule>()
  readonly #serving = new Map<string, ScheduleInProgress>()
  readonly #erasing = new Set<UserId>()
  readonly #closing = new AbortController()
  #offs: readonly (() => void)[] = []
  readonly #due: PeriodicTask
  readonly #listening: PeriodicTask

  constructor(parts: ScheduleParts) {
    this.parts = parts
    const { clock, random } = parts.platform
    const serveDue = () => this.#serveDue().catch(() => pauseMs)
    this.#due = new PeriodicTask({ name: 'schedules', clock, random, intervalMs: maxPollMs, run: serveDue })
    const listenOnce = () => this.listen()
    this.#listening = new PeriodicTask({ name: 'sources of schedules', clock, intervalMs: pauseMs, run: listenOnce })
    const nudge = (user: UserId, id: string) => this.nudge(user, id)
    this.#context = new ContextSource(parts, nudge)
    this.#messages = new MessageSource(parts, nudge)
  }

  /** Aborts when the troupe closes. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  start(): void {
    const { storage } = this.parts.stores
    const { events } = this.parts.platform
    this.#offs = [
      storage.onHint((hint) => {
        if ('user' in hint) this.#context.changed(hint.user)
        // Also reads the list of followed users, and the changes of each.
        else if ('missed' in hint || ('work' in hint && hint.work === 'schedules')) {
          void this.#due.trigger()
          this.#listening.start()
        }
      }),
      ...overEvents.map((type) => events.on(type, (event) => this.#over(event))),
    ]
    void this.#due.trigger()
    void this.listen()
  }

  async stop(): Promise<void> {
    this.#closing.abort()
    for (const { stop } of this.#serving.values()) stop.abort()
    for (const off of this.#offs) off()
    await Promise.all([this.#due.close(), this.#listening.close(), this.#context.stop(), this.#messages.stop()])
    await Promise.all([...this.#serving.values()].map(({ promise }) => promise))
  }

  /** An event occurred that a schedule may wait for. */
  nudge(user: UserId, id: string): void {
    if (!this.#closing.signal.aborted) void this.#serve(user, id, false)
  }

  /** Watches the sources of created and resumed schedules, and no longer those of paused and deleted ones. */
  async listen(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#listening.stop()
    try {
      const sources = (await this.parts.stores.store.sources()).filter(({ user }) => !this.#erasing.has(user))
      this.#context.follow(sources.filter(({ source }) => source === 'context').map(({ user }) => user))
      await this.#messages.follow(sources.filter(({ source }) => source === 'message'))
    } catch {
      this.#listening.start()
    }
  }

  /** Stops the schedules of the user here until the returned function is called. */
  async forget(user: UserId): Promise<() => void> {
    this.#erasing.add(user)
    const prefix = userKey(user, '')
    this.parts.settings.code.forget(prefix)
    const mine = [...this.#serving].filter(([key]) => key.startsWith(prefix)).map(([, serving]) => serving)
    for (const { stop } of mine) stop.abort()
    await Promise.all([this.#context.forget(user), this.#messages.forget(user)])
    await Promise.all(mine.map(({ promise }) => promise))
    for (const key of this.#unhandled.keys()) if (key.startsWith(prefix)) this.#unhandled.delete(key)
    return () => void this.#erasing.delete(user)
  }

  #over({ userId, runId }: TroupeEvent): void {
    const id = typeof runId === 'string' ? scheduleIdOf(runId) : undefined
    if (userId !== undefined && id !== undefined) this.nudge(userId, id)
  }

  /** @returns ms until the next due time; undefined if there is none */
  async #serveDue(): Promise<number | undefined> {
    const { store } = this.parts.stores
    const { clock } = this.parts.platform
    let served = 0
    let soonest = Number.POSITIVE_INFINITY
    for (let after: DueSchedule | undefined; !this.#closing.signal.aborted; ) {
      const { due, nextMs } = await store.due(after, batch)
      soonest = Math.min(soonest, nextMs ?? soonest)
      const free = due.filter(({ user, schedule }) => {
        const key = userKey(user, schedule)
        const serving = this.#serving.get(key)
        if (serving) serving.isDue = true
        const until = this.#unhandled.get(key)?.until ?? 0
        if (until > clock.monotonic()) soonest = Math.min(soonest, until - clock.monotonic())
        return !serving && until <= clock.monotonic() && !this.#erasing.has(user)
      })
      served += free.length
      await this.#serveAll(free)
      after = due.at(-1)
      if (due.length < batch) break
    }
    if (served > 0) return 0
    return soonest === Number.POSITIVE_INFINITY ? undefined : Math.max(1, soonest)
  }

  async #serveAll(dueSchedules: DueSchedule[]): Promise<void> {
    const { clock } = this.parts.platform
    const one = async () => {
      for (
        let dueSchedule = dueSchedules.shift();
        dueSchedule && !this.#closing.signal.aborted;
        dueSchedule = dueSchedules.shift()
      )
        await waitAtMost(clock, maxWaitMs, this.#serve(dueSchedule.user, dueSchedule.schedule, true))
    }
    await Promise.all(Array.from({ length: concurrency }, one))
  }

  /** Serves each schedule once at a time; requests in between follow afterwards. */
  #serve(user: UserId, id: string, isDue: boolean): Promise<void> {
    const key = userKey(user, id)
    const inProgress = this.#serving.get(key)
    if (inProgress) {
      inProgress.needsRecheck = true
      return inProgress.promise
    }
    const stop = new AbortController()
    const { signal } = stop
    const serving: ScheduleInProgress = { promise: Promise.resolve(), needsRecheck: false, isDue: false, stop }
    const serve = async () => {
      do {
        serving.needsRecheck = false
        await this.#serveOnce({ user, id, isDue, signal })
      } while (serving.needsRecheck && !signal.aborted && !this.#erasing.has(user))
      this.#serving.delete(key)
      if (serving.isDue) void this.#due.trigger()
    }
    serving.promise = serve()
    this.#serving.set(key, serving)
    return serving.promise
  }

  async #serveOnce(target: Serving): Promise<void> {
    const { user, id, signal } = target
    const { clock } = this.parts.platform
    const { log } = this.parts.settings
    const key = userKey(user, id)
    try {
      const problem = await serveSchedule(this.parts, target)
      if (problem) await this.#leave(user, id, problem)
      else this.#unhandled.delete(key)
    } catch (error) {
      // A change of another process is no failure of the storage.
      const failures = isMoved(error) ? 1 : (this.#unhandled.get(key)?.failures ?? 0) + 1
      const pause = backoffDelay(backoff, failures, this.parts.platform.random)
      this.#unhandled.set(key, { until: clock.monotonic() + pause, isRepeated: false, failures })
      if (!isMoved(error) && !signal.aborted)
        log.warn('a schedule failed; it is retried', { schedule: id, error: error as Error })
    }
  }

  /** Another process may have the code. If no process starts the run for a time, the reason is stored for readers. */
  async #leave(user: UserId, id: string, error: TroupeError): Promise<void> {
    const { clock } = this.parts.platform
    const { store } = this.parts.stores
    const key = userKey(user, id)
    const before = this.#unhandled.get(key)
    if (before && before.until > clock.monotonic()) return
    this.#unhandled.set(key, {
      until: clock.monotonic() + (before ? unhandledPauseMs : firstPauseMs),
      isRepeated: true,
    })
    const row = before?.isRepeated ? await store.get(user, id) : undefined
    if (!row || row.problem?.code === error.code) return
    const problem = { ...failedWith(error), message: error.message, since: new Date(row.now).toISOString() }
    await commit(this.parts, user, [store.turn(user, row, { problem })])
    emitScheduleEvent(this.parts.platform, { user, id }, 'schedule.unhandled', failedWith(error), error)
  }
}

/** Puts the schedules of a troupe together from what the runtime hands over. */
import { checkOptions, failure } from '../../core/index.ts'
import { checkWhole } from '../../resilience/index.ts'
import type { OrchestraHost } from '../orchestra/orchestra-host.ts'
import type { Known } from '../orchestra/run-code.ts'
import { prepareRun, surroundingsOf } from '../orchestra/start-run.ts'
import { type PrepareTask, ScheduleCode } from './schedule-code.ts'
import { ScheduleKeeper } from './schedule-keeper.ts'
import type { ScheduleParts } from './schedule-parts.ts'
import { createScheduleStore } from './schedule-store.ts'

export interface SchedulesConfig {
  /** Schedules of one user that have not ended; 100 by default. */
  readonly limit?: number
  /** Functions that make tasks, by the names under which schedules know them. */
  readonly prepare?: Readonly<Record<string, PrepareTask>>
}

type Given = Pick<ScheduleParts, 'storage' | 'clock' | 'ids' | 'events' | 'log' | 'context' | 'written' | 'mailbox'>

/** @throws ValidationError `option.unknown`, `validation.failed` */
export function checkSchedulesConfig(config: SchedulesConfig): void {
  checkOptions('schedules', config, ['limit', 'prepare'])
  checkWhole('schedules', 'limit', config.limit ?? 1)
  for (const [name, make] of Object.entries(config.prepare ?? {}))
    if (typeof make !== 'function')
      throw failure('validation.failed', { what: `schedules.prepare.${name}`, problem: 'it is no function' })
}

export function createSchedules(
  given: Given,
  host: OrchestraHost,
  known: Known,
  { limit = 100, prepare = {} }: SchedulesConfig = {},
): ScheduleKeeper {
  return new ScheduleKeeper({
    ...given,
    limit,
    code: new ScheduleCode(known, prepare),
    store: createScheduleStore(given.storage),
    start: (user, spec, also) => host.start(user, spec, also),
    check: (spec) => void prepareRun(spec, surroundingsOf(host.parts)),
    isOver: async (user, run) => {
      const row = await host.parts.store.get(user, run)
      return !row || row.endedAt !== null
    },
  })
}

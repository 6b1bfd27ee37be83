/** Creates the schedules of a troupe from the services of the runtime. */
import { checkOptions, failure } from '../../core/index.ts'
import { checkInteger } from '../../resilience/index.ts'
import type { OrchestraHost } from '../engine/orchestra-host.ts'
import type { Known } from '../engine/starts/run-code.ts'
import { checkContextOf, prepareRun } from '../engine/starts/start-run.ts'
import { type PrepareTask, ScheduleCode } from './schedule-code.ts'
import { ScheduleHost } from './schedule-host.ts'
import type { ScheduleParts } from './schedule-parts.ts'
import { createScheduleStore } from './schedule-store.ts'

/** The option `schedules` of `createTroupe`. */
export interface SchedulesConfig {
  /** The highest number of schedules of one user that have not ended; 100 by default. */
  readonly limit?: number
  /** Functions that create tasks, by the names with which schedules refer to them; none by default. */
  readonly prepare?: Readonly<Record<string, PrepareTask>>
}

type ScheduleServices = Pick<
  ScheduleParts,
  | 'storage'
  | 'clock'
  | 'random'
  | 'ids'
  | 'events'
  | 'log'
  | 'callers'
  | 'isGranted'
  | 'context'
  | 'written'
  | 'mailbox'
>

/** @throws ValidationError `option.unknown`, `validation.failed` */
export function checkSchedulesConfig(config: SchedulesConfig): void {
  checkOptions('schedules', config, ['limit', 'prepare'])
  checkInteger('schedules', 'limit', config.limit ?? 1)
  for (const [name, make] of Object.entries(config.prepare ?? {}))
    if (typeof make !== 'function')
      throw failure('validation.failed', { what: `schedules.prepare.${name}`, problem: 'it must be a function' })
}

export function createSchedules(
  services: ScheduleServices,
  host: OrchestraHost,
  known: Known,
  { limit = 100, prepare = {} }: SchedulesConfig = {},
): ScheduleHost {
  return new ScheduleHost({
    ...services,
    limit,
    audit: host.parts.audit,
    code: new ScheduleCode(known, prepare),
    store: createScheduleStore(services.storage),
    start: (user, spec, also) => host.start(user, spec, also),
    check: (spec) => void prepareRun(spec, checkContextOf(host.parts), host.parts.limits),
    isOver: async (user, run) => {
      const row = await host.parts.store.get(user, run)
      return !row || row.endedAt !== null
    },
  })
}

/** Creates the schedules of a troupe from the services of the runtime. */
import { checkOptions, invalidInput, type Platform } from '../../core/index.ts'
import type { Log } from '../../observability/index.ts'
import { checkInteger } from '../../resilience/index.ts'
import type { Storage } from '../../storage/index.ts'
import type { OrchestraHost } from '../engine/orchestra-host.ts'
import type { Known } from '../engine/starts/run-code.ts'
import { prepareRun } from '../engine/starts/start-run.ts'
import { type PrepareTask, ScheduleCode } from './schedule-code.ts'
import { ScheduleHost } from './schedule-host.ts'
import { runOf, type ScheduleAccess, type TriggerSources } from './schedule-parts.ts'
import { createScheduleStore } from './schedule-store.ts'

/** The option `schedules` of `createTroupe`. */
export interface SchedulesConfig {
  /** The highest number of schedules of one user that have not ended; 100 by default. */
  readonly limit?: number
  /** Functions that create tasks, by the names with which schedules refer to them; none by default. */
  readonly prepare?: Readonly<Record<string, PrepareTask>>
}

/** What the runtime provides. */
interface ScheduleServices {
  readonly platform: Platform
  readonly storage: Storage
  readonly log: Log
  readonly access: Omit<ScheduleAccess, 'audit'>
  readonly sources: TriggerSources
}

/** @throws ValidationError `option.unknown`, `validation.failed` */
export function checkSchedulesConfig(config: SchedulesConfig): void {
  checkOptions('schedules', config, ['limit', 'prepare'])
  checkInteger('schedules', 'limit', config.limit ?? 1)
  for (const [name, make] of Object.entries(config.prepare ?? {}))
    if (typeof make !== 'function') throw invalidInput(`schedules.prepare.${name}`, 'it must be a function')
}

export function createSchedules(
  { platform, storage, log, access, sources }: ScheduleServices,
  host: OrchestraHost,
  known: Known,
  { limit = 100, prepare = {} }: SchedulesConfig = {},
): ScheduleHost {
  const { reporting, settings, stores } = host.parts
  return new ScheduleHost({
    platform,
    stores: { storage, store: createScheduleStore(storage) },
    runs: {
      start: (user, spec, also) => host.start(user, spec, also),
      check: (spec) => void prepareRun(spec, host.parts.agents.checkContext, settings.limits),
      isAnyOpen: (user, schedule) => stores.store.isAnyOpen(user, runOf(schedule, '')),
    },
    sources,
    access: { ...access, audit: reporting.audit },
    settings: { code: new ScheduleCode(known, prepare), limit, log },
  })
}

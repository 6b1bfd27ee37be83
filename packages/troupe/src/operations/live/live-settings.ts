/**
 * How each setting that may change at run time takes effect. It applies from the next use; work in progress ends with the old
 * value. A test checks that these are the settings which the table of settings marks as live.
 */

import { modelsOptions, readEnvironment, storageRetentionOf, type TroupeConfig } from '../../configuration/index.ts'
import { milliseconds } from '../../core/index.ts'
import type { LogLevel } from '../../observability/index.ts'
import type { TroupeParts } from '../troupe-parts.ts'

/** The argument of `reconfigure`: the part of a configuration that may change at run time. */
export interface LiveConfig {
  /** The level of the log. */
  readonly log?:
    | LogLevel
    | {
        /** The level. */
        readonly level: LogLevel
      }
  /** As `shutdown` of `createTroupe`. */
  readonly shutdown?: TroupeConfig['shutdown']
  /** As `retention` of `createTroupe`. */
  readonly retention?: TroupeConfig['retention']
  /** The limits and the cleanup of the context mesh, as in `createTroupe`. */
  readonly context?: Pick<NonNullable<TroupeConfig['context']>, 'limits' | 'cleanup'>
  /** As `messaging` of `createTroupe`, without signatures. */
  readonly messaging?: Omit<NonNullable<TroupeConfig['messaging']>, 'signatures'>
  /** The limits and attempts of model calls, as in `createTroupe`. */
  readonly models?: Pick<NonNullable<TroupeConfig['models']>, 'limits' | 'attempts'>
  /** The resilience policies, as in `createTroupe`, without that of the storage. */
  readonly policies?: Omit<NonNullable<TroupeConfig['policies']>, 'storage'>
  /** As `health` of `createTroupe`. */
  readonly health?: TroupeConfig['health']
  /** As `alerts` of `createTroupe`. */
  readonly alerts?: TroupeConfig['alerts']
  /** The retention of traces. */
  readonly traces?: {
    /** How long traces are stored. */
    readonly retention?: NonNullable<Exclude<TroupeConfig['traces'], false>>['retention']
    /** The highest number of stored traces. */
    readonly max?: number
  }
}

/** Applies a checked value. It must not fail. */
type Apply = (parts: TroupeParts, config: TroupeConfig) => void

const messaging: Apply = ({ communication: { mailboxes } }, config) => {
  const { signatures: _, ...bounds } = config.messaging ?? {}
  mailboxes.configure(bounds)
}
const storage: Apply = ({ stores }, { retention = {} }) => stores.bare.setRetention(storageRetentionOf(retention))
const observation: Apply = ({ observability }, config) => observability.observation.configure(config)

/** The function that applies each setting, by the path of the setting. */
export const liveSettings: Readonly<Record<string, Apply>> = {
  log({ observability: { log } }, config) {
    const { level = 'warn' } = typeof config.log === 'object' ? config.log : { level: config.log }
    log.level = level
  },
  'shutdown.timeout': ({ settings }, { shutdown = {} }) => {
    settings.shutdown = shutdown
  },
  'retention.changeIds': storage,
  'retention.feed': storage,
  'retention.feedRevisions': storage,
  'retention.every': storage,
  'retention.replay': ({ journal }, { retention = {} }) =>
    journal.journals.setRetention(milliseconds(retention.replay ?? '30d', 'retention.replay')),
  'context.cleanup': ({ communication: { mesh } }, { context = {} }) => mesh.cleaner.configure(context.cleanup ?? '5m'),
  'context.limits': ({ communication: { mesh } }, { context = {} }) => mesh.limit(context.limits),
  'messaging.lease': messaging,
  'messaging.maxAttempts': messaging,
  'messaging.capacity.count': messaging,
  'messaging.capacity.bytes': messaging,
  'messaging.backpressure': messaging,
  'models.limits': ({ models }, config) => {
    const { limits } = modelsOptions(config, readEnvironment(process.env))
    models.models.configure?.({ limits })
  },
  'models.attempts': ({ models }, { models: { attempts = 3 } = {} }) => models.models.configure?.({ attempts }),
  'policies.agents': ({ models }, { policies = {} }) => models.policies.agents.replace(policies.agents ?? {}),
  'policies.tools': ({ models }, { policies = {} }) => models.policies.tools.replace(policies.tools ?? {}),
  'policies.models': ({ models }, { policies = {} }) => models.policies.models.replace(policies.models ?? {}),
  'health.every': observation,
  'health.memory': observation,
  'health.disk': observation,
  'health.lag': observation,
  'health.queue': observation,
  alerts: observation,
  'traces.retention': observation,
  'traces.max': observation,
}

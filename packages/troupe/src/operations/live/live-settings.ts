/**
 * How each setting that may change at run time takes effect: from the next use on; work in progress ends with the old value.
 * The table of settings says which they are; a test keeps the two equal.
 */

import { modelsOptions, readEnvironment, storageRetentionOf, type TroupeConfig } from '../../configuration/index.ts'
import { milliseconds } from '../../core/index.ts'
import type { LogLevel } from '../../observability/index.ts'
import type { TroupeParts } from '../troupe-parts.ts'

/** The argument of `reconfigure`: the part of a configuration that may change at run time. */
export interface LiveConfig {
  readonly log?: LogLevel | { readonly level: LogLevel }
  readonly shutdown?: TroupeConfig['shutdown']
  readonly retention?: TroupeConfig['retention']
  readonly context?: Pick<NonNullable<TroupeConfig['context']>, 'limits' | 'cleanup'>
  readonly messaging?: Omit<NonNullable<TroupeConfig['messaging']>, 'signatures'>
  readonly models?: Pick<NonNullable<TroupeConfig['models']>, 'limits' | 'attempts'>
  readonly policies?: Omit<NonNullable<TroupeConfig['policies']>, 'storage'>
  readonly health?: TroupeConfig['health']
  readonly alerts?: TroupeConfig['alerts']
  readonly traces?: {
    readonly retention?: NonNullable<Exclude<TroupeConfig['traces'], false>>['retention']
    readonly max?: number
  }
}

/** Must not fail: what it is given has been checked. */
type Apply = (parts: TroupeParts, config: TroupeConfig) => void

const messaging: Apply = ({ mailboxes }, config) => {
  const { signatures: _, ...bounds } = config.messaging ?? {}
  mailboxes.configure(bounds)
}
const storage: Apply = ({ live }, { retention = {} }) => live.storage.setRetention(storageRetentionOf(retention))
const models: Apply = ({ live }, config) => {
  const { limits, attempts } = modelsOptions(config, readEnvironment(process.env))
  live.models.configure?.({ limits, ...(attempts === undefined ? {} : { attempts }) })
}
const observation: Apply = ({ observation }, config) => observation.configure(config)

/** By the path of the setting. */
export const liveSettings: Readonly<Record<string, Apply>> = {
  log({ log }, config) {
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
  'retention.replay': ({ live }, { retention = {} }) =>
    live.journals.setRetention(milliseconds(retention.replay ?? '30d', 'retention.replay')),
  'context.cleanup': ({ mesh }, { context = {} }) => mesh.cleaner.configure(context.cleanup ?? '5m'),
  'context.limits': ({ mesh }, { context = {} }) => mesh.limit(context.limits),
  'messaging.lease': messaging,
  'messaging.maxAttempts': messaging,
  'messaging.capacity.count': messaging,
  'messaging.capacity.bytes': messaging,
  'messaging.backpressure': messaging,
  'models.limits': models,
  'models.attempts': models,
  'policies.agents': ({ live }, { policies = {} }) => live.policies.agents.replace(policies.agents ?? {}),
  'policies.tools': ({ live }, { policies = {} }) => live.policies.tools.replace(policies.tools ?? {}),
  'policies.models': ({ live }, { policies = {} }) => live.policies.models.replace(policies.models ?? {}),
  'health.every': observation,
  'health.memory': observation,
  'health.disk': observation,
  'health.lag': observation,
  'health.queue': observation,
  alerts: observation,
  'traces.retention': observation,
  'traces.max': observation,
}

/** The options of the separate metrics server. */
import type { ServerConfig } from '../../configuration/index.ts'
import { checkOptions, failure } from '../../core/index.ts'

/** The address of the metrics server. */
export type MetricsOptions = NonNullable<ServerConfig['metrics']>

/** @throws ValidationError */
export function checkMetrics(options: MetricsOptions): MetricsOptions {
  checkOptions('metrics', options, ['port', 'host'])
  const wrong = (what: string, problem: string) => failure('validation.failed', { what, problem })
  const { port, host } = options
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw wrong('metrics.port', 'it must be a whole number from 0 to 65,535')
  if (host !== undefined && typeof host !== 'string') throw wrong('metrics.host', 'it must be a text')
  return options
}

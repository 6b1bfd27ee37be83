/** The calls of Syntha's guides without a counterpart, each with the alternative in Troupe. */
import { failure, type TroupeError } from '../../core/index.ts'

export const unsupported = (what: string, instead: string): TroupeError =>
  failure('compat.unsupported', { what, instead })

const notOffered = (what: string, instead: string) => (): never => {
  throw unsupported(what, instead)
}

const logs = 'Troupe logs with createTroupe({ log }), and troupe.on(type, observer) hears every event with its duration'
export const configure_logging = notOffered('configure_logging', logs)
export const get_logger = notOffered('get_logger', logs)
export const get_context_logger = notOffered('get_context_logger', `${logs}; those of the context are context.*`)
export const get_performance_logger = notOffered('get_performance_logger', `${logs}; troupe.metrics has the figures`)
export const get_security_logger = notOffered(
  'get_security_logger',
  `${logs}; refusals are incident.recorded, and tool.called says security: true where a call changes what others see`,
)
export const OutcomeLogger = notOffered('OutcomeLogger', 'troupe.metrics counts and times every call by itself')
export const handle_syntha_error = notOffered(
  'handle_syntha_error',
  'errors are classes with a code, and a mistake in a tool call is a result with success: false',
)

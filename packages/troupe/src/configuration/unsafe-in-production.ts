/**
 * The problems of a configuration for the production profile, all at once; the role of the database is checked when it
 * is opened.
 */
import { failure, type TroupeError } from '../core/index.ts'
import type { TroupeConfig } from './troupe-config.ts'

export function unsafeInProduction(config: TroupeConfig): readonly TroupeError[] {
  const { encryption, requireUserId, debug, storage, cassette, faults } = config
  const unsafe = (what: string, problem: string, remedy: string) => failure('config.unsafe', { what, problem, remedy })
  const problems: TroupeError[] = []
  if (encryption === undefined)
    problems.push(
      failure('encryption.required', { what: 'The profile production', problem: 'no key ring is configured' }),
    )
  if (requireUserId === false)
    problems.push(
      unsafe('requireUserId', 'requests without a user would share one', 'Remove it: it is on in production.'),
    )
  if (debug) problems.push(unsafe('debug', 'it shows causes and stacks', 'Set log to debug instead.'))
  if (storage === 'memory:')
    problems.push(unsafe('storage', 'memory ends with the process', 'Name a file, sqlite:PATH, or a PostgreSQL.'))
  if (typeof storage === 'object' && 'tls' in storage && typeof storage.tls === 'object' && storage.tls.check === false)
    problems.push(
      unsafe(
        'storage.tls',
        'the certificate of the database is not checked',
        'Give the certificate of its authority as ca.',
      ),
    )
  if (process.env.NODE_TLS_REJECT_UNAUTHORIZED === '0')
    problems.push(
      unsafe('NODE_TLS_REJECT_UNAUTHORIZED', 'no certificate of any server is checked', 'Unset the variable.'),
    )
  if (cassette) problems.push(unsafe('cassette', 'models would not be asked', 'Remove it: cassettes are for tests.'))
  if (faults) problems.push(unsafe('faults', 'the storage would be made to fail', 'Remove it: faults are for tests.'))
  return problems
}

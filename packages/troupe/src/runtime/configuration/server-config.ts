/** What `serve` takes of a configuration, and what is unsafe of it in production. */
import { failure, type TroupeError } from '../../core/index.ts'
import type { SecretText } from '../../security/index.ts'

export interface ServerConfig {
  /** 127.0.0.1 by default. */
  readonly host?: string
  /** 8000 by default. */
  readonly port?: number
  /** Pages of other sites that may call it. */
  readonly origins?: readonly string[]
  /** An API key; needed where it listens beyond this machine. */
  readonly key?: SecretText
  /** Open at once; 10,000 by default. */
  readonly maxConnections?: number
}

const local = ['127.0.0.1', '::1', 'localhost']

export function serverProblems(
  { host = '127.0.0.1', key, origins = [] }: ServerConfig,
  profile: string | undefined,
): readonly TroupeError[] {
  const problems: TroupeError[] = []
  if (!local.includes(host) && key === undefined)
    problems.push(
      failure('config.unsafe', {
        what: 'server.host',
        problem: `${host} is reached from other machines, and there is no key`,
        remedy: 'Set TROUPE_SERVER_KEY, or listen on 127.0.0.1 behind a proxy.',
      }),
    )
  if (profile === 'production' && origins.includes('*'))
    problems.push(
      failure('config.unsafe', {
        what: 'server.origins',
        problem: '* lets the pages of every site call it',
        remedy: 'Name the origins.',
      }),
    )
  return problems
}

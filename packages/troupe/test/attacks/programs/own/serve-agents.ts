/** A troupe with a server and callers of it, for one program. */
import { createTroupe, type Troupe, type TroupeConfig } from '../../../../src/index.ts'
import type { KeyScope } from '../../../../src/security/index.ts'
import { type ServerOptions, serve } from '../../../../src/server/index.ts'
import { send } from '../../target-user.ts'

export interface ServedAgents {
  readonly troupe: Troupe
  readonly url: string
  /** A caller with a new API key of ada. */
  caller(scope?: Partial<KeyScope>): Promise<Caller>
}
export interface Caller {
  readonly id: string
  readonly key: string
  request(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): ReturnType<typeof send>
}

export const fixedKey = (n: number): string => Buffer.alloc(32, n).toString('base64')

export async function serveAgents(
  config: Partial<TroupeConfig>,
  work: (served: ServedAgents) => Promise<void>,
  options: ServerOptions = {},
): Promise<void> {
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent', ...config })
  const server = await serve(troupe, { port: 0, authentication: 'required', rateLimit: false, ...options })
  const caller = async (scope: Partial<KeyScope> = {}): Promise<Caller> => {
    const { id, key } = await troupe.apiKeys.create({ name: 'caller', users: ['ada'], ...scope } as KeyScope & {
      name: string
    })
    return {
      id,
      key,
      request: (method, path, body, headers = {}) => send(server.url, method, path, { key, body, headers }),
    }
  }
  try {
    await work({ troupe, url: server.url, caller })
  } finally {
    await server.close()
    await troupe.close()
  }
}

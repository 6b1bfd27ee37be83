/** A secret comes from the environment or from wherever secrets are kept; one that is missing is missed at the start. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export class SecretsManager {
  readonly #cache = new Map<string, string>()
  readonly #environment: Readonly<Record<string, string | undefined>>
  readonly #fetchExternal: (key: string) => Promise<string | undefined>

  constructor(
    environment: Readonly<Record<string, string | undefined>>,
    fetchExternal = async (_: string): Promise<string | undefined> => undefined,
  ) {
    this.#environment = environment
    this.#fetchExternal = fetchExternal
  }

  /** @throws Error naming the secret that is nowhere, and no other */
  async require(key: string): Promise<string> {
    const value = this.#cache.get(key) ?? this.#environment[key] ?? (await this.#fetchExternal(key))
    if (!value) throw new Error(`Required secret not found: ${key}`)
    this.#cache.set(key, value)
    return value
  }
}

export async function main() {
  const secrets = new SecretsManager({ AGENT_API_KEY: 'from-the-environment' }, async (key) =>
    key === 'VAULT_KEY' ? 'from-the-vault' : undefined,
  )
  const seen: (string | undefined)[] = []
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization)
    response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    for (const key of ['AGENT_API_KEY', 'VAULT_KEY'])
      await (await fetch(url, { headers: { authorization: `Bearer ${await secrets.require(key)}` } })).json()
    return { seen, missing: await secrets.require('OTHER_KEY').catch((error: Error) => error.message) }
  } finally {
    server.close()
  }
}

if (import.meta.main) console.log(await main())

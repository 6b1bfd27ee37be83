/** A secret comes from the environment, else from a vault. A missing secret is named in the error, and none is displayed. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Config, createTroupe } from 'troupe'

/** In the place of a client of AWS, Google, Azure or HashiCorp: whatever gives a value for a name. */
const vault: Config.SecretSource = {
  get: async (name) => (name === 'VAULT_KEY' ? { value: 'from-the-vault' } : undefined),
}
const environment: Config.SecretSource = {
  get: (name) => (name === 'AGENT_API_KEY' ? { value: 'from-the-environment' } : undefined),
}

export async function main() {
  const seen: (string | undefined)[] = []
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization)
    response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    // `'environment'` in place of the first source reads the variables of the process.
    await using troupe = await createTroupe({
      storage: 'memory:',
      log: 'silent',
      secrets: [environment, vault],
      egress: { allow: [host] },
    })
    const { secrets, egress } = troupe
    for (const key of ['AGENT_API_KEY', 'VAULT_KEY'])
      await egress.fetch(`http://${host}/`, { headers: { authorization: `Bearer ${await secrets.get(key)}` } })
    const missing = await secrets.get('OTHER_KEY').catch(({ code, details }) => [code, details.name])
    return { seen, missing, redacted: troupe.redact(`the key is ${await secrets.get('VAULT_KEY')}`) }
  } finally {
    server.close()
  }
}

if (import.meta.main) console.log(await main())

/** An agent from a file of settings, and limits from the environment; both are checked before an agent starts. */
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTroupe, defineMessage, loadConfig, Worker } from 'troupe'
import { z } from 'zod'

const Ask = defineMessage('ask', z.string(), { reply: z.string() })
const Settings = z.strictObject({ name: z.string(), greeting: z.string() })

async function loadAgent(path: string): Promise<Worker> {
  const { name, greeting } = Settings.parse(JSON.parse(await readFile(path, 'utf8')))
  return new Worker(name).on(Ask, ({ payload }) => `${greeting}, ${payload}`)
}

export async function main() {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'troupe-guide-'))
  const [good, bad] = [join(folder.path, 'good.json'), join(folder.path, 'bad.json')]
  await writeFile(good, JSON.stringify({ name: 'Greeter', greeting: 'Hello' }))
  await writeFile(bad, JSON.stringify({ name: 'Greeter', greting: 'Hello' }))
  // Open connections of the server, and the time that a handler has for one message.
  const { config, server } = await loadConfig({
    cwd: folder.path,
    env: { MAX_CONNECTIONS: '50', MESSAGE_TIMEOUT: '5' },
  })

  await using troupe = await createTroupe({ ...config, storage: 'memory:' })
  const ada = troupe.user('ada')
  await ada.start(await loadAgent(good))
  return {
    answer: await ada.agent('Guest').messages.request(Ask, 'Ada', { to: 'Greeter' }),
    limits: [server.maxConnections, config.messaging?.lease],
    rejected: await loadAgent(bad).catch(({ name }) => name),
  }
}

if (import.meta.main) console.log(await main())
